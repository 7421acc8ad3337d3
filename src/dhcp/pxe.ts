import type { NodeFacts } from "../boot/facts.ts";
import { isRaspberryPi } from "../boot/raspberry.ts";
import { HTTP_CLIENT, PXE_CLIENT } from "./facts.ts";
import { Option, readText, textOption } from "./options.ts";
import { type DhcpOption, type DhcpPacket, findOption } from "./packet.ts";

/** What PXE puts into options 60 and 43 (PXE 2.1 §2.1.4, table 2-1; RFC 4578). */

/** The tags inside option 43. */
export const PxeTag = {
  DISCOVERY_CONTROL: 6,
  BOOT_MENU: 9,
  MENU_PROMPT: 10,
  BOOT_ITEM: 71,
} as const;

const END = 255;

/** Bits of discovery control. */
const NO_BROADCAST = 1;
const NO_MULTICAST = 2;
/** Fetch the boot file that this message names: no discovery, no menu. */
const BOOT_FILE_IS_HERE = 8;

/** The class that firmware says, and wants to hear again: without it an offer is no offer to netboot. */
export type NetbootClass = typeof PXE_CLIENT | typeof HTTP_CLIENT;

/** PXE 2.1 §2.2.1: `PXEClient:Arch:00007:UNDI:003000`; UEFI 2.10 §24.7.3: `HTTPClient:…`. */
export function netbootClass(packet: DhcpPacket): NetbootClass | undefined {
  const data = findOption(packet, Option.VENDOR_CLASS);
  const text = data === undefined ? "" : readText(data);
  return ([PXE_CLIENT, HTTP_CLIENT] as const).find((name) => text.startsWith(name));
}

/**
 * Options 60 and 43 of a server that gives the address too. UEFI that hears `PXEClient` without option 43 asks port 4011
 * for its boot file, though it has one (tianocore/edk2#8149). iPXE needs neither.
 */
export function vendorOptions(facts: NodeFacts): readonly DhcpOption[] {
  if (facts.isHttpClient) return [classOption(HTTP_CLIENT)];
  if (isRaspberryPi(facts)) return [classOption(PXE_CLIENT), raspberryMenu];
  return facts.isIpxe ? [] : [classOption(PXE_CLIENT), bootFileIsHere()];
}

export function classOption(name: NetbootClass): DhcpOption {
  return textOption(Option.VENDOR_CLASS, name);
}

/** Shown for 0 s: what comes first is taken at once. Some ROMs miss it otherwise; dnsmasq sends it too. */
const prompt: DhcpOption = { code: PxeTag.MENU_PROMPT, data: Uint8Array.of(0, ...ascii("PXE")) };

/** `more` goes into option 43 as well. */
export function bootFileIsHere(more: readonly DhcpOption[] = []): DhcpOption {
  return vendorOption([discoveryControl(BOOT_FILE_IS_HERE), prompt, ...more]);
}

/**
 * Boot ROM and EEPROM of Raspberry Pis look at no offer without this text (raspberrypi/firmware#1265): the one item of a
 * menu, of type 0, local boot. As dnsmasq writes `pxe-service=0,"Raspberry Pi Boot"`.
 */
const raspberryMenu: DhcpOption = vendorOption([
  discoveryControl(NO_BROADCAST | NO_MULTICAST),
  prompt,
  { code: PxeTag.BOOT_MENU, data: menuItem("Raspberry Pi Boot") },
]);

function discoveryControl(bits: number): DhcpOption {
  return { code: PxeTag.DISCOVERY_CONTROL, data: Uint8Array.of(bits) };
}

function menuItem(text: string): Uint8Array {
  return Uint8Array.of(0, 0, text.length, ...ascii(text));
}

/** Option 43 with the options in it. */
function vendorOption(parts: readonly DhcpOption[]): DhcpOption {
  const bytes = parts.flatMap(({ code, data }) => [code, data.length, ...data]);
  return { code: Option.VENDOR, data: Uint8Array.of(...bytes, END) };
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
