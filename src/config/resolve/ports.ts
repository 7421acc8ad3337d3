import type { Ports } from "../config.ts";
import type { Written } from "../schema.ts";
import type { Source } from "../source.ts";

const wellKnown: Ports = {
  dhcp: 67,
  proxy: 4011,
  tftp: 69,
  http: 80,
  nfs: 2049,
  portmap: 111,
  iscsi: 3260,
};

/** Each protocol's services; two of one list cannot share a port. */
const transports: readonly (readonly (keyof Ports)[])[] = [
  ["dhcp", "proxy", "tftp", "portmap"],
  ["http", "nfs", "portmap", "iscsi"],
];

export function portsOf({ ports: written = {} }: Written, source: Source): Ports {
  const chosen = Object.entries(written).filter(([, port]) => port !== undefined);
  const ports: Ports = { ...wellKnown, ...Object.fromEntries(chosen) };
  // Answers go to the port after the server's own.
  if (ports.dhcp === 65_535) {
    throw source.complain(["ports", "dhcp"], "expected a port below 65535");
  }
  for (const names of transports) {
    names.forEach((name, at) => {
      const other = names.slice(0, at).find((before) => ports[before] === ports[name]);
      if (other === undefined) return;
      const blamed = written[name] === undefined ? other : name;
      throw source.complain(
        ["ports", blamed],
        `${ports[name]} is already that of another service of sidus: ${blamed === name ? other : name}`,
      );
    });
  }
  return ports;
}
