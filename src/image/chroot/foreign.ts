import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import process from "node:process";
import { UserError } from "../../user-error.ts";
import { insideTree } from "../inside.ts";
import { isInUserNamespace } from "../namespace/user-namespace.ts";

/** ELF header, e_machine: what QEMU calls it, and Debian. */
const machines: Readonly<Record<number, { readonly qemu: string; readonly debian: string }>> = {
  3: { qemu: "i386", debian: "i386" },
  21: { qemu: "ppc64le", debian: "ppc64el" },
  22: { qemu: "s390x", debian: "s390x" },
  40: { qemu: "arm", debian: "armhf" },
  62: { qemu: "x86_64", debian: "amd64" },
  183: { qemu: "aarch64", debian: "arm64" },
  243: { qemu: "riscv64", debian: "riscv64" },
};

const BINFMT = "/proc/sys/fs/binfmt_misc";

/** Programs of other processors are run by an emulator, if the kernel was told of one. @throws UserError */
export function requireRunnable(tree: string): void {
  const shell = insideTree(tree, "/bin/sh/.");
  const machine = machineOf(shell);
  if (machine === undefined || machine === machineOf(process.execPath) || runs(tree)) return;
  const { qemu, debian } = machines[machine] ?? { qemu: "", debian: `ELF machine ${machine}` };
  emulate(qemu);
  if (runs(tree)) return;
  throw new UserError(
    `${tree} is of another architecture, ${debian}, and nothing here runs its programs: ${remedy(qemu)}`,
  );
}

/** Before there is a tree, as requireRunnable() does it; `architecture` as Debian calls it. Answers whether there is an emulator. */
export function emulateArchitecture(architecture: string): boolean {
  const machine = Object.values(machines).find(({ debian }) => debian === architecture);
  if (machine === undefined) return false;
  emulate(machine.qemu);
  return existsSync(`${BINFMT}/qemu-${machine.qemu}`);
}

function runs(tree: string): boolean {
  return spawnSync("chroot", [tree, "/bin/sh", "-c", ":"]).status === 0;
}

/**
 * A user namespace may have formats of its own (Linux 6.7), which end with it. Those of the whole machine are for its
 * administrator to change. Where it does not work, nothing has changed.
 */
function emulate(qemu: string): void {
  if (!isInUserNamespace() || existsSync(`${BINFMT}/qemu-${qemu}`)) return;
  const format = formatOf(qemu);
  if (format === undefined) return;
  if (!existsSync(`${BINFMT}/register`)) {
    const mounted = spawnSync("mount", ["-t", "binfmt_misc", "binfmt_misc", BINFMT]);
    if (mounted.status !== 0) return;
  }
  try {
    writeFileSync(`${BINFMT}/register`, format);
  } catch {
    // Said by whoever then finds that it does not run.
  }
}

/** binfmt.d(5): how the package of the emulator has it registered; its F keeps the emulator open, so no tree needs it. */
function formatOf(qemu: string): string | undefined {
  try {
    return readFileSync(`/usr/lib/binfmt.d/qemu-${qemu}.conf`, "utf8")
      .split("\n")
      .find((line) => line.startsWith(":"));
  } catch {
    return undefined;
  }
}

function remedy(qemu: string): string {
  if (qemu === "") return "no emulator is known for it";
  if (formatOf(qemu) === undefined) return "apt-get install qemu-user-static";
  if (isInUserNamespace()) return "it takes Linux 6.7 or newer, or root";
  return "qemu-user-static is installed, but not registered: systemctl restart systemd-binfmt";
}

/** elf(5): undefined where it is no ELF program. */
function machineOf(file: string): number | undefined {
  const header = new Uint8Array(20);
  try {
    const descriptor = openSync(file, "r");
    try {
      if (readSync(descriptor, header) < header.length) return undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
  const view = new DataView(header.buffer);
  if (view.getUint32(0) !== 0x7f45_4c46) return undefined;
  const isLittleEndian = view.getUint8(5) === 1;
  return view.getUint16(18, isLittleEndian);
}
