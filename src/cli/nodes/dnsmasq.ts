import { formatIpv4, type Ipv4, parseIpv4 } from "../../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../../bytes/mac.ts";
import type { NodeConfig } from "../../config/config.ts";
import {
  commentFor,
  type Host,
  hostNameIn,
  type Imported,
  leftOut,
  lost,
  macIn,
  type Note,
} from "./host.ts";

/** `dhcp-host=` of dnsmasq (dnsmasq(8)), within its other settings, or as lines of a `dhcp-hostsfile`. */

/** What dnsmasq takes for a lease time or a word of its own, wherever a name could be. */
const noName = /^(?:\d+[smhdw]?|infinite|ignore)$/i;

export function parseDnsmasq(text: string): Imported {
  const hosts: Host[] = [];
  const notes: Note[] = [];
  text.split("\n").forEach((written, index) => {
    const line = index + 1;
    const setting = written.replace(/(?:^|\s)#.*$/, "").trim();
    const value = hostIn(setting);
    const [, elsewhere] = /^(dhcp-hosts(?:file|dir)|conf-(?:file|dir))\s*=/.exec(setting) ?? [];
    if (elsewhere !== undefined) {
      notes.push({
        line,
        text: `${elsewhere}= names another file: import that, too`,
        isLost: false,
      });
    }
    if (value === undefined) return;
    const found = readHost(value, line);
    notes.push(...found.notes);
    hosts.push(...found.hosts);
  });
  return { hosts, notes };
}

/** The value of a `dhcp-host`; a line of a hosts file is that by itself, and begins with an address, a tag or an identifier. */
function hostIn(setting: string): string | undefined {
  const [, value] = /^(?:--)?dhcp-host\s*=\s*(.*)$/.exec(setting) ?? [];
  if (value !== undefined) return value.replace(/^"(.*)"$/, "$1");
  const [first = ""] = setting.split(",");
  const isHost = ethernetIn(first) !== undefined || /^(?:id|set|tag|net):/i.test(first);
  return isHost ? setting : undefined;
}

/** With the type of its network before it, where that is Ethernet: `01-52:54:00:77:00:01`. */
function ethernetIn(text: string): MacAddress | undefined {
  return macIn(text) ?? macIn(text.replace(/^0?1-(?=[^-]+$)/, ""));
}

function readHost(value: string, line: number): Imported {
  const notes: Note[] = [];
  const macs: MacAddress[] = [];
  const names: string[] = [];
  const addresses: Ipv4[] = [];
  let isIgnored = false;
  const parts = value.split(",").map((part) => part.trim());
  for (const part of parts.filter((text) => text !== "")) {
    const mac = ethernetIn(part);
    const address = parseIpv4(part);
    if (mac !== undefined) macs.push(mac);
    else if (address !== undefined) addresses.push(address);
    else if (/^ignore$/i.test(part)) isIgnored = true;
    else if (noName.test(part)) notes.push(leftOut(line, `its own lease time ${part}`));
    else if (hostNameIn(part) === undefined) notes.push(leftOut(line, whatIs(part)));
    else names.push(part);
  }
  const [mac, ...otherMacs] = macs;
  const [name, ...otherNames] = names;
  const [address, ...otherAddresses] = addresses;
  if (isIgnored) {
    return {
      hosts: [],
      notes: [...notes, lost(line, `"${value}" is a node that is to be ignored`)],
    };
  }
  if (mac === undefined) {
    return { hosts: [], notes: [...notes, lost(line, `"${value}" has no whole MAC address`)] };
  }
  for (const other of otherMacs) {
    notes.push(leftOut(line, `its other address ${formatMac(other)}: a node here has one`));
  }
  for (const other of otherNames) notes.push(leftOut(line, `its other name ${other}`));
  for (const other of otherAddresses)
    notes.push(leftOut(line, `its other IP ${formatIpv4(other)}`));
  if (name?.includes(".") === true) notes.push(leftOut(line, `the domain of ${name}`));
  const host = { line, mac, name: name === undefined ? undefined : hostNameIn(name), address };
  return { hosts: [host], notes };
}

function whatIs(part: string): string {
  if (/^id:/i.test(part)) return `the client identifier ${part}`;
  if (/^(?:set|tag|net):/i.test(part)) return `the tag ${part}`;
  if (part.startsWith("[")) return `the IPv6 address ${part}`;
  if (part.includes("*")) return `the addresses ${part}`;
  return `${part}, which is no host name`;
}

/** A line each; what dnsmasq cannot say is a comment. */
export function formatDnsmasq(nodes: readonly NodeConfig[]): string {
  return nodes.map((node) => `${lineOf(node)}\n`).join("");
}

function lineOf(node: NodeConfig): string {
  const { mac, name, address } = node;
  if (mac === undefined) return commentFor(node);
  const isName = name !== undefined && !noName.test(name);
  const parts = [
    formatMac(mac),
    ...(address === undefined ? [] : [formatIpv4(address)]),
    ...(isName ? [name] : []),
  ];
  const comment = isName || name === undefined ? "" : `# ${name} is no name to dnsmasq:\n`;
  return `${comment}dhcp-host=${parts.join(",")}`;
}
