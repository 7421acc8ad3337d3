import { createHash } from "node:crypto";
import { type Cidr, contains, type Ipv4 } from "../bytes/ipv4.ts";
import type { Credential } from "../rpc/credentials.ts";
import type { Later } from "../rpc/program.ts";
import type { Attributes, Tree } from "../tree/tree.ts";
import { encodeAttributes } from "./attributes.ts";
import { EncodedPages } from "./listing.ts";
import { type Squash, squashed } from "./squash.ts";
import type { Uses } from "./uses.ts";

/** A tree under a path that clients mount. */
export interface Export {
  readonly name: string;
  /** `/srv/nfsroot/sidus`: absolute, as clients ask for it. */
  readonly path: string;
  /** What who mounts it now gets. */
  readonly tree: Tree;
  /** Other versions, which those that mounted them keep; undefined where there is none of this identity. */
  readonly version?: (identity: bigint) => Promise<Tree | undefined>;
  /** Who may mount and read: asked at every call. */
  readonly clients: readonly Cidr[];
  /** None unless said: a root file system needs its superuser. */
  readonly squash?: Squash;
}

/** One tree of an export with what is worked out once: what its handles begin with, and its files' encoded attributes. */
export class Served {
  readonly export: Export;
  readonly tree: Tree;
  readonly exportId: number;
  readonly identityHigh: number;
  readonly identityLow: number;
  /** Who used it lately, where it is one version of several. */
  readonly users: Set<Ipv4> | undefined;
  readonly pages = new EncodedPages();
  readonly #encoded = new WeakMap<Attributes, Uint8Array>();

  constructor(from: Export, tree: Tree, uses: Uses) {
    this.export = from;
    this.tree = tree;
    this.exportId = exportIdOf(from.name);
    this.identityHigh = Number(tree.identity >> 32n);
    this.identityLow = Number(tree.identity & 0xffff_ffffn);
    this.users = from.version === undefined ? undefined : uses.of(from.name, tree.identity);
  }

  /** Whom permissions are decided for. */
  callerOf(credential: Credential | undefined): Credential {
    return squashed(credential, this.export.squash ?? "none");
  }

  /** fattr3, 84 bytes. */
  encoded(attributes: Attributes): Uint8Array {
    const known = this.#encoded.get(attributes);
    if (known !== undefined) return known;
    const bytes = encodeAttributes(attributes, this.tree.identity);
    this.#encoded.set(attributes, bytes);
    return bytes;
  }
}

/** An export with its trees: the current one, and those that were mounted before. */
export class ServedExport {
  readonly export: Export;
  readonly current: Served;
  readonly #uses: Uses;
  readonly #others = new Map<bigint, Served>();

  constructor(from: Export, uses: Uses) {
    this.export = from;
    this.#uses = uses;
    this.current = new Served(from, from.tree, uses);
  }

  admits(address: Ipv4): boolean {
    for (const network of this.export.clients) {
      if (contains(network, address)) return true;
    }
    return false;
  }

  /** The tree of this identity, in two halves of 32 bits. */
  version(high: number, low: number): Later<Served | undefined> {
    const { current } = this;
    if (current.identityHigh === high && current.identityLow === low) return current;
    const { version } = this.export;
    if (version === undefined) return undefined;
    const identity = (BigInt(high) << 32n) | BigInt(low);
    return this.#others.get(identity) ?? this.#other(identity, version(identity));
  }

  async #other(identity: bigint, tree: Promise<Tree | undefined>): Promise<Served | undefined> {
    const found = await tree;
    const known = this.#others.get(identity);
    if (found === undefined || known !== undefined) return known;
    const served = new Served(this.export, found, this.#uses);
    this.#others.set(identity, served);
    return served;
  }
}

/** In handles: the name's, not the path's, so that an export can be moved. The first 32 bits of its SHA-256. */
export function exportIdOf(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32BE(0);
}

export interface ServedExports {
  readonly all: readonly ServedExport[];
  byId(exportId: number): ServedExport | undefined;
}

/** What is exported now. Worked out again only when `exports` answers another list. */
export function servedExports(exports: () => readonly Export[], uses: Uses): () => ServedExports {
  let list: readonly Export[] | undefined;
  let served: ServedExports = { all: [], byId: () => undefined };
  return () => {
    const now = exports();
    if (now !== list) {
      list = now;
      const all = now.map((entry) => new ServedExport(entry, uses));
      const ids = new Map(all.map((entry) => [entry.current.exportId, entry]));
      served = { all, byId: (exportId) => ids.get(exportId) };
    }
    return served;
  };
}
