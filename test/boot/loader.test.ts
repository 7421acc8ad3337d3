import { describe, expect, test } from "vitest";
import { Architecture, type NodeFacts } from "../../src/boot/facts.ts";
import { isFetchedByHttp, loadersFor, whyNoLoader } from "../../src/boot/loader.ts";
import { isFirstLoader, loaderPath } from "../../src/boot/loader-files.ts";
import { firmware } from "./firmware.ts";

const x64 = ["shimx64.efi", "grubnetx64.efi", "snponly.efi", "ipxe.efi"];

function best(facts: NodeFacts, choice: Parameters<typeof loadersFor>[1] = "auto") {
  return loadersFor(facts, choice, false);
}

describe("loaders by architecture (RFC 4578 §2.1, IANA processor-architecture)", () => {
  test("BIOS: PXELINUX, the one with HTTP first", () => {
    expect(best(firmware(0))).toEqual(["lpxelinux.0", "pxelinux.0", "undionly.kpxe", "ipxe.pxe"]);
  });

  test("UEFI x64 is 7, and 9 as well: signed GRUB before plain GRUB before iPXE", () => {
    expect(best(firmware(7))).toEqual(x64);
    expect(best(firmware(9))).toEqual(x64);
  });

  test("ARM64 says 11, 0x000b: not 0x11", () => {
    expect(best(firmware(11))).toEqual(["shimaa64.efi", "grubnetaa64.efi"]);
    expect(best(firmware(0x11))).toEqual([]);
  });

  test("32-bit UEFI: ia32 and ARM", () => {
    expect(best(firmware(6))).toEqual(["shimia32.efi", "grubnetia32.efi"]);
    expect(best(firmware(10))).toEqual(["shimarm.efi", "grubnetarm.efi"]);
  });

  test("HTTP boot: the same loaders, by URL, with GRUB on a disk", () => {
    expect(best(firmware(15))).toEqual(["uefi-ia32.img"]);
    expect(best(firmware(16))).toEqual(["snponly.efi", "uefi-x64.img", "ipxe.efi"]);
    expect(best(firmware(18))).toEqual(["uefi-arm.img"]);
    expect(best(firmware(19))).toEqual(["uefi-aa64.img"]);
    expect(best(firmware(20))).toEqual(best(firmware(0)));
    for (const [http, plain] of [
      [15, 6],
      [16, 7],
      [18, 10],
      [19, 11],
      [20, 0],
    ] as const) {
      expect(isFetchedByHttp(firmware(http), "shimx64.efi")).toBe(true);
      expect(isFetchedByHttp(firmware(plain), "shimx64.efi")).toBe(false);
    }
    expect(isFetchedByHttp(firmware(7, { isHttpClient: true }), "shimx64.efi")).toBe(true);
  });

  test("every architecture that has a name here has loaders", () => {
    const { RASPBERRY_PI: _, ...others } = Architecture;
    for (const number of Object.values(others)) {
      expect(best(firmware(number)).length).toBeGreaterThan(0);
    }
  });
});

describe("what the administrator chose", () => {
  test("goes first where it fits the firmware, with what fits besides after it", () => {
    expect(best(firmware(0), "pxelinux").slice(0, 2)).toEqual(["pxelinux.0", "lpxelinux.0"]);
    expect(best(firmware(0), "ipxe").slice(0, 2)).toEqual(["undionly.kpxe", "ipxe.pxe"]);
    expect(best(firmware(7), "ipxe").slice(0, 3)).toEqual([
      "snponly.efi",
      "ipxe.efi",
      "shimx64.efi",
    ]);
    expect(best(firmware(7), "grub")[0]).toBe("grubnetx64.efi");
    expect(best(firmware(7), "shim")[0]).toBe("shimx64.efi");
  });

  test("counts as auto where it does not fit", () => {
    expect(best(firmware(0), "grub")).toEqual(best(firmware(0)));
    expect(best(firmware(0), "shim")).toEqual(best(firmware(0)));
    expect(best(firmware(7), "pxelinux")).toEqual(best(firmware(7)));
    expect(best(firmware(11), "ipxe")).toEqual(best(firmware(11)));
  });

  test("iPXE gets its script, or the loader that it is to start", () => {
    for (const architecture of [0, 7, 11, undefined]) {
      const ipxe = firmware(architecture, { isIpxe: true });
      expect(best(ipxe)).toEqual(["boot.ipxe"]);
      expect(best(ipxe, "ipxe")).toEqual(["boot.ipxe"]);
    }
    const ofBios = firmware(0, { isIpxe: true });
    expect(best(ofBios, "pxelinux")).toEqual(["pxelinux.0", "boot.ipxe"]);
    expect(best(ofBios, "grub")).toEqual(["boot.ipxe"]);
    expect(isFetchedByHttp(ofBios, "boot.ipxe")).toBe(true);
    expect(isFetchedByHttp(ofBios, "pxelinux.0")).toBe(false);
  });
});

