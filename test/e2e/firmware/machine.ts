import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Firmware, firmwareArguments } from "../../../src/cli/demo/firmware.ts";
import type { Namespace } from "../../namespace.ts";
import { networkCard, type Qemu, startQemu } from "../qemu.ts";

/** A computer by what it starts with. */
export interface Computer {
  readonly firmware: Firmware;
  /** Its network card; QEMU's name. */
  readonly card?: "e1000" | "virtio-net-pci";
  /** UEFI with the network card's iPXE, in place of its own network stack. */
  readonly rom?: true;
  /** UEFI that asks for URLs only. */
  readonly httpBoot?: true;
  /** What it starts from before the network; QEMU's arguments. */
  readonly medium?: readonly string[];
}

/** What a node of nodeTree() said on its console. */
export interface Said {
  /** `type_of_loader` << 4 | version, by the x86 boot protocol. */
  readonly loader: number;
  readonly firmware: string;
  readonly secureboot: string;
  readonly words: string;
}

/** PXELINUX, GRUB, iPXE, and what calls the kernel's EFI stub: iPXE on UEFI, and GRUB under Secure Boot. */
export const startedBy = { syslinux: 0x30, grub: 0x72, stub: 0x21, ipxe: 0x46 } as const;

const MEMORY_MIB = "512";

const noPxe = ["IPv4PXESupport", "IPv6PXESupport"].flatMap((name) => [
  "-fw_cfg",
  `name=opt/org.tianocore/${name},string=n`,
]);

/** Switches it on, at the port of that name. */
export function powerOn(
  namespace: Namespace,
  work: string,
  node: { readonly port: string; readonly mac: string },
  computer: Computer,
): Qemu {
  const { firmware, card = "virtio-net-pci", rom, httpBoot, medium = [] } = computer;
  // QEMU's cards carry iPXE for UEFI too.
  const properties = firmware !== "bios" && rom === undefined ? ",romfile=" : "";
  return startQemu(
    namespace,
    [
      ...["-m", MEMORY_MIB, ...(httpBoot === true ? noPxe : []), ...medium],
      ...networkCard(node.port, node.mac, card, `,bootindex=2${properties}`),
    ],
    firmwareArguments(firmware, join(work, `${node.port}.variables`)),
  );
}

/** Waits for what the node says; its console is shown when it says nothing. */
export async function saidBy(qemu: Qemu, within: number): Promise<Said> {
  const deadline = performance.now() + within;
  for (;;) {
    // Asked first: what was said before the end is on the console by then.
    const hasEnded = qemu.hasEnded();
    const said = parse(qemu.console());
    if (said !== undefined) return said;
    if (hasEnded) throw new Error(`it ended:\n${tail(qemu)}`);
    if (performance.now() > deadline) throw new Error(`nothing in ${within} ms:\n${tail(qemu)}`);
    await setTimeout(50);
  }
}

function parse(console: string): Said | undefined {
  const line = /SIDUS-NODE loader=(\d+) firmware=(\w+) secureboot=(\w+) words=(.*)\r?\n/;
  const [, loader = "", firmware = "", secureboot = "", words = ""] = line.exec(console) ?? [];
  return loader === "" ? undefined : { loader: Number(loader), firmware, secureboot, words };
}

function tail(qemu: Qemu): string {
  return qemu.console().slice(-3000);
}
