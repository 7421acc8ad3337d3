import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FatFiles, fatImage } from "../../src/medium/fat.ts";
import { lackingOf, title } from "../needs.ts";

const lacking = lackingOf("fsck.fat", "mtype");

describe.skipIf(lacking !== undefined)(title("a FAT16 file system", lacking), () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "sidus-fat-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function written(files: FatFiles): string {
    const image = join(directory, "disk.img");
    writeFileSync(image, fatImage(files));
    return image;
  }

  function check(image: string): void {
    const said = execFileSync("fsck.fat", ["-n", image], { encoding: "utf8" });
    expect(said).toMatch(/^fsck\.fat [^\n]*\n[^\n]*: \d+ files, \d+\/\d+ clusters\n$/);
  }

  function read(image: string, path: string): Buffer {
    const env = { ...process.env, MTOOLSRC: "/dev/null", MTOOLS_SKIP_CHECK: "1" };
    return execFileSync("mtype", ["-i", image, `::/${path}`], { env, maxBuffer: 1 << 27 });
  }

  test("fsck.fat finds nothing wrong with it, and mtools read what was written", () => {
    const files: Record<string, Uint8Array | string> = {
      "EFI/BOOT/BOOTX64.EFI": bytes(3_000_001),
      "EFI/BOOT/grubx64.efi": bytes(512),
      "grub/grub.cfg": "set timeout=0\n",
      "grub/x86_64-efi/http.mod": bytes(5000),
      "grub/x86_64-efi/httpboot.mod": bytes(1),
      "a name that takes two entries.and more": "long",
      "exactly13.chr": "one entry, filled",
      "Mixed.txt": "two cases",
      empty: "",
    };
    const image = written(files);
    check(image);
    for (const [path, content] of Object.entries(files)) {
      expect(read(image, path).equals(Buffer.from(content))).toBe(true);
    }
  });

  test("a directory of several clusters, and clusters of several sectors", () => {
    const many = Object.fromEntries(
      Array.from({ length: 200 }, (_, at) => [`many/entry number ${at}.text`, `${at}`]),
    );
    const image = written({ ...many, "large.bin": bytes(40 << 20) });
    check(image);
    expect(read(image, "many/entry number 117.text").toString()).toBe("117");
    expect(read(image, "large.bin").equals(Buffer.from(bytes(40 << 20)))).toBe(true);
  });

  test("none at all", () => check(written({})));

  test("more than it can hold is the caller's mistake", () => {
    const many = Array.from({ length: 600 }, (_, at) => [`${at}`, ""] as const);
    expect(() => fatImage(Object.fromEntries(many))).toThrow("too many files");
  });
});

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 9)) & 0xff);
}
