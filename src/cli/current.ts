import { join } from "node:path";
import { type Inventory, inventoryOf } from "../boot/inventory.ts";
import { findKernel } from "../boot/kernel.ts";
import type { Label } from "../boot/plan.ts";
import type { ServedExport } from "../boot/served.ts";
import { contains } from "../bytes/ipv4.ts";
import type { Config, ExportConfig } from "../config/config.ts";
import { currentIn, identityOf } from "../image/versions.ts";
import type { ExportSpec } from "../plane/messages.ts";
import type { TreeSource, Trees } from "../plane/trees.ts";
import { resolve } from "../tree/resolve.ts";
import type { Tree } from "../tree/tree.ts";
import { UserError } from "../user-error.ts";

type LinuxLabel = Extract<Label, { kind: "linux" }>;

/** What the servers ask for at each request: replaced as a whole by a reload, and when another version is made current. */
export interface Current {
  readonly config: Config;
  readonly inventory: Inventory;
  /** What the data plane serves. */
  readonly specs: readonly ExportSpec[];
  /** What loaders are served from. */
  readonly exports: readonly ServedExport[];
  readonly overlay: Tree | undefined;
  readonly labels: ReadonlyMap<string, Label>;
}

/** @throws UserError for a tree that cannot be served. */
export async function currentOf(config: Config, trees: Trees): Promise<Current> {
  const specs = await Promise.all(config.exports.map((entry) => specOf(entry, config)));
  const exports: ServedExport[] = [];
  for (const spec of specs) exports.push(await servedExport(spec, trees));
  const byName = new Map(exports.map((entry) => [entry.name, entry]));
  const labels = new Map<string, Label>();
  for (const [name, label] of config.boot.labels) {
    if (label.kind === "local") labels.set(name, label);
    else {
      const from = byName.get(label.export);
      if (from === undefined) throw new Error(`label ${name} without its export`);
      labels.set(name, { ...label, export: from });
    }
  }
  const { overlay: path } = config.boot;
  const overlay = path === undefined ? undefined : await trees.open({ kind: "directory", path });
  return {
    config,
    inventory: inventoryOf(config.nodes.map((node) => ({ ...node, volume: node.volume.name }))),
    specs,
    exports,
    overlay,
    labels,
  };
}

async function specOf(entry: ExportConfig, config: Config): Promise<ExportSpec> {
  const { name, path, clients, squash } = entry;
  return { name, path, clients, squash, source: await sourceOf(entry, config) };
}

async function sourceOf(entry: ExportConfig, { images, file }: Config): Promise<TreeSource> {
  if (entry.source.kind === "directory") return entry.source;
  const { name } = entry.source;
  const directory = join(images, name);
  const digest = await currentIn(directory);
  if (digest !== undefined) return { kind: "image", directory, digest };
  throw new UserError(
    `${file}: exports.${entry.name}: no version of the image ${name} is current in ${images}: sidus build ${name} --image makes one, sidus image use chooses one`,
  );
}

async function servedExport(spec: ExportSpec, trees: Trees): Promise<ServedExport> {
  const { name, path, clients, source } = spec;
  const isImage = source.kind === "image";
  const pinOf = (identity: bigint) => `@${identity.toString(16).padStart(16, "0")}`;
  return {
    name,
    path,
    tree: await trees.open(source),
    pin: isImage ? pinOf(identityOf(source.digest)) : "",
    admits: (address) => clients.some((network) => contains(network, address)),
    async pinned(pin) {
      const [, digits] = /^@([0-9a-f]{16})$/.exec(pin) ?? [];
      if (!isImage || digits === undefined) return undefined;
      return trees.version(source.directory, BigInt(`0x${digits}`));
    },
  };
}

/** What it boots is there, or what is missing. */
async function bootable(label: LinuxLabel): Promise<object | { readonly missing: string }> {
  const { export: from, kernel, initrd } = label;
  if (kernel === undefined || initrd === undefined) return findKernel(from.tree);
  for (const path of [kernel, initrd]) {
    const file = await resolve(from.tree, path);
    if (typeof file === "string" || file.type !== "file") return { missing: `has no file ${path}` };
  }
  return label;
}

/** A label that cannot boot is worth a line before the first node shows it. */
export async function warnOfKernels(
  { labels }: Current,
  warn: (text: string) => void,
): Promise<void> {
  for (const [name, label] of labels) {
    if (label.kind === "local") continue;
    const found = await bootable(label);
    if ("missing" in found) {
      warn(`label ${name} cannot boot: the tree ${label.export.name} ${found.missing}`);
    }
  }
}

/** What is decided at the start. @throws UserError */
export function refuseFixedChanges(old: Config, next: Config): void {
  const fixed = [
    "interface",
    "address",
    "state",
    "images",
    "threads",
    "cache",
    "ports",
    "iscsi",
  ] as const;
  for (const key of fixed) {
    if (JSON.stringify(old[key]) !== JSON.stringify(next[key])) {
      throw new UserError(`${next.file}: ${key}: changes only at a restart; nothing was reloaded`);
    }
  }
  if (old.dhcp.mode !== next.dhcp.mode) {
    throw new UserError(`${next.file}: dhcp.mode: changes only at a restart; nothing was reloaded`);
  }
}
