import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inventoryOf } from "../../src/boot/inventory.ts";
import { isRaspberryPi, readRaspberryRequest } from "../../src/boot/raspberry.ts";
import { cleanPath, type ServedSettings } from "../../src/boot/served.ts";
import type { Sketch } from "../sim/tree.ts";
import { firmware, ip, mac } from "./firmware.ts";
import { node } from "./node.ts";
import { debian, kernel, settings, text } from "./room.ts";

/**
 * None was here: names and their order are those of the documentation ("Raspberry Pi boot modes: network") and of a
 * Pi 5's and a Pi 3's logs in threads of raspberrypi/firmware and raspberrypi/rpi-eeprom.
 */

const pi = "dc:a6:32:01:02:03";

const tree: Sketch = {
  ...debian,
  boot: {
    ...(debian["boot"] as Sketch),
    firmware: {
      "start4.elf": "copied by the hook",
      "bcm2711-rpi-4-b.dtb": "board, by the hook",
      overlays: { "disable-bt.dtbo": "overlay" },
      "config.txt": "as the hook made it",
      "secrets.txt": "secret",
    },
  },
  usr: {
    lib: {
      ...((debian["usr"] as Sketch)["lib"] as Sketch),
      "raspi-firmware": { "bootcode.bin": "boot code", "start4.elf": "of the package" },
      [`linux-image-${kernel}`]: { broadcom: { "bcm2837-rpi-3-b.dtb": "board" } },
    },
  },
};

function room(change: Partial<ServedSettings> = {}): ServedSettings {
  return settings({ nodeAt: () => firmware(0, { mac: pi }), ...change }, tree);
}

describe("who is a Raspberry Pi", () => {
  test("its maker's address and a BIOS' architecture; later boards may say 41", () => {
    for (const maker of [
      "28:cd:c1",
      "2c:cf:67",
      "88:a2:9e",
      "b8:27:eb",
      "d8:3a:dd",
      "dc:a6:32",
      "e4:5f:01",
    ]) {
      expect(isRaspberryPi(firmware(0, { mac: `${maker}:01:02:03` }))).toBe(true);
    }
    expect(isRaspberryPi(firmware(41))).toBe(true);
  });

  test("not one that runs UEFI, iPXE or Linux, and no PC", () => {
    expect(isRaspberryPi(firmware(11, { mac: pi }))).toBe(false);
    expect(isRaspberryPi(firmware(0, { mac: pi, isIpxe: true }))).toBe(false);
    expect(isRaspberryPi(firmware(undefined, { mac: pi }))).toBe(false);
    expect(isRaspberryPi(firmware(0))).toBe(false);
  });
});

