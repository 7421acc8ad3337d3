import { type Ipv4, parseIpv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "../net/endpoint.ts";

/** What a kernel's command line tells an initrd of the node's servers. What is not said is undefined. */
export interface CommandLine {
  /** `nfsroot=[SERVER:]PATH[,OPTIONS]` (Linux, Documentation/admin-guide/nfs/nfsroot.rst). */
  readonly nfs: NfsRoot | undefined;
  /** `aufs=`, or what `root=LABEL=ISCSI` implies. */
  readonly layer: string | undefined;
  /** `ISCSI_…=`, by the names of Debian's open-iscsi. */
  readonly iscsi: IscsiWords | undefined;
  /** `sidus.up=`: where the node says that it is up. */
  readonly up: { readonly server: Endpoint; readonly path: string } | undefined;
}

export interface NfsRoot {
  /** Undefined: the DHCP server (siaddr). */
  readonly server: Ipv4 | undefined;
  readonly path: string;
  /** `port=`, `mountport=`: not asked for at portmap then. */
  readonly port: number | undefined;
  readonly mountPort: number | undefined;
}

export interface IscsiWords {
  readonly server: Endpoint;
  readonly initiator: string;
  readonly target: string;
  readonly chap:
    | {
        readonly user: string;
        readonly secret: string;
        readonly mutual: { readonly user: string; readonly secret: string } | undefined;
      }
    | undefined;
}

const HTTP_PORT = 80;
const ISCSI_PORT = 3260;

export function commandLineOf(text: string): CommandLine {
  const words = new Map<string, string>();
  // The last of each counts, as for the scripts of an initrd.
  for (const word of text.match(/(?:[^\s"]|"[^"]*(?:"|$))+/g) ?? []) {
    const plain = word.replaceAll('"', "");
    const sign = plain.indexOf("=");
    if (sign > 0) words.set(plain.slice(0, sign), plain.slice(sign + 1));
  }
  const implied = words.get("root") === "LABEL=ISCSI" ? "iscsi" : undefined;
  return {
    nfs: nfsOf(words.get("nfsroot")),
    layer: words.get("aufs") ?? implied,
    iscsi: iscsiOf(words),
    up: urlOf(words.get("sidus.up")),
  };
}

function nfsOf(value: string | undefined): NfsRoot | undefined {
  if (value === undefined || value === "") return undefined;
  const [place = "", ...options] = value.split(",");
  const [, host, path = place] = /^([\d.]+):(.*)$/.exec(place) ?? [];
  const port = (name: string): number | undefined =>
    portOf(options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1));
  return {
    server: parseIpv4(host ?? ""),
    path,
    port: port("port"),
    mountPort: port("mountport"),
  };
}

function iscsiOf(words: ReadonlyMap<string, string>): IscsiWords | undefined {
  const address = parseIpv4(words.get("ISCSI_TARGET_IP") ?? "");
  const initiator = words.get("ISCSI_INITIATOR");
  if (address === undefined || initiator === undefined) return undefined;
  const own = credentialsOf(words, "ISCSI");
  const mutual = credentialsOf(words, "ISCSI_IN");
  return {
    server: { address, port: portOf(words.get("ISCSI_TARGET_PORT")) ?? ISCSI_PORT },
    initiator,
    target: words.get("ISCSI_TARGET_NAME") ?? initiator,
    chap: own === undefined ? undefined : { ...own, mutual },
  };
}

function credentialsOf(
  words: ReadonlyMap<string, string>,
  prefix: string,
): { user: string; secret: string } | undefined {
  const user = words.get(`${prefix}_USERNAME`);
  const secret = words.get(`${prefix}_PASSWORD`);
  return user === undefined || secret === undefined ? undefined : { user, secret };
}

function urlOf(text: string | undefined): CommandLine["up"] {
  const [, host = "", port, path = "/"] =
    /^http:\/\/([\d.]+)(?::(\d+))?(\/.*)?$/.exec(text ?? "") ?? [];
  const address = parseIpv4(host);
  if (address === undefined) return undefined;
  return { server: { address, port: portOf(port) ?? HTTP_PORT }, path };
}

/** Undefined: none, or none that there is. */
function portOf(text: string | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : 0;
  return port > 0 && port < 65_536 ? port : undefined;
}
