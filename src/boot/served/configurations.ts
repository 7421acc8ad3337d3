import { parseMac } from "../../bytes/mac.ts";
import { SERIAL_BYTES_MAX } from "../../limits.ts";
import type { BootFile, Requester } from "../files.ts";
import { renderGrub } from "../grub.ts";
import { renderIpxe } from "../ipxe.ts";
import { IPXE_SCRIPT } from "../loader.ts";
import { httpUrl } from "../menu.ts";
import { type Menu, menuFor, type Origin, type PlannedNode } from "../plan.ts";
import { renderPxelinux } from "../pxelinux.ts";
import { renderedFile } from "./files.ts";
import type { SaidIdentity, ServedSettings } from "./settings.ts";
import { claimed, isIdentified, learnSaid, whoAsks, whoIsNamed } from "./who.ts";

const GRUB_CONFIGURATION = "grub/grub.cfg";

/**
 * Configurations of loaders, rendered for the node that they are about: whom the name says, or who has the address that
 * asks. What names no node that we can tell is missing, so that a loader goes on to the next name.
 */
export async function configuration(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing" | undefined> {
  if (name.startsWith("pxelinux.cfg/")) {
    return pxelinux(name.slice("pxelinux.cfg/".length), requester, settings);
  }
  if (name === GRUB_CONFIGURATION || name.startsWith(`${GRUB_CONFIGURATION}-`)) {
    return grub(name, requester, settings);
  }
  if (name === IPXE_SCRIPT || name === "autoexec.ipxe" || /^ipxe\/.*\.ipxe$/.test(name)) {
    return ipxe(name, requester, settings);
  }
  return undefined;
}

/** PXELINUX asks by UUID, by hardware type and MAC, by address in hexadecimal, shorter and shorter, and for `default`. */
async function pxelinux(
  asked: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing"> {
  const isOwn = asked === "default" || isItsUuid(asked, requester, settings);
  const node = isOwn ? whoAsks(requester, settings) : whoIsNamed(asked, requester, settings);
  if (node === undefined) return "missing";
  const http = settings.loaders.loaderAt(requester.address) === "lpxelinux.0";
  const menu = await menuFor(node, settings.boot);
  return renderedFile(renderPxelinux(menu, originFor(settings, http)));
}

function isItsUuid(asked: string, { address }: Requester, { nodeAt }: ServedSettings): boolean {
  return asked.length === 36 && asked.toLowerCase() === nodeAt(address)?.uuid;
}

/** GRUB reads `/grub/grub.cfg`. Where its address does not tell who asks, it is sent to the file by its MAC address. */
async function grub(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing"> {
  const isOwn = name === GRUB_CONFIGURATION;
  const asked = name.slice(GRUB_CONFIGURATION.length + 1);
  const node = isOwn ? whoAsks(requester, settings) : whoIsNamed(asked, requester, settings);
  if (node === undefined) return "missing";
  const rendered = renderGrub(await menuFor(node, settings.boot), originFor(settings, true));
  const isTold = !isOwn || isIdentified(requester, settings);
  return renderedFile(isTold ? rendered : `${grubByMac}${rendered}`);
}

/** What follows is for a GRUB that was not started from the network. */
const grubByMac = `if [ -n "$net_default_mac" ]; then
  configfile $prefix/grub.cfg-01-$net_default_mac
fi

`;

/** iPXE reads its script; a node that is not known yet says there who it is, by fetching the one that names it. */
async function ipxe(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing"> {
  const origin = originFor(settings, true);
  if (!name.startsWith("ipxe/")) {
    if (!isIdentified(requester, settings)) return renderedFile(ipxeByMac(origin));
    return renderedIpxe(whoAsks(requester, settings), settings);
  }
  const said = readSaid(name);
  if (said === undefined) return "missing";
  learnSaid(said, requester, settings);
  return renderedIpxe(claimed(said.mac, requester, settings), settings);
}

async function renderedIpxe(node: PlannedNode, settings: ServedSettings): Promise<BootFile> {
  const menu: Menu = await menuFor(node, settings.boot);
  return renderedFile(renderIpxe(menu, originFor(settings, true)));
}

/**
 * `netX` is the card that iPXE boots with, whichever number it has. `uristring` escapes what makers write as serial
 * number; bytes beyond ASCII it escapes wrongly (iPXE of 2019), and such a URL is refused: then without.
 */
function ipxeByMac(origin: Origin): string {
  const whole = `ipxe/01-\${netX/mac:hexhyp}/uuid-\${uuid}/serial-\${serial:uristring}.ipxe`;
  const brief = `ipxe/01-\${netX/mac:hexhyp}.ipxe`;
  const fetches = [whole, brief].map((name) => `imgfetch --name node ${httpUrl(name, origin)}`);
  return ["#!ipxe", fetches.join(" || "), "imgexec node", ""].join("\n");
}

/** `ipxe/01-52-54-00-77-00-01/uuid-…/serial-….ipxe`, where both may be empty, or `ipxe/01-52-54-00-77-00-01.ipxe`. */
function readSaid(name: string): SaidIdentity | undefined {
  const form = /^ipxe\/01-([0-9a-f-]{17})(?:\/uuid-([0-9a-f-]*)\/serial-(.*))?\.ipxe$/i;
  const [, dashed = "", uuid = "", serial = ""] = form.exec(name) ?? [];
  const mac = parseMac(dashed);
  if (mac === undefined) return undefined;
  const isUuid = uuid.length === 36 && !/^[0-]*$/.test(uuid);
  const printable = /^[ -~]+$/.test(serial) && serial.length <= SERIAL_BYTES_MAX;
  return {
    mac,
    uuid: isUuid ? uuid.toLowerCase() : undefined,
    serial: (printable && serial.trim()) || undefined,
  };
}

function originFor({ boot }: ServedSettings, http: boolean): Origin {
  return { server: boot.serverAddress, httpPort: boot.httpPort, http };
}
