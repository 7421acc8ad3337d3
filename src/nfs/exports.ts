import { createHash } from "node:crypto";
import { type Cidr, contains, type Ipv4 } from "../bytes/ipv4.ts";
import type { Attributes, Tree } from "../tree/tree.ts";
import { encodeAttributes } from "./attributes.ts";

/** A tree under a path that clients mount. */
export interface Export {
  readonly name: string;
  /** `/srv/nfsroot/sidus`: absolute, as clients ask for it. */
  readonly path: string;
  readonly tree: Tree;
  /** Who may mount and read: asked at every call. */
  readonly clients: readonly Cidr[];
}

/** An export with what is worked out once: what its handles begin with, and its files' encoded attributes. */
export class Served {
  readonly export: Export;
  readonly exportId: number;
  readonly identityHigh: number;
  readonly identityLow: number;
  readonly #encoded = new WeakMap<Attributes, Uint8Array>();

  constructor(from: Export) {
    this.export = from;
    this.exportId = exportIdOf(from.name);
    this.identityHigh = Number(from.tree.identity >> 32n);
    this.identityLow = Number(from.tree.identity & 0xffff_ffffn);
  }

  get tree(): Tree {
    return this.export.tree;
  }

  admits(address: Ipv4): boolean {
    for (const network of this.export.clients) {
      if (contains(network, address)) return true;
    }
    return false;
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

/** In handles: the name's, not the path's, so that an export can be moved. The first 32 bits of its SHA-256. */
export function exportIdOf(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32BE(0);
}

export interface ServedExports {
  readonly all: readonly Served[];
  byId(exportId: number): Served | undefined;
}

/** What is exported now. Worked out again only when `exports` answers another list. */
export function servedExports(exports: () => readonly Export[]): () => ServedExports {
  let list: readonly Export[] | undefined;
  let served: ServedExports = { all: [], byId: () => undefined };
  return () => {
    const now = exports();
    if (now !== list) {
      list = now;
      const all = now.map((entry) => new Served(entry));
      const ids = new Map(all.map((entry) => [entry.exportId, entry]));
      served = { all, byId: (exportId) => ids.get(exportId) };
    }
    return served;
  };
}
