import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loaderPath } from "../../src/boot/loader-files.ts";
import { availableLoaders } from "../../src/boot/loaders.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { decode, Opcode } from "../../src/tftp/packet.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import { udpFrames } from "../captures.ts";
import { lackingOf, title } from "../needs.ts";
import { VirtualClock } from "../sim/clock.ts";
import type { Sketch } from "../sim/tree.ts";
import { debian, settings, text } from "./room.ts";

/** What real firmware and loaders asked for, in their order, and the files that Debian has for them. */

const grub: Sketch = {
  "x86_64-efi": {
    "command.lst": "commands",
    "fs.lst": "",
    "crypto.lst": "",
    "terminal.lst": "",
    monolithic: { "grubnetx64.efi": "GRUB" },
  },
  "x86_64-efi-signed": { "grubnetx64.efi.signed": "signed GRUB" },
};

const withAll: Sketch = {
  ...debian,
  usr: {
    lib: {
      ...((debian["usr"] as Sketch)["lib"] as Sketch),
      grub,
      shim: { "shimx64.efi.signed": "shim", "mmx64.efi.signed": "MokManager" },
      ipxe: { "snponly.efi": "iPXE", "undionly.kpxe": "iPXE" },
    },
  },
};

/** The names in a boot's RRQs, each once. */
function asked(capture: string): string[] {
  const names = udpFrames(capture).flatMap(({ to, bytes }) => {
    if (to.port !== 69) return [];
    const packet = decode(bytes);
    return isMalformed(packet) || packet.opcode !== Opcode.RRQ ? [] : [packet.name];
  });
  return [...new Set(names)];
}

describe("captured boots", () => {
  test.each([
    ["a-bios-tmpfs", ["pxelinux.0", "ldlinux.c32", "pxelinux.cfg/01-52-54-00-77-00-01"]],
    [
      "a2-bios-lpxelinux-virtio",
      ["lpxelinux.0", "ldlinux.c32", "pxelinux.cfg/01-52-54-00-77-00-01"],
    ],
    [
      "p-pxelinux-default",
      [
        "pxelinux.0",
        "ldlinux.c32",
        "pxelinux.cfg/01-52-54-00-77-00-01",
        "pxelinux.cfg/0A4D000B",
        "pxelinux.cfg/default",
      ],
    ],
    ["c-uefi-grub", ["grubnetx64.efi", "/grub/grub.cfg", "/grub/grub.cfg-01-52-54-00-77-00-01"]],
    ["d1-bios-ipxe-http", ["boot.ipxe"]],
    ["d2-uefi-ipxe-http", ["snponly.efi", "boot.ipxe"]],
  ])(
    "%s: every name is served, but kernels, which are called otherwise here",
    async (capture, names) => {
      const change = settings({}, withAll);
      const served: string[] = [];
      for (const name of asked(capture)) {
        const answer = await text(name, "10.77.0.11", change);
        if (!["missing", "denied"].includes(answer)) served.push(name);
      }
      expect(served).toEqual(names);
    },
  );
});

describe("Secure Boot: shim 15.8 and GRUB 2.06 of Debian 12, as they asked one after another", () => {
  test.each([
    ["shimx64.efi", "shim"],
    ["revocations_sku.efi", "missing"],
    ["revocations_sbat.efi", "missing"],
    ["shim_certificate_0.efi", "missing"],
    ["grubx64.efi", "signed GRUB"],
    ["/grub/x86_64-efi/command.lst", "commands"],
    ["/grub/x86_64-efi/fs.lst", ""],
    ["/grub/x86_64-efi/crypto.lst", ""],
    ["/grub/x86_64-efi/terminal.lst", ""],
    ["/grub/x86_64-efi/grub.cfg", "missing"],
    ["mmx64.efi", "MokManager"],
  ])("%s: %s", async (name, content) => {
    expect(await text(name, "10.77.0.11", settings({}, withAll))).toBe(content);
  });
});

const files = [
  "pxelinux.0",
  "lpxelinux.0",
  "ldlinux.c32",
  "menu.c32",
  "undionly.kpxe",
  "ipxe.pxe",
  "snponly.efi",
  "ipxe.efi",
  "grubnetx64.efi",
  "grub/x86_64-efi/command.lst",
];
const lacking = lackingOf(...files.map((name) => loaderPath(name) ?? ""));

describe.skipIf(lacking)(title("Debian's own files", lacking), () => {
  test("are where the table says, and come whole", async () => {
    const options = { clock: new VirtualClock(), cache: BlockCache.create(16 << 20) };
    await using tree = await openDirectory("/", options);
    const base = settings();
    const exports = base.exports.map((entry) => ({ ...entry, tree }));
    const change = { ...base, exports, boot: { ...base.boot, labels: new Map() } };
    for (const name of files) {
      const shown = await text(name, "10.77.0.99", change);
      expect(shown.length).toBeGreaterThan(100);
      expect(shown).toBe(new TextDecoder().decode(readFileSync(loaderPath(name) ?? "")));
    }
    const there = await availableLoaders([tree]);
    expect(files.filter((name) => !name.includes("/") && name !== "menu.c32")).toEqual(
      files.filter((name) => there.has(name)),
    );
  });
});
