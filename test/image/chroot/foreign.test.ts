import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { requireRunnable } from "../../../src/image/chroot/foreign.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { tinyTree } from "./tiny-tree.ts";

const lacking = lackingOf("root", "busybox");

/** elf(5): class, data, version; then type and machine, of which no bytes follow that could run. */
function elf(bits: 1 | 2, endian: 1 | 2, machine: number): Uint8Array {
  const header = new Uint8Array(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits, endian, 1]);
  const view = new DataView(header.buffer);
  view.setUint16(16, 2, endian === 1);
  view.setUint16(18, machine, endian === 1);
  return header;
}

function treeWithShell(shell: Uint8Array): string {
  const tree = directoryOf({ "bin/sh": "" });
  writeFileSync(join(tree, "bin/sh"), shell);
  chmodSync(join(tree, "bin/sh"), 0o755);
  return tree;
}

describe.skipIf(lacking !== undefined)(title("programs of other processors", lacking), () => {
  test("a tree of this machine's own architecture runs", () => {
    requireRunnable(tinyTree());
  });

  test("what cannot run is said with the architecture and what is missing", () => {
    // EM_S390, big-endian; EM_RISCV; one that nobody has.
    for (const [shell, architecture] of [
      [elf(2, 2, 22), "s390x"],
      [elf(2, 1, 243), "riscv64"],
      [elf(2, 1, 60_000), "ELF machine 60000"],
    ] as const) {
      const tree = treeWithShell(shell);
      expect(() => requireRunnable(tree)).toThrow(
        `${tree} is of another architecture, ${architecture}, and nothing here runs its programs: `,
      );
    }
  });

  test("a shell that is a script, cut short, or missing, is not judged", () => {
    requireRunnable(treeWithShell(new TextEncoder().encode("#!/bin/other\n")));
    requireRunnable(treeWithShell(elf(2, 1, 22).subarray(0, 10)));
    requireRunnable(directoryOf({ "bin/other": "" }));
  });
});
