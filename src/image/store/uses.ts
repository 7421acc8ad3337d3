import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION_LEFT_MS, VERSION_USE_MS, VERSION_USES_MAX } from "../../limits.ts";

/** One node's use of one version, as the server last saw it. */
export interface VersionUse {
  /** `10.13.20.11` */
  readonly address: string;
  readonly digest: string;
  /** Since 1970. */
  readonly seenMs: number;
}

const FILE = "nodes.json";

/**
 * Which nodes run which version of an image. A node that was switched off says nothing: a use counts until the node
 * uses another version alone, or was not seen for VERSION_USE_MS.
 */
export class VersionUses {
  readonly #directory: string;
  #uses: readonly VersionUse[];

  /** Of the image in this directory. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#uses = load(directory);
  }

  of(digest: string, nowMs: number): readonly VersionUse[] {
    return this.#current(nowMs).filter((use) => use.digest === digest);
  }

  /** Answers whether one of them is new to it. */
  note(digest: string, addresses: readonly string[], nowMs: number): boolean {
    const noted = new Set(addresses);
    const known = new Set(this.of(digest, nowMs).map((use) => use.address));
    const others = this.#current(nowMs).filter(
      (use) => !(noted.has(use.address) && (use.digest === digest || hasLeft(use, nowMs))),
    );
    const uses = [...noted].map((address) => ({ address, digest, seenMs: nowMs }));
    this.#uses = [...others, ...uses].slice(-VERSION_USES_MAX);
    return addresses.some((address) => !known.has(address));
  }

  save(): void {
    const file = join(this.#directory, FILE);
    writeFileSync(`${file}.new`, `${JSON.stringify(this.#uses)}\n`);
    renameSync(`${file}.new`, file);
  }

  #current(nowMs: number): readonly VersionUse[] {
    return this.#uses.filter((use) => nowMs - use.seenMs < VERSION_USE_MS);
  }
}

function hasLeft(use: VersionUse, nowMs: number): boolean {
  return nowMs - use.seenMs >= VERSION_LEFT_MS;
}

/** What cannot be read is nothing: it is hearsay, and is soon heard again. */
function load(directory: string): readonly VersionUse[] {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, FILE), "utf8"));
    return Array.isArray(value) ? value.filter(isUse) : [];
  } catch {
    return [];
  }
}

function isUse(value: unknown): value is VersionUse {
  if (typeof value !== "object" || value === null) return false;
  const { address, digest, seenMs } = value as Record<string, unknown>;
  return typeof address === "string" && typeof digest === "string" && typeof seenMs === "number";
}
