import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, sidus } from "../sidus.ts";

/** What starts from a medium is tried with real firmware, in e2e/firmware. */

const lacking = lackingOf(
  ...(["xorriso", "mformat", "mtype", "/usr/lib/ISOLINUX/isolinux.bin"] as const),
  "/usr/lib/syslinux/modules/bios/ldlinux.c32",
);

const signed = {
  "usr/lib/shim/shimx64.efi.signed": "shim of the tree",
  "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed": "signed GRUB of the tree",
  "usr/lib/grub/x86_64-efi/http.mod": "module of the tree",
};
const plain = { "usr/lib/ipxe/ipxe.lkrn": "iPXE of the tree" };

/** The machine has an address of its own on each loopback. */
function configOf(tree: Readonly<Record<string, string>>): string {
  const work = directoryOf({});
  const config = `interface: lo
address: 127.0.0.1
state: ${work}
dhcp: { mode: "off" }
exports: { room: { source: ${directoryOf(tree)} } }
`;
  return join(directoryOf({ "sidus.yaml": config }), "sidus.yaml");
}

/** A file in the image as a whole, by ISO 9660's names. */
function fileIn(image: string, path: string): string {
  const to = join(directoryOf({}), "file");
  execFileSync("xorriso", ["-osirrox", "on", "-indev", image, "-extract", path, to], {
    stdio: "ignore",
  });
  return readFileSync(to, "latin1");
}

describe("sidus medium", () => {
  test.each([
    [
      ["--out", "boot.raw", "--url", "http://10.0.0.1/"],
      "--out: expected a name that ends in .iso",
    ],
    [["--out", "boot.iso"], "expected either --config FILE or --url"],
    [["--out", "boot.iso", "--url", "http://server/"], "--url: expected http://ADDRESS[:PORT]/"],
    [["--out", "boot.iso", "--url", "http://10.0.0.1:70000/"], "--url: expected http://ADDRESS"],
  ])("%j is refused in one line", async (args, expected) => {
    const { code, stderr } = await sidus("medium", ...args);
    expect(code).toBe(2);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(expected);
  });

  describe.skipIf(lacking !== undefined)(title("writes an image", lacking), () => {
    test("with the loaders of the configuration's trees, for its server", async () => {
      const out = join(directoryOf({}), "boot.iso");
      const config = configOf({ ...signed, ...plain });
      const { code, stdout, stderr } = await sidus("medium", "--out", out, "--config", config);
      expect(code, stderr).toBe(0);
      expect(stdout).toBe(`${out}: BIOS, UEFI x64 and Secure Boot; goes to http://127.0.0.1/\n`);

      expect(fileIn(out, "/isolinux/ipxe.krn")).toBe("iPXE of the tree");
      expect(fileIn(out, "/isolinux/sidus.ipx")).toContain("http://127.0.0.1/boot.ipxe");
      expect(fileIn(out, "/grub/grub.cfg")).toContain("127.0.0.1");
      expect(fileIn(out, "/grub/x86_64-efi/http.mod")).toBe("module of the tree");
      const fat = join(directoryOf({ "efi.img": "" }), "efi.img");
      execFileSync("xorriso", ["-osirrox", "on", "-indev", out, "-extract", "/efi.img", fat], {
        stdio: "ignore",
      });
      const inFat = (name: string): string =>
        execFileSync("mtype", ["-i", fat, `::${name}`], { encoding: "latin1" });
      expect(inFat("EFI/BOOT/BOOTX64.EFI")).toBe("shim of the tree");
      expect(inFat("EFI/BOOT/grubx64.efi")).toBe("signed GRUB of the tree");
      expect(inFat("grub/grub.cfg")).toBe(fileIn(out, "/grub/grub.cfg"));
    });

    test("that CDs and disks start from, on BIOS and on UEFI", async () => {
      const out = join(directoryOf({}), "boot.img");
      const config = configOf({ ...signed, ...plain });
      expect(await sidus("medium", "--out", out, "--config", config)).toMatchObject({ code: 0 });
      const report = (what: string): string =>
        execFileSync("xorriso", ["-indev", out, what, "plain"], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
      expect(report("-report_el_torito")).toMatch(/BIOS +y +none/);
      expect(report("-report_el_torito")).toMatch(/UEFI +y +none/);
      expect(report("-report_system_area")).toContain("MBR isohybrid");
      expect(report("-report_system_area")).toMatch(/MBR partition +: +2 +0x00 +0xef/);
    });

    test("nothing of it stays where it cannot be put", async () => {
      const directory = directoryOf({ "boot.iso/in-the-way": "" });
      const config = configOf({ ...signed, ...plain });
      const out = join(directory, "boot.iso");
      const { code } = await sidus("medium", "--out", out, "--config", config);
      expect(code).not.toBe(0);
      expect(readdirSync(directory)).toEqual(["boot.iso"]);
    });
  });
});
