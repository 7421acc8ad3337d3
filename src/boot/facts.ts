import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";

/** Processor architecture types of PXE clients (RFC 4578 §2.1, and IANA's list after it). */
export const Architecture = {
  BIOS: 0,
  UEFI_IA32: 6,
  UEFI_X64: 7,
  /** "EBC"; much firmware of x64 machines says so. */
  UEFI_X64_EBC: 9,
  UEFI_ARM32: 10,
  UEFI_ARM64: 11,
  UEFI_IA32_HTTP: 15,
  UEFI_X64_HTTP: 16,
  UEFI_ARM32_HTTP: 18,
  UEFI_ARM64_HTTP: 19,
  BIOS_HTTP: 20,
  /** Its boards say 0 all the same, so far. */
  RASPBERRY_PI: 41,
} as const;

/** What is known of a node when it asks: extracted once from its request, whatever the protocol. */
export interface NodeFacts {
  readonly mac: MacAddress;
  /** SMBIOS UUID, lower case with dashes; undefined where the firmware sent none or zeros. */
  readonly uuid: string | undefined;
  /** SMBIOS serial number as iPXE says it, or a Raspberry Pi's. */
  readonly serial: string | undefined;
  readonly address: Ipv4 | undefined;
  /** Option 93; undefined where the client sent none (the kernel, an operating system). */
  readonly architecture: number | undefined;
  readonly isIpxe: boolean;
  /** UEFI HTTP boot (option 60 is `HTTPClient`): it wants a URL. */
  readonly isHttpClient: boolean;
}