describe("what it asks for", () => {
  test.each([
    ["start4.elf", {}],
    ["1a2b3c4d/start4.elf", { serial: "1a2b3c4d" }],
    ["1A2B3C4D/fixup4.dat", { serial: "1a2b3c4d" }],
    ["dc-a6-32-01-02-03/config.txt", { mac: mac(pi) }],
    ["bootcode.bin", {}],
    ["1a2b3c4d/bcm2712-rpi-5-b.dtb", { serial: "1a2b3c4d" }],
    ["1a2b3c4d/overlays/overlay_map.dtb", { serial: "1a2b3c4d" }],
    ["1a2b3c4d/kernel8.img", { serial: "1a2b3c4d" }],
  ])("%s", (name, said) => {
    const file = name.replace(/^[^/]*[0-9a-f-]{8,17}\//i, "");
    expect(readRaspberryRequest(name)).toEqual({
      serial: undefined,
      mac: undefined,
      ...said,
      file,
    });
  });

  test.each([
    "1a2b3c4d/vmlinuz",
    "1a2b3c4d/secrets.txt",
    "1a2b3c4/start4.elf",
    "1a2b3c4d/x/start4.elf",
    "1a2b3c4d/overlays/a/b.dtbo",
    "dc-a6-32-01-02/start4.elf",
    "start4.elf/",
    "pxelinux.0",
  ])("%s is nothing of its", (name) => {
    expect(readRaspberryRequest(name)).toBeUndefined();
  });

  test("any path gives a value", () => {
    fc.assert(
      fc.property(fc.string(), (path) => {
        const asked = readRaspberryRequest(cleanPath(path) ?? "");
        expect(asked === undefined || !asked.file.includes("..")).toBe(true);
      }),
    );
  });
});

describe("what it gets", () => {
  const of = (path: string, change = room()) => text(path, "10.77.0.99", change);

  test("firmware out of the tree: what the hook copied, else the package's, the kernel's own boards", async () => {
    expect(await of("1a2b3c4d/start4.elf")).toBe("copied by the hook");
    expect(await of("start4.elf")).toBe("copied by the hook");
    expect(await of("bootcode.bin")).toBe("boot code");
    expect(await of("1a2b3c4d/bcm2711-rpi-4-b.dtb")).toBe("board, by the hook");
    expect(await of("1a2b3c4d/bcm2837-rpi-3-b.dtb")).toBe("board");
    expect(await of("1a2b3c4d/overlays/disable-bt.dtbo")).toBe("overlay");
  });

  test("settings that fit the tree's kernel, whatever the hook made; kernel and initrd by the names in them", async () => {
    const settled = await of("1a2b3c4d/config.txt");
    expect(settled).toContain("\nkernel=kernel8.img\ninitramfs initramfs8 followkernel\n");
    expect(settled).toContain("\narm_64bit=1\n");
    expect(await of("1a2b3c4d/kernel8.img")).toBe("kernel");
    expect(await of("1a2b3c4d/initramfs8")).toBe("initrd");
  });

  test("its own command line, in one line", async () => {
    const inventory = inventoryOf([node({ mac: mac(pi), append: "quiet" })]);
    const shown = await of("1a2b3c4d/cmdline.txt", room({ inventory }));
    expect(shown).toMatch(
      /^root=\/dev\/nfs nfsroot=10\.77\.0\.1:\/srv\/nfsroot\/sidus,.* quiet\n$/,
    );
  });

  test("by its MAC address, where its EEPROM says so: from an address that nobody knows", async () => {
    const inventory = inventoryOf([node({ mac: mac(pi), append: "quiet" })]);
    const change = room({ inventory, nodeAt: () => undefined });
    expect(await of("dc-a6-32-01-02-03/cmdline.txt", change)).toContain("quiet");
    expect(await of("cmdline.txt", change)).not.toContain("quiet");
  });

  test("nothing where it is to start what is on its card", async () => {
    const inventory = inventoryOf([node({ mac: mac(pi), label: "local" })]);
    for (const file of ["start4.elf", "config.txt", "kernel8.img"]) {
      expect(await of(`1a2b3c4d/${file}`, room({ inventory }))).toBe("missing");
    }
  });

  test("nothing else, and nothing that the tree does not have", async () => {
    expect(await of("1a2b3c4d/secrets.txt")).toBe("missing");
    expect(await of("1a2b3c4d/start.elf")).toBe("missing");
    expect(await text("1a2b3c4d/start4.elf", "10.78.0.1", room())).toBe("denied");
  });

  test("an export of such a name goes first", async () => {
    const base = room();
    const [only] = base.exports;
    if (only === undefined) throw new Error("export");
    const change = { ...base, exports: [{ ...only, name: "1a2b3c4d" }] };
    expect(await of(`1a2b3c4d/boot/vmlinuz-${kernel}`, change)).toBe("kernel");
  });
});

describe("the directory's name is its serial number", () => {
  async function learned(path: string, change: Partial<ServedSettings> = {}) {
    const said: unknown[] = [];
    await text(path, "10.77.0.99", room({ ...change, learn: (one) => void said.push(one) }));
    return said;
  }

  test("which is learned of the node that has the address", async () => {
    const nodeAt: ServedSettings["nodeAt"] = (address) =>
      address === ip("10.77.0.99") ? firmware(0, { mac: pi }) : undefined;
    expect(await learned("1A2B3C4D/start4.elf", { nodeAt })).toEqual([
      { mac: mac(pi), uuid: undefined, serial: "1a2b3c4d" },
    ]);
  });

  test("but of no PC, of nobody, and not without such a directory", async () => {
    expect(await learned("1a2b3c4d/start4.elf", { nodeAt: () => firmware(0) })).toEqual([]);
    expect(await learned("1a2b3c4d/start4.elf", { nodeAt: () => undefined })).toEqual([]);
    expect(await learned("start4.elf")).toEqual([]);
  });

  test("nor of a Pi that is known as a node already, whose programs can ask so as well", async () => {
    const nodeAt = () => firmware(0, { mac: pi });
    const nodes = [node({ serial: "1a2b3c4d" }), node({ serial: "5e6f7a8b", volume: "other" })];
    const inventory = inventoryOf(nodes, () => ({ uuid: undefined, serial: "1a2b3c4d" }));
    expect(await learned("5e6f7a8b/start4.elf", { nodeAt, inventory })).toEqual([]);
  });

  test("nor what a program asks for on a Pi whose kernel has booted", async () => {
    const nodeAt = () => firmware(undefined, { mac: pi });
    expect(await learned("1a2b3c4d/start4.elf", { nodeAt })).toEqual([]);
  });
});