describe("grub-no-proxydhcp: beside another DHCP server (rhboot/grub2#56)", () => {
  test("UEFI gets iPXE first, GRUB after it", () => {
    expect(loadersFor(firmware(7), "auto", true)).toEqual([
      "snponly.efi",
      "ipxe.efi",
      "shimx64.efi",
      "grubnetx64.efi",
    ]);
    expect(loadersFor(firmware(11), "auto", true)).toEqual(best(firmware(11)));
    expect(loadersFor(firmware(0), "auto", true)).toEqual(best(firmware(0)));
  });

  test("HTTP boot leaves GRUB without a server: it comes on a disk, after iPXE unless it was chosen", () => {
    expect(best(firmware(16))[0]).toBe("snponly.efi");
    for (const choice of ["grub", "shim"] as const) {
      expect(best(firmware(16), choice)[0]).toBe("uefi-x64.img");
      expect(loadersFor(firmware(16), choice, true)[0]).toBe("uefi-x64.img");
    }
    expect(loadersFor(firmware(7), "grub", true)[0]).toBe("grubnetx64.efi");
  });
});

describe("why there is no loader", () => {
  test("no architecture, an unknown one, and one whose files are not there", () => {
    expect(whyNoLoader(firmware(undefined))).toMatch(/does not say what it is \(DHCP option 93\)/);
    expect(whyNoLoader(firmware(27))).toMatch(/^is of PXE architecture 27, which no loader here/);
    expect(whyNoLoader(firmware(11))).toMatch(
      /^is of PXE architecture 11 and needs one of shimaa64\.efi \+ grubaa64\.efi, grubnetaa64\.efi: no tree has it/,
    );
    expect(whyNoLoader(firmware(19))).toContain(
      "needs one of shimaa64.efi + grubaa64.efi: no tree",
    );
    expect(whyNoLoader(firmware(0))).toContain("lpxelinux.0 + ldlinux.c32, pxelinux.0");
  });

  test("a Raspberry Pi needs the firmware of its own", () => {
    const pi = firmware(0, { mac: "dca632010203" });
    expect(whyNoLoader(pi)).toBe(
      "is a Raspberry Pi and needs start4.elf: no tree has it, nor the overlay (package raspi-firmware, in a tree for arm64)",
    );
  });
});

describe("where Debian has the files", () => {
  test("shim's and GRUB's, by their file lists of Debian 12", () => {
    expect(loaderPath("shimx64.efi")).toBe("/usr/lib/shim/shimx64.efi.signed");
    expect(loaderPath("grubx64.efi")).toBe("/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed");
    expect(loaderPath("mmx64.efi")).toBe("/usr/lib/shim/mmx64.efi.signed");
    expect(loaderPath("grubnetx64.efi")).toBe("/usr/lib/grub/x86_64-efi/monolithic/grubnetx64.efi");
    expect(loaderPath("grubaa64.efi")).toBe(
      "/usr/lib/grub/arm64-efi-signed/grubnetaa64.efi.signed",
    );
    expect(loaderPath("menu.c32")).toBe("/usr/lib/syslinux/modules/bios/menu.c32");
    expect(loaderPath("grub/x86_64-efi/command.lst")).toBe("/usr/lib/grub/x86_64-efi/command.lst");
  });

  test("and nothing else is", () => {
    for (const name of [
      "vmlinuz",
      "grub/x86_64-efi/monolithic/grubnetx64.efi",
      "grub/i386-pc/core.0",
      "grub/grub.cfg",
      "a/menu.c32",
      "revocations_sbat.efi",
    ]) {
      expect(loaderPath(name)).toBeUndefined();
    }
  });

  test("a second stage is nobody's first loader", () => {
    for (const name of ["ldlinux.c32", "grubx64.efi", "mmx64.efi"]) {
      expect(isFirstLoader(name)).toBe(false);
    }
    for (const name of ["lpxelinux.0", "shimx64.efi"]) expect(isFirstLoader(name)).toBe(true);
  });
});
