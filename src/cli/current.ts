import { basename, join } from "node:path";
import { type IdentityOf, type Inventory, inventoryOf } from "../boot/inventory.ts";
import { findKernel } from "../boot/kernel.ts";
import { availableLoaders } from "../boot/loaders.ts";
import type { Label } from "../boot/plan.ts";
import type { ServedExport } from "../boot/served.ts";
import { contains } from "../bytes/ipv4.ts";
import type { Config, ExportConfig, LabelConfig } from "../config/config.ts";
import { readPublicPem } from "../image/store/keys.ts";
import { currentIn, identityOf } from "../image/store/versions.ts";
import type { ExportSpec } from "../plane/messages.ts";
import type { ImageSource, TreeSource, Trees } from "../plane/trees.ts";
import { resolve } from "../tree/resolve.ts";
import type { Tree } from "../tree/tree.ts";
import { UserError } from "../user-error.ts";

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
  /** Names of the loaders that are in a tree or in the overlay. */
  readonly loaders: ReadonlySet<string>;
}

/** @throws UserError for a tree that cannot be served. */
export async function currentOf(
  config: Config,
  trees: Trees,
  heardOf: IdentityOf,
): Promise<Current> {
  const keys = imageKeysOf(config);
  const specs = await Promise.all(config.exports.map((entry) => specOf(entry, config, keys)));
  const exports: ServedExport[] = [];
  for (const spec of specs) exports.push(await servedExport(spec, trees));
  const { overlay: path } = config.boot;
  const overlay = path === undefined ? undefined : await trees.open({ kind: "directory", path });
  const nodes = config.nodes.map(({ entry: _, ...node }) => ({
    ...node,
    volume: node.volume.name,
  }));
  const served = exports.map((entry) => entry.tree);
  return {
    config,
    inventory: inventoryOf(nodes, heardOf),
    specs,
    exports,
    overlay,
    labels: labelsOf(config.boot.labels, exports),
    loaders: await availableLoaders(served, overlay),
  };
}

function labelsOf(
  labels: ReadonlyMap<string, LabelConfig>,
  exports: readonly ServedExport[],
): ReadonlyMap<string, Label> {
  const byName = new Map(exports.map((entry) => [entry.name, entry]));
  const completed = (name: string, label: LabelConfig): Label => {
    if (label.kind === "local" || label.kind === "message") return label;
    const from = byName.get(label.export);
    if (from === undefined) throw new Error(`label ${name} without its export`);
    return { ...label, export: from };
  };
  return new Map([...labels].map(([name, label]) => [name, completed(name, label)]));
}

async function specOf(
  entry: ExportConfig,
  config: Config,
  keys: ImageSource["keys"],
): Promise<ExportSpec> {
  const { name, path, clients, squash } = entry;
  return { name, path, clients, squash, source: await sourceOf(entry, config, keys) };
}

async function sourceOf(
  entry: ExportConfig,
  { images, file }: Config,
  keys: ImageSource["keys"],
): Promise<TreeSource> {
  if (entry.source.kind === "directory") return entry.source;
  const { name } = entry.source;
  const directory = join(images, name);
  const digest = await currentIn(directory);
  if (digest !== undefined) return { kind: "image", directory, digest, keys };
  throw new UserError(
    `${file}: exports.${entry.name}: no version of the image ${name} is current in ${images}: sidus build ${name} --image makes one, sidus image use chooses one`,
  );
}

/** As PEM; undefined where no image need be signed. @throws UserError */
function imageKeysOf({ imageKeys, file }: Config): readonly string[] | undefined {
  try {
    return imageKeys?.map(readPublicPem);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(`${file}: image-keys: ${cause.message}`, { cause });
  }
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
    image: isImage ? `${basename(source.directory)}@${source.digest}` : undefined,
    admits: (address) => clients.some((network) => contains(network, address)),
    async pinned(pin) {
      const [, digits] = /^@([0-9a-f]{16})$/.exec(pin) ?? [];
      if (!isImage || digits === undefined) return undefined;
      return trees.version(source, BigInt(`0x${digits}`));
    },
  };
}

/** A label that cannot boot is worth a line before the first node shows it. */
export async function warnOfKernels(
  { labels, overlay }: Current,
  warn: (text: string) => void,
): Promise<void> {
  for (const [name, label] of labels) {
    const missing = await missingOf(label, overlay);
    if (missing !== undefined) warn(`label ${name} cannot boot: ${missing}`);
  }
}

/** What keeps a label from booting; undefined: nothing. */
async function missingOf(label: Label, overlay: Tree | undefined): Promise<string | undefined> {
  if (label.kind === "local" || label.kind === "message") return undefined;
  const { export: from } = label;
  if (label.kind === "program") {
    const trees = overlay === undefined ? [from.tree] : [overlay, from.tree];
    const path = await firstMissing([label.program, ...label.initrds], trees);
    if (path === undefined) return undefined;
    const places = overlay === undefined ? "" : ", nor has the overlay";
    return `the tree ${from.name} has no file ${path}${places}`;
  }
  const { kernel, initrd } = label;
  if (kernel === undefined || initrd === undefined) {
    const found = await findKernel(from.tree);
    return "missing" in found ? `the tree ${from.name} ${found.missing}` : undefined;
  }
  const path = await firstMissing([kernel, initrd], [from.tree]);
  return path === undefined ? undefined : `the tree ${from.name} has no file ${path}`;
}

/** The first path that is a file in none of the trees. */
async function firstMissing(
  paths: readonly string[],
  trees: readonly Tree[],
): Promise<string | undefined> {
  for (const path of paths) {
    const found = await Promise.all(trees.map((tree) => resolve(tree, path)));
    if (!found.some((file) => typeof file !== "string" && file.type === "file")) return path;
  }
  return undefined;
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
