import { Architecture, type NodeFacts } from "../../boot/facts.ts";
import { isRaspberryPi } from "../../boot/raspberry.ts";
import { PXE_CLIENT } from "../facts.ts";
import { Option, readSubOption } from "../options.ts";
import { type DhcpOption, type DhcpPacket, findOption } from "../packet.ts";
import { bootFileIsHere, classOption, PxeTag, vendorOptions } from "../pxe.ts";

/**
 * Options 60 and 43 of a ProxyDHCP offer.
 *
 * UEFI gets no option 43: edk2 of 2014 to 2017 (Dell T430, HP Gen9) drops proxy offers with discovery control
 * (tianocore/edk2#6944, danderson/netboot#43), but all versions take one that names the class alone, and ask port 4011.
 */
export function offerOptions(facts: NodeFacts): readonly DhcpOption[] {
  if (facts.isHttpClient || isRaspberryPi(facts)) return vendorOptions(facts);
  const asksAgain = !facts.isIpxe && isUefi(facts);
  return asksAgain ? [classOption(PXE_CLIENT)] : [classOption(PXE_CLIENT), bootFileIsHere()];
}

/** Of a boot server's ACK: PXE 2.1 §2.2.5. The item of the menu that was asked for is said again. */
export function acknowledgeOptions(facts: NodeFacts, packet: DhcpPacket): readonly DhcpOption[] {
  const item = bootItem(packet);
  if (item === undefined) return offerOptions(facts);
  return [classOption(PXE_CLIENT), bootFileIsHere([{ code: PxeTag.BOOT_ITEM, data: item }])];
}

/** Type and layer of the boot server that a client looks for; who says one looks for a boot server. */
export function bootItem(packet: DhcpPacket): Uint8Array | undefined {
  const vendor = findOption(packet, Option.VENDOR);
  const item = vendor === undefined ? undefined : readSubOption(vendor, PxeTag.BOOT_ITEM);
  return item?.length === 4 ? item : undefined;
}

function isUefi({ architecture }: NodeFacts): boolean {
  return architecture !== undefined && architecture !== Architecture.BIOS;
}
