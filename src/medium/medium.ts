import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "../user-error.ts";
import type { FatFiles } from "./fat.ts";
import { ipxeScript, isolinuxConfig, type MediumServer } from "./scripts.ts";
import { grubFiles, type UefiLoader, uefiDisk } from "./uefi-disk.ts";

/** What starts from a medium, each from files of Debian's. */
export interface MediumLoaders {
  readonly bios: BiosLoader;
  /** At least one. */
  readonly uefi: readonly UefiLoader[];
}

/** iPXE as a kernel, started by ISOLINUX. */
export interface BiosLoader {
  readonly isolinux: Uint8Array;
  readonly ldlinux: Uint8Array;
  readonly ipxe: Uint8Array;
  /** The first sector of a disk that starts ISOLINUX. */
  readonly diskSector: Uint8Array;
}

/** One image for CDs, USB sticks and virtual ones: ISO 9660 with boot records for each. Needs xorriso, and no root. */
export async function writeMedium(
  output: string,
  loaders: MediumLoaders,
  server: MediumServer,
): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "sidus-medium-"));
  // Beside it, so that it appears under its name when it is whole.
  const unfinished = `${output}.unfinished`;
  try {
    await writeFiles(join(work, "medium"), {
      ...biosFiles(loaders.bios, server),
      ...grubFiles(loaders.uefi, server),
      "efi.img": uefiDisk(loaders.uefi, server),
    });
    await writeFile(join(work, "disk-sector"), loaders.bios.diskSector);
    await rm(unfinished, { force: true });
    await run("xorriso", isoArguments(work, unfinished));
    await rename(unfinished, output);
  } finally {
    await rm(unfinished, { force: true });
    await rm(work, { recursive: true });
  }
}

/** ISO 9660 without extensions has names of eight letters and three. */
function biosFiles({ isolinux, ldlinux, ipxe }: BiosLoader, server: MediumServer): FatFiles {
  return {
    "isolinux/isolinux.bin": isolinux,
    "isolinux/ldlinux.c32": ldlinux,
    "isolinux/isolinux.cfg": isolinuxConfig,
    "isolinux/ipxe.krn": ipxe,
    "isolinux/sidus.ipx": ipxeScript(server),
  };
}

async function writeFiles(directory: string, files: FatFiles): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
}

function isoArguments(work: string, output: string): string[] {
  const bios = ["-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot"];
  return [
    ...["-as", "mkisofs", "-quiet", "-R", "-o", output, "-volid", "SIDUS"],
    ...[...bios, "-boot-load-size", "4", "-boot-info-table"],
    ...["-isohybrid-mbr", join(work, "disk-sector")],
    ...["-eltorito-alt-boot", "-e", "efi.img", "-no-emul-boot", "-isohybrid-gpt-basdat"],
    join(work, "medium"),
  ];
}

/** @throws UserError with what the program said. */
async function run(program: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(program, args);
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
    throw new UserError(`${program} failed: ${said || String(cause)}`, { cause, exitCode: 1 });
  }
}
