/** IANA's processor architecture types (RFC 4578 §2.1, and what came after it), as far as firmware says them. */
const names: ReadonlyMap<number, string> = new Map([
  [0, "BIOS"],
  [6, "UEFI IA32"],
  [7, "UEFI x64"],
  [9, "UEFI x64"],
  [10, "UEFI ARM 32"],
  [11, "UEFI ARM 64"],
  [15, "UEFI IA32 by HTTP"],
  [16, "UEFI x64 by HTTP"],
  [17, "UEFI x64 by HTTP"],
  [18, "UEFI ARM 32 by HTTP"],
  [19, "UEFI ARM 64 by HTTP"],
  [20, "BIOS by HTTP"],
  [41, "Raspberry Pi"],
]);

/** `UEFI x64`; the number where there is no name. */
export function architectureName(architecture: number): string {
  return names.get(architecture) ?? `architecture ${architecture}`;
}

export function isUefi(architecture: number | undefined): boolean {
  return architecture !== undefined && architectureName(architecture).startsWith("UEFI");
}

/** UEFI 2.10 §24.7: `HTTPClient`. */
export function isHttpBoot(architecture: number | undefined): boolean {
  return architecture !== undefined && architectureName(architecture).endsWith("HTTP");
}
