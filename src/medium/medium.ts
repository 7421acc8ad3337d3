import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "../user-error.ts";
import { grubConfig, ipxeScript, isolinuxConfig, type MediumServer } from "./scripts.ts";

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

export interface UefiLoader {
  /** What UEFI adds to names of programs: `x64`, `aa64` (UEFI 2.10 §3.5.1.1). */
  readonly suffix: string;
  /** GRUB's name of the platform. */
  readonly platform: string;
  /** Of GRUB's image for the network: no other has TFTP in it. */
  readonly grub: Uint8Array;
  /** It starts GRUB, which then must be signed; undefined: without Secure Boot. */
  readonly shim: Uint8Array | undefined;
  readonly httpModule: Uint8Array | undefined;
}

type Files = Readonly<Record<string, Uint8Array | string>>;

/** Room for directories and the file allocation tables beside the files. */
const FAT_SPARE_BYTES = 1 << 20;
const SECTOR_BYTES = 512;

/** One image for CDs, USB sticks and virtual ones: ISO 9660 with boot records for each. Needs xorriso and mtools, and no root. */
export async function writeMedium(
  output: string,
  loaders: MediumLoaders,
  server: MediumServer,
): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "sidus-medium-"));
  // Beside it, so that it appears under its name when it is whole.
  const unfinished = `${output}.unfinished`;
  try {
    const grub = grubFiles(loaders.uefi, server);
    await writeFiles(join(work, "medium"), { ...biosFiles(loaders.bios, server), ...grub });
    await writeFile(join(work, "disk-sector"), loaders.bios.diskSector);
    await makeFat(join(work, "medium/efi.img"), { ...uefiPrograms(loaders.uefi), ...grub }, work);
    await rm(unfinished, { force: true });
    await run("xorriso", isoArguments(work, unfinished));
    await rename(unfinished, output);
  } finally {
    await rm(unfinished, { force: true });
    await rm(work, { recursive: true });
  }
}

/** ISO 9660 without extensions has names of eight letters and three. */
function biosFiles({ isolinux, ldlinux, ipxe }: BiosLoader, server: MediumServer): Files {
  return {
    "isolinux/isolinux.bin": isolinux,
    "isolinux/ldlinux.c32": ldlinux,
    "isolinux/isolinux.cfg": isolinuxConfig,
    "isolinux/ipxe.krn": ipxe,
    "isolinux/sidus.ipx": ipxeScript(server),
  };
}

/** What UEFI starts. */
function uefiPrograms(loaders: readonly UefiLoader[]): Files {
  const programs = loaders.map(({ suffix, grub, shim }) => ({
    [`EFI/BOOT/BOOT${suffix.toUpperCase()}.EFI`]: shim ?? grub,
    ...(shim === undefined ? {} : { [`EFI/BOOT/grub${suffix}.efi`]: grub }),
  }));
  return Object.assign({}, ...programs);
}

/** What GRUB then reads: from the whole medium where firmware shows it that, else from UEFI's file system. */
function grubFiles(loaders: readonly UefiLoader[], server: MediumServer): Files {
  const modules = loaders.flatMap(({ platform, httpModule }) =>
    httpModule === undefined ? [] : [[`grub/${platform}/http.mod`, httpModule] as const],
  );
  return { "grub/grub.cfg": grubConfig(server), ...Object.fromEntries(modules) };
}

async function writeFiles(directory: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
}

/** UEFI's file system. */
async function makeFat(image: string, files: Files, work: string): Promise<void> {
  const root = join(work, "efi");
  await writeFiles(root, files);
  const bytes = Object.values(files).reduce((sum, content) => sum + content.length, 0);
  const sectors = Math.ceil((bytes + FAT_SPARE_BYTES) / SECTOR_BYTES);
  await run("mformat", ["-C", "-i", image, "-T", String(sectors), "-h", "64", "-s", "32", "::"]);
  const top = [...new Set(Object.keys(files).map((name) => join(root, name.split("/")[0] ?? "")))];
  await run("mcopy", ["-s", "-i", image, ...top, "::"]);
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
  // What the user's mtools are set to is about his drives.
  const env = { ...process.env, MTOOLSRC: "/dev/null", MTOOLS_SKIP_CHECK: "1" };
  try {
    await promisify(execFile)(program, args, { env });
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
    throw new UserError(`${program} failed: ${said || String(cause)}`, { cause, exitCode: 1 });
  }
}
