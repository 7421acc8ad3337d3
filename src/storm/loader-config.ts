import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import { grubWords } from "./loader-config/grub.ts";
import { ipxeChain, ipxeWords } from "./loader-config/ipxe.ts";
import { pxelinuxWords } from "./loader-config/pxelinux.ts";
import type { BootWords, LoaderSettings } from "./loader-config/words.ts";

export type { BootWords, LoaderSettings } from "./loader-config/words.ts";

/**
 * What a boot loader does with a configuration if nobody touches a key: PXELINUX's (syslinux.cfg), GRUB's (grub.cfg), or
 * iPXE's script; told apart by what only one of them says. Undefined: it boots nothing.
 */
export function bootWords(text: string, settings: LoaderSettings = {}): BootWords | undefined {
  if (/^\s*#!ipxe\b/.test(text)) return ipxeWords(text, settings);
  const isGrub =
    /^\s*(?:set\s+\w+=|menuentry\s|function\s|(?:linux|initrd)(?:efi|16)?\s+\S*[/$(])/m;
  const isPxelinux = /^\s*(?:label|default|say|prompt|append)\s+\S/im;
  if (isPxelinux.test(text) && !/^\s*(?:set\s+\w+=|menuentry\s)/m.test(text)) {
    return pxelinuxWords(text);
  }
  return isGrub.test(text) ? grubWords(text, settings) : pxelinuxWords(text);
}

/** Names of configurations that an iPXE script leads on to: the first that is there. None: it leads nowhere. */
export function chainOf(text: string, settings: LoaderSettings): readonly string[] {
  return /^\s*#!ipxe\b/.test(text) ? ipxeChain(text, settings) : [];
}

/** What iPXE (`${next-server}`) and GRUB (`$net_default_server`) know of the node and of where they came from. */
export function loaderSettings(node: {
  readonly mac: MacAddress;
  readonly address: Ipv4;
  readonly server: Ipv4;
  readonly hostName: string;
}): LoaderSettings {
  const mac = formatMac(node.mac);
  const address = formatIpv4(node.address);
  const server = formatIpv4(node.server);
  return {
    mac,
    ip: address,
    hostname: node.hostName,
    "next-server": server,
    net_default_mac: mac,
    net_default_ip: address,
    net_default_server: server,
    net_default_hostname: node.hostName,
    pxe_default_server: server,
  };
}
