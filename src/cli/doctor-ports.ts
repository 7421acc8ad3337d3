import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ServedPort {
  readonly protocol: "udp" | "tcp";
  readonly port: number;
  readonly what: string;
  /** How to free it from the program that usually has it. */
  readonly todo: string;
}

/** Clients insist on all of these, HTTP, NFS and iSCSI excepted. */
export const servedPorts: readonly ServedPort[] = [
  {
    protocol: "udp",
    port: 67,
    what: "DHCP",
    todo: "stop that DHCP server (systemctl disable --now isc-dhcp-server, or dnsmasq); two in one network harm each other",
  },
  {
    protocol: "udp",
    port: 4011,
    what: "PXE boot server, with dhcp: { mode: proxy }",
    todo: "stop that ProxyDHCP server (dnsmasq, WDS), or serve addresses too: dhcp: { mode: server }",
  },
  {
    protocol: "udp",
    port: 69,
    what: "TFTP",
    todo: "stop that TFTP server: systemctl disable --now tftpd-hpa, or atftpd, or dnsmasq",
  },
  {
    protocol: "tcp",
    port: 80,
    what: "HTTP",
    todo: "stop that web server, or choose another port in sidus.yaml: ports: { http: 8080 }",
  },
  {
    protocol: "tcp",
    port: 111,
    what: "portmapper",
    todo: "systemctl disable --now rpcbind.socket rpcbind",
  },
  {
    protocol: "udp",
    port: 111,
    what: "portmapper",
    todo: "systemctl disable --now rpcbind.socket rpcbind",
  },
  {
    protocol: "tcp",
    port: 2049,
    what: "NFS",
    todo: "systemctl disable --now nfs-server, or choose another port in sidus.yaml: ports: { nfs: 12049 }",
  },
  {
    protocol: "tcp",
    port: 3260,
    what: "iSCSI",
    todo: "systemctl disable --now tgt, or choose another port in sidus.yaml: ports: { iscsi: 13260 }",
  },
];

const TCP_LISTEN = "0A";

/** Inodes of the sockets that have a port, from a table as /proc/net/udp and /proc/net/tcp are. */
export function socketsOn(table: string, protocol: "udp" | "tcp", port: number): string[] {
  return table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => {
      const listens = protocol === "udp" || state === TCP_LISTEN;
      return listens && Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16) === port;
    })
    .map((fields) => fields[9] ?? "");
}

/** Who has a port: names of programs, "the kernel or another user's program" where none can be told; undefined: nobody. */
export function holderOf({
  protocol,
  port,
}: Pick<ServedPort, "protocol" | "port">): string | undefined {
  const inodes = [protocol, `${protocol}6`].flatMap((name) =>
    socketsOn(readOr(`/proc/net/${name}`), protocol, port),
  );
  if (inodes.length === 0) return undefined;
  const names = programsWith(new Set(inodes.map((inode) => `socket:[${inode}]`)));
  return names.length === 0 ? "the kernel or another user's program" : names.join(", ");
}

function programsWith(sockets: ReadonlySet<string>): string[] {
  const names = new Set<string>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (openFiles(pid).some((target) => sockets.has(target))) {
      names.add(`${readOr(`/proc/${pid}/comm`).trim()} (process ${pid})`);
    }
  }
  return [...names];
}

function openFiles(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  } catch {
    // Gone meanwhile, or another user's.
    return [];
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
