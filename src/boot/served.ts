import { type Ipv4, ipv4 } from "../bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../bytes/mac.ts";
import { PATH_BYTES_MAX } from "../limits.ts";
import { resolve } from "../tree/resolve.ts";
import type { Tree } from "../tree/tree.ts";
import type { NodeFacts } from "./facts.ts";
import type { BootFile, BootFiles, Requester } from "./files.ts";
import type { Inventory, KnownNode } from "./inventory.ts";
import { type BootExport, type BootSettings, plansFor } from "./plan.ts";
import { renderPxelinux } from "./pxelinux.ts";

export interface ServedSettings {
  readonly boot: BootSettings;
  readonly inventory: Inventory;
  readonly exports: readonly ServedExport[];
  /** Its files add to and replace those of the trees. */
  readonly overlay: Tree | undefined;
  /** What DHCP learned of the node that now has the address. */
  readonly nodeAt: (address: Ipv4) => NodeFacts | undefined;
}

export interface ServedExport extends BootExport {
  admits(address: Ipv4): boolean;
  /** The tree with this pin; undefined where there is none such. */
  pinned(pin: string): Promise<Tree | undefined>;
}

/** Where Debian's packages put what loaders ask for by its bare name. */
const loaderDirectories = ["/usr/lib/PXELINUX", "/usr/lib/syslinux/modules/bios"];

/** Loaders need no more of a tree; links in there are followed. What labels name as kernel and initrd is served besides. */
const servedDirectories = ["boot/", ...loaderDirectories.map((path) => `${path.slice(1)}/`)];

/** The files that loaders ask for: the overlay first, then what is rendered, then the trees. */
export function servedFiles(current: () => ServedSettings): BootFiles {
  return async (path, requester) => {
    const name = cleanPath(path);
    if (name === undefined) return "missing";
    const settings = current();
    if (!settings.exports.some((entry) => entry.admits(requester.address))) return "denied";
    if (settings.overlay !== undefined) {
      const file = await openInTree(settings.overlay, name);
      if (file !== "missing") return file;
    }
    if (name.startsWith("pxelinux.cfg/")) return configuration(name, requester, settings);
    return name.includes("/")
      ? exported(name, requester, settings)
      : loader(name, requester, settings);
  };
}

/** Without leading slashes, empty and `.` components; undefined where a name could not be meant so. */
export function cleanPath(path: string): string | undefined {
  if (path.length > PATH_BYTES_MAX || path.includes("\0")) return undefined;
  const names = path
    .replaceAll("\\", "/")
    .split("/")
    .filter((name) => name !== "" && name !== ".");
  if (names.length === 0 || names.includes("..")) return undefined;
  return names.join("/");
}

/** `sidus/boot/vmlinuz-…`: the export's name, its pin where it has one, then the path in its tree. */
async function exported(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing" | "denied"> {
  const slash = name.indexOf("/");
  const inTree = name.slice(slash + 1);
  const [, exportName, pin] = /^([^@]*)(@?.*)$/.exec(name.slice(0, slash)) ?? [];
  const found = settings.exports.find((entry) => entry.name === exportName);
  if (found === undefined) return "missing";
  if (!found.admits(requester.address)) return "denied";
  if (!isServed(inTree, found.name, settings)) return "denied";
  const tree = pin === "" || pin === undefined ? found.tree : await found.pinned(pin);
  return tree === undefined ? "missing" : openInTree(tree, inTree);
}

function isServed(inTree: string, exportName: string, { boot }: ServedSettings): boolean {
  if (servedDirectories.some((directory) => inTree.startsWith(directory))) return true;
  return [...boot.labels.values()].some(
    (label) =>
      label.kind === "linux" &&
      label.export.name === exportName &&
      [label.kernel, label.initrd].some((path) => path !== undefined && cleanPath(path) === inTree),
  );
}

/** `pxelinux.0`, `ldlinux.c32`: out of the tree that the node boots. */
async function loader(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing"> {
  const node = settings.inventory.at(requester.address, settings.nodeAt(requester.address)?.mac);
  const label = settings.boot.labels.get(node?.label ?? settings.boot.default);
  const trees = [
    ...(label?.kind === "linux" ? [label.export.tree] : []),
    ...settings.exports
      .filter((entry) => entry.admits(requester.address))
      .map((entry) => entry.tree),
  ];
  for (const tree of new Set(trees)) {
    for (const directory of loaderDirectories) {
      const file = await openInTree(tree, `${directory}/${name}`);
      if (file !== "missing") return file;
    }
  }
  return "missing";
}

/**
 * PXELINUX asks by UUID, by hardware type and MAC, by address in hexadecimal, shorter and shorter, and for `default`.
 * What names no node that we can tell is missing, so that it goes on to the next.
 */
async function configuration(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing"> {
  const asked = name.slice("pxelinux.cfg/".length);
  const facts = settings.nodeAt(requester.address);
  const isUuid = asked.length === 36 && asked.toLowerCase() === facts?.uuid;
  const byMac = asked.startsWith("01-") ? parseMac(asked.slice(3)) : undefined;
  const byAddress = /^[0-9A-F]{8}$/.test(asked) ? ipv4(Number.parseInt(asked, 16)) : undefined;
  if (!isUuid && byMac === undefined && byAddress === undefined && asked !== "default")
    return "missing";
  const address = byAddress ?? requester.address;
  const mac = byMac ?? settings.nodeAt(address)?.mac;
  const known = settings.inventory.at(address, mac);
  const isItself = address === requester.address && isOf(requester.address, known, mac, facts?.mac);
  const node = { known, address: isItself ? address : undefined };
  return renderedFile(renderPxelinux(await plansFor(node, settings.boot)));
}

/** Who asks from an address is the node it claims to be: by its lease, or where we gave none, by the configuration. */
function isOf(
  address: Ipv4,
  known: KnownNode | undefined,
  claimed: MacAddress | undefined,
  leased: MacAddress | undefined,
): boolean {
  if (leased !== undefined) return leased === claimed;
  return known === undefined || known.address === address;
}

function renderedFile(text: string): BootFile {
  const bytes = new TextEncoder().encode(text);
  return {
    size: bytes.length,
    version: `${bytes.length}-${hash(bytes)}`,
    read(offset, into) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** FNV-1a: enough to tell one rendering from the next. */
function hash(bytes: Uint8Array): string {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return (value >>> 0).toString(16);
}

async function openInTree(tree: Tree, path: string): Promise<BootFile | "missing"> {
  const found = await resolve(tree, path);
  if (typeof found === "string" || found.type !== "file") return "missing";
  const { id, size, modified } = found;
  return {
    size,
    version: `${id}-${size}-${modified.seconds}.${modified.nanoseconds}`,
    async read(offset, into) {
      const slice = await tree.read(id, offset, into.length);
      if (typeof slice === "string") throw new Error(`${path}: ${slice}`);
      let at = 0;
      for (const part of slice.parts) {
        into.set(part, at);
        at += part.length;
      }
      slice.release();
      return at;
    },
  };
}
