import { readFile } from "node:fs/promises";
import { formatIpv4 } from "../../bytes/ipv4.ts";
import { formatMac } from "../../bytes/mac.ts";
import type { NodeConfig } from "../../config/config.ts";
import { IMPORT_BYTES_MAX } from "../../limits.ts";
import { UserError } from "../../user-error.ts";
import { parseDnsmasq } from "./dnsmasq.ts";
import type { Host, Imported, Note } from "./host.ts";
import { parseIsc } from "./isc.ts";

export const formats = ["dnsmasq", "isc"] as const;
export type Format = (typeof formats)[number];

/** @throws UserError for a file that names no node, as far as we understand it. */
export async function readHosts(file: string, format: Format | undefined): Promise<Imported> {
  const bytes = await readFile(file);
  if (bytes.length > IMPORT_BYTES_MAX) {
    throw new UserError(`${file}: larger than ${IMPORT_BYTES_MAX} bytes; is it the right file?`);
  }
  const text = bytes.toString("utf8");
  const chosen = format ?? formatOf(text);
  if (chosen === undefined) {
    throw new UserError(
      `${file}: neither \`dhcp-host=\` lines of dnsmasq nor \`host … { }\` blocks of ISC's dhcpd are in it`,
    );
  }
  return chosen === "dnsmasq" ? parseDnsmasq(text) : parseIsc(text);
}

function formatOf(text: string): Format | undefined {
  if (/^\s*(?:--)?dhcp-host(?:sfile|sdir)?\s*=/m.test(text)) return "dnsmasq";
  if (/^\s*host\s+\S+\s*\{|[{;}]\s*host\s+\S+\s*\{/m.test(text)) return "isc";
  return /^\s*(?:(?:id|set|tag|net):[^,\n]*,\s*)*(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\s*,/im.test(text)
    ? "dnsmasq"
    : undefined;
}

/** Without those that are there already, or whose name or address another node has: a note for each. */
export function withoutDuplicates(
  { hosts, notes }: Imported,
  existing: readonly NodeConfig[],
): Imported {
  const owners = new Map<string, string>();
  const claim = (keys: readonly string[], owner: string): void => {
    for (const key of keys) owners.set(key, owner);
  };
  for (const node of existing) claim(keysOf(node), `nodes[${node.entry}]`);
  const accepted: Host[] = [];
  const refused: Note[] = [];
  for (const host of hosts) {
    const keys = keysOf(host);
    const taken = keys.find((key) => owners.has(key));
    if (taken === undefined) {
      claim(keys, `line ${host.line}`);
      accepted.push(host);
    } else {
      const text = `${taken} is already that of ${owners.get(taken)}; not imported`;
      refused.push({ line: host.line, text, isLost: true });
    }
  }
  return { hosts: accepted, notes: [...notes, ...refused].sort((a, b) => a.line - b.line) };
}

function keysOf({ mac, name, address }: Pick<NodeConfig, "mac" | "name" | "address">): string[] {
  return [
    ...(mac === undefined ? [] : [formatMac(mac)]),
    ...(name === undefined ? [] : [name.toLowerCase()]),
    ...(address === undefined ? [] : [formatIpv4(address)]),
  ];
}
