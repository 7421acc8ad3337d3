import { formatIpv4, type Ipv4 } from "../../bytes/ipv4.ts";
import type { Finding } from "../doctor-findings.ts";
import type { HeardServer, Wire } from "./wire.ts";

export interface Circumstances {
  readonly interfaceName: string;
  readonly ms: number;
  /** Whether we asked, or only listened. */
  readonly asked: boolean;
  /** This machine's addresses. */
  readonly own: ReadonlySet<Ipv4>;
}

/** What was heard, and what it means for serving here. */
export function wireFindings(wire: Wire, circumstances: Circumstances): Finding[] {
  const { interfaceName, ms, asked } = circumstances;
  const servers = wire.servers();
  const { all, netbooting } = wire.clients();
  const heard = `${count(all, "client")}, ${netbooting} of them netbooting`;
  const findings: Finding[] = [
    ...servers.flatMap((server) => serverFindings(server, circumstances)),
    ...wire.relays().map((relay) => ({
      state: "ok" as const,
      what: `DHCP relay ${formatIpv4(relay)}: what it brings comes from another network`,
      todo: "",
    })),
    { state: "ok", what: `heard in ${ms / 1000} s on ${interfaceName}: ${heard}`, todo: "" },
  ];
  if (servers.length > 0) return findings;
  // Servers speak when they are asked, and often to the one who asked alone.
  const unsure = asked ? "" : " (one that nobody asks says nothing: --probe asks)";
  const what = `no DHCP server on ${interfaceName} was heard${unsure}`;
  return [{ state: "ok", what, todo: "" }, ...findings];
}

function serverFindings(server: HeardServer, { interfaceName, own }: Circumstances): Finding[] {
  const address = formatIpv4(server.address);
  const through =
    server.relay === undefined ? "" : `, through the relay ${formatIpv4(server.relay)}`;
  if (own.has(server.address)) {
    const what = `DHCP server ${address} on ${interfaceName} is this machine itself`;
    return [{ state: "ok", what, todo: "" }];
  }
  const findings: Finding[] = [];
  if (server.givesAddresses) {
    findings.push({
      state: "blocked",
      what: `DHCP server ${address} gives addresses on ${interfaceName}${through}${booting(server)}`,
      todo: "leave that to it, in sidus.yaml: dhcp: { mode: proxy }; or stop it: two in one network harm each other",
    });
  }
  if (server.isProxy) {
    findings.push({
      state: "blocked",
      what: `ProxyDHCP server ${address} says on ${interfaceName} what to boot${through}${booting(server)}`,
      todo: "stop it, or share the nodes out, in sidus.yaml: dhcp: { allow: [...] }: firmware takes the word of either",
    });
  }
  return findings;
}

function booting({ bootFile, bootServer }: HeardServer): string {
  if (bootFile === undefined) return "";
  const from = bootServer === undefined ? "" : ` from ${formatIpv4(bootServer)}`;
  // From the wire, to a terminal.
  return `: ${JSON.stringify(bootFile)}${from}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
