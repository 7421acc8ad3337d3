import { availableParallelism, totalmem } from "node:os";
import { type Cidr, contains, formatCidr, formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { formatMac } from "../bytes/mac.ts";
import { CACHE_CONFIGURED_BYTES_MIN, CACHE_DEFAULT_BYTES_MAX, THREADS_MAX } from "../limits.ts";
import { formatInterface, type InterfaceAddress } from "../net/interfaces.ts";
import type {
  BootConfig,
  Config,
  DhcpConfig,
  ExportConfig,
  IscsiConfig,
  LabelConfig,
  NodeConfig,
  Ports,
} from "./config.ts";
import type { Written } from "./schema.ts";
import type { Path, Source } from "./source.ts";

const LEASE_SECONDS_DEFAULT = 12 * 3600;
const VOLUME_BYTES_DEFAULT = 8 * 2 ** 30;

/** Fills in what the file leaves out, and checks what hangs together. */
export function resolveConfig(
  written: Written,
  source: Source,
  interfaces: readonly InterfaceAddress[],
): Config {
  const own = ownAddress(written, source, interfaces);
  const exports = exportsOf(written, source, own.subnet);
  const boot = bootOf(written, source, exports);
  const state = written.state ?? "/var/lib/sidus";
  return {
    file: source.file,
    interface: own.name,
    address: own.address,
    subnet: own.subnet,
    state,
    images: written.images ?? "/var/lib/sidus/images",
    threads: written.threads ?? Math.min(availableParallelism(), THREADS_MAX),
    cache: written.cache ?? defaultCache(),
    ports: portsOf(written, source),
    dhcp: dhcpOf(written, source, own),
    iscsi: iscsiOf(written, state),
    exports,
    boot,
    nodes: nodesOf(written, source, own, boot),
    log: { level: written.log?.level ?? "info" },
  };
}

/** A quarter of the memory, within bounds. */
function defaultCache(): number {
  const quarter = Math.floor(totalmem() / 4);
  return Math.max(CACHE_CONFIGURED_BYTES_MIN, Math.min(quarter, CACHE_DEFAULT_BYTES_MAX));
}

function portsOf(written: Written, source: Source): Ports {
  const ports = { dhcp: 67, tftp: 69, http: 80, nfs: 2049, portmap: 111, iscsi: 3260 };
  for (const [name, port] of Object.entries(written.ports ?? {})) {
    if (port !== undefined) Object.assign(ports, { [name]: port });
  }
  const { dhcp, tftp, http, nfs, portmap, iscsi } = ports;
  const differ = (name: string, port: number, others: readonly number[]): void => {
    if (!others.includes(port)) return;
    throw source.complain(["ports", name], `${port} is already that of another service of sidus`);
  };
  // Answers go to the port after the server's own.
  if (dhcp === 65_535) throw source.complain(["ports", "dhcp"], "expected a port below 65535");
  differ("tftp", tftp, [dhcp]);
  differ("nfs", nfs, [http]);
  differ("portmap", portmap, [http, nfs]);
  differ("iscsi", iscsi, [http, nfs, portmap]);
  return ports;
}

function ownAddress(
  written: Written,
  source: Source,
  interfaces: readonly InterfaceAddress[],
): InterfaceAddress {
  const ofInterface = interfaces.filter((found) => found.name === written.interface);
  const [first] = ofInterface;
  if (first === undefined) {
    const there = interfaces.map(formatInterface).join(", ") || "none";
    throw source.complain(
      ["interface"],
      `no interface "${written.interface}" with an IPv4 address; this machine has: ${there}`,
    );
  }
  if (written.address === undefined) return first;
  const chosen = ofInterface.find((found) => found.address === written.address);
  if (chosen !== undefined) return chosen;
  const there = ofInterface.map(formatInterface).join(", ");
  throw source.complain(
    ["address"],
    `${formatIpv4(written.address)} is not an address of ${written.interface}; it has: ${there}`,
  );
}

function dhcpOf(written: Written, source: Source, own: InterfaceAddress): DhcpConfig {
  const dhcp = written.dhcp;
  const mode = dhcp?.mode ?? "server";
  const ranges = dhcp?.range ?? [];
  ranges.forEach((range) => {
    for (const end of [range.first, range.last])
      inSubnet(source, ["dhcp", "range"], end, own.subnet);
  });
  const reservations = (written.nodes ?? []).some((node) => node.ip !== undefined);
  if (mode === "server" && ranges.length === 0 && !reservations) {
    throw source.complain(
      ["dhcp"],
      "expected range: FIRST-LAST (or nodes with ip:), found nothing to hand out; mode: off serves no DHCP",
    );
  }
  return {
    mode,
    ranges,
    leaseSeconds: dhcp?.lease ?? LEASE_SECONDS_DEFAULT,
    router: dhcp?.router,
    dns: dhcp?.dns ?? [],
    domain: dhcp?.domain,
    denyUnknown: dhcp?.["deny-unknown"] ?? false,
  };
}

function iscsiOf({ iscsi }: Written, state: string): IscsiConfig {
  return {
    iqn: iscsi?.iqn ?? "iqn.2013-04.zone.sidus.target",
    bytes: iscsi?.size ?? VOLUME_BYTES_DEFAULT,
    chap: iscsi?.chap ?? "none",
    volumes: iscsi?.volumes ?? `${withoutTrailingSlash(state)}/volumes`,
  };
}

function exportsOf(written: Written, source: Source, subnet: Cidr): ExportConfig[] {
  const exports = Object.entries(written.exports).map(([name, entry]) => ({
    name,
    source: sourceOf(name, entry, source),
    path: withoutTrailingSlash(entry.path ?? `/srv/nfsroot/${name}`),
    clients: entry.clients ?? [subnet],
    squash: entry.squash ?? "none",
  }));
  if (exports.length === 0) {
    throw source.complain(
      ["exports"],
      "expected at least one, as sidus: { source: /srv/nfsroot/sidus }",
    );
  }
  const paths = new Map<string, string>();
  for (const { name, path } of exports) {
    const other = paths.get(path);
    if (other !== undefined) {
      throw source.complain(
        ["exports", name],
        `has the same path ${path} as ${other}; give one another path:`,
      );
    }
    paths.set(path, name);
  }
  return exports;
}

function sourceOf(
  name: string,
  entry: Written["exports"][string],
  source: Source,
): ExportConfig["source"] {
  const { source: path, image } = entry;
  if (path !== undefined && image === undefined) return { kind: "directory", path };
  if (image !== undefined && path === undefined) return { kind: "image", name: image };
  throw source.complain(
    ["exports", name],
    `expected one of source: DIRECTORY and image: NAME, found ${path === undefined ? "neither" : "both"}`,
  );
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}

function bootOf(written: Written, source: Source, exports: readonly ExportConfig[]): BootConfig {
  const [first] = exports;
  const names = exports.map((entry) => entry.name);
  const labels = new Map<string, LabelConfig>([
    ["tmpfs", linuxLabel("tmpfs", {}, first?.name ?? "")],
    ["iscsi", linuxLabel("iscsi", {}, first?.name ?? "")],
    ["local", { kind: "local" }],
  ]);
  for (const [name, entry] of Object.entries(written.boot?.labels ?? {})) {
    if (entry === "local") {
      labels.set(name, { kind: "local" });
      continue;
    }
    if (entry.export !== undefined && !names.includes(entry.export)) {
      throw source.complain(
        ["boot", "labels", name, "export"],
        `expected one of ${names.join(", ")}, found "${entry.export}"`,
      );
    }
    if ((entry.kernel === undefined) !== (entry.initrd === undefined)) {
      throw source.complain(
        ["boot", "labels", name],
        "expected both of kernel: and initrd:, or neither",
      );
    }
    labels.set(name, linuxLabel(name, entry, first?.name ?? ""));
  }
  const chosen = written.boot?.default ?? "tmpfs";
  knownLabel(source, ["boot", "default"], chosen, labels);
  return { default: chosen, overlay: written.boot?.overlay, labels };
}

function linuxLabel(
  name: string,
  entry: Exclude<NonNullable<NonNullable<Written["boot"]>["labels"]>[string], "local">,
  firstExport: string,
): LabelConfig {
  return {
    kind: "linux",
    export: entry.export ?? firstExport,
    layer: entry.layer ?? (name === "iscsi" ? "iscsi" : "tmpfs"),
    kernel: entry.kernel,
    initrd: entry.initrd,
    append: entry.append,
  };
}

function nodesOf(
  written: Written,
  source: Source,
  own: InterfaceAddress,
  boot: BootConfig,
): NodeConfig[] {
  const seen = new Map<string, number>();
  const once = (index: number, key: "mac" | "name" | "ip" | "volume", text: string): void => {
    const other = seen.get(`${key} ${text}`);
    if (other !== undefined) {
      throw source.complain(["nodes", index, key], `${text} is already that of nodes[${other}]`);
    }
    seen.set(`${key} ${text}`, index);
  };
  return (written.nodes ?? []).map((node, index) => {
    once(index, "mac", formatMac(node.mac));
    if (node.name !== undefined) once(index, "name", node.name.toLowerCase());
    if (node.ip !== undefined) {
      inSubnet(source, ["nodes", index, "ip"], node.ip, own.subnet);
      if (node.ip === own.address) {
        throw source.complain(
          ["nodes", index, "ip"],
          "is the server's own address; choose another",
        );
      }
      once(index, "ip", formatIpv4(node.ip));
    }
    if (node.volume?.name !== undefined) {
      once(index, "volume", node.volume.name);
      if (written.dhcp?.mode === "off" && node.ip === undefined) {
        throw source.complain(
          ["nodes", index, "volume"],
          "needs the node's ip: too: with dhcp.mode off a node is known by nothing else",
        );
      }
    }
    if (node.label !== undefined)
      knownLabel(source, ["nodes", index, "label"], node.label, boot.labels);
    return {
      mac: node.mac,
      name: node.name,
      address: node.ip,
      label: node.label,
      append: node.append,
      volume: { name: node.volume?.name, bytes: node.volume?.size },
    };
  });
}

function inSubnet(source: Source, path: Path, address: Ipv4, subnet: Cidr): void {
  if (contains(subnet, address)) return;
  throw source.complain(
    path,
    `expected an address in ${formatCidr(subnet)}, the network of the interface, found ${formatIpv4(address)}`,
  );
}

function knownLabel(
  source: Source,
  path: Path,
  label: string,
  labels: ReadonlyMap<string, LabelConfig>,
): void {
  if (labels.has(label)) return;
  throw source.complain(path, `expected one of ${[...labels.keys()].join(", ")}, found "${label}"`);
}
