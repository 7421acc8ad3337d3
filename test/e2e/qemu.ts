import { once } from "node:events";
import type { Namespace } from "../namespace.ts";

export interface Qemu extends AsyncDisposable {
  /** What it wrote to its serial port so far. */
  console(): string;
  hasEnded(): boolean;
}

/** An IBM PC with SeaBIOS. */
const pc = ["-machine", "pc,graphics=off"];

/**
 * A computer without a disk; `args` say what it starts from and what it has besides, `machine` what it is.
 * TCG only: CI has no KVM; what newer processors have it emulates slowly.
 */
export function startQemu(
  namespace: Pick<Namespace, "spawn">,
  args: readonly string[],
  machine: readonly string[] = pc,
): Qemu {
  const processor = ["-accel", "tcg", "-cpu", "Nehalem", "-nodefaults"];
  const serial = ["-vga", "none", "-display", "none", "-serial", "stdio", "-no-reboot"];
  const random = ["-device", "virtio-rng-pci"];
  const all = [...machine, ...processor, ...serial, ...random, ...args];
  const child = namespace.spawn("qemu-system-x86_64", all, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
    });
  }
  let ended = false;
  // Later than its exit: when all that it wrote has been read.
  const closed = once(child, "close").then(() => {
    ended = true;
  });
  return {
    console: () => text,
    hasEnded: () => ended,
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGKILL");
      await closed;
    },
  };
}

/** Its network card, on a TAP of the room's network. `more`: properties of the card's. */
export function networkCard(
  tap: string,
  mac: string,
  model = "virtio-net-pci",
  more = ",bootindex=1",
): string[] {
  return [
    ...["-netdev", `tap,id=${tap},ifname=${tap},script=no,downscript=no`],
    ...["-device", `${model},netdev=${tap},mac=${mac}${more}`],
  ];
}
