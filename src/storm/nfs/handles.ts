import { opaque } from "../rpc/call.ts";
import type { NamedFile, NfsFiles } from "./files.ts";

const Known = { no: 0, shared: 1, own: 2 } as const;

/** The handles that one node was told, a byte each where all nodes are told the same. */
export class Handles {
  readonly #known: Uint8Array;
  readonly #own = new Map<number, Uint8Array>();

  constructor(files: NfsFiles) {
    this.#known = new Uint8Array(files.count);
  }

  /** XDR: length and bytes. */
  of(file: NamedFile): Uint8Array | undefined {
    const known = this.#known[file.index];
    if (known === Known.shared) return file.handle;
    return known === Known.own ? this.#own.get(file.index) : undefined;
  }

  /** Copied where it is new. */
  learn(file: NamedFile, handle: Uint8Array): void {
    file.handle ??= opaque(handle);
    if (isSame(file.handle, handle)) this.#known[file.index] = Known.shared;
    else {
      this.#known[file.index] = Known.own;
      this.#own.set(file.index, opaque(handle));
    }
  }
}

function isSame(written: Uint8Array, handle: Uint8Array): boolean {
  // Handles have 64 bytes at most: their length is one byte.
  if (written[3] !== handle.length) return false;
  for (let at = 0; at < handle.length; at += 1) if (written[at + 4] !== handle[at]) return false;
  return true;
}
