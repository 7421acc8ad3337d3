import { type FatFiles, fatImage } from "./fat.ts";
import { grubConfig, type MediumServer } from "./scripts.ts";

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

/** The disk that UEFI firmware starts from: it goes to the server by itself. */
export function uefiDisk(loaders: readonly UefiLoader[], server: MediumServer): Uint8Array {
  return fatImage({ ...uefiPrograms(loaders), ...grubFiles(loaders, server) });
}

/** What UEFI starts. */
function uefiPrograms(loaders: readonly UefiLoader[]): FatFiles {
  const programs = loaders.map(({ suffix, grub, shim }) => ({
    [`EFI/BOOT/BOOT${suffix.toUpperCase()}.EFI`]: shim ?? grub,
    ...(shim === undefined ? {} : { [`EFI/BOOT/grub${suffix}.efi`]: grub }),
  }));
  return Object.assign({}, ...programs);
}

/** What GRUB then reads: from the whole medium where firmware shows it that, else from UEFI's file system. */
export function grubFiles(loaders: readonly UefiLoader[], server: MediumServer): FatFiles {
  const modules = loaders.flatMap(({ platform, httpModule }) =>
    httpModule === undefined ? [] : [[`grub/${platform}/http.mod`, httpModule] as const],
  );
  return { "grub/grub.cfg": grubConfig(server), ...Object.fromEntries(modules) };
}
