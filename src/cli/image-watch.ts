import { statSync } from "node:fs";
import { join } from "node:path";
import { after, type Instant } from "../bytes/instant.ts";
import { formatIpv4 } from "../bytes/ipv4.ts";
import { VersionUses } from "../image/store/uses.ts";
import { currentIn, digestsIn, identityOf, signatureFile } from "../image/store/versions.ts";
import { IMAGE_CURRENT_ASKED_EVERY_MS, VERSION_USES_WRITTEN_EVERY_MS } from "../limits.ts";
import type { Alarm, Clock } from "../net/clock.ts";
import type { VersionUse } from "../nfs/uses.ts";
import type { ExportSpec } from "../plane/messages.ts";
import type { TreeSource } from "../plane/trees.ts";
import { UserError } from "../user-error.ts";

export interface ImageWatchOptions {
  readonly clock: Clock;
  /** What is served now. */
  readonly specs: () => readonly ExportSpec[];
  /** Another version of an image was made current. */
  readonly changed: () => Promise<void>;
  readonly warn: (text: string) => void;
  readonly report: (what: string, error: unknown) => void;
}

/** Follows which versions of the served images are current, and writes down which nodes use which. */
export class ImageWatch implements Disposable {
  readonly #options: ImageWatchOptions;
  readonly #alarm: Alarm;
  /** By directory. */
  readonly #uses = new Map<string, VersionUses>();
  #seen = "";
  /** How what could not be served was signed; undefined: it is served. */
  #refused: string | undefined;
  /** When they are to be written again, though nothing is new but the time. */
  #dueAt: Instant | undefined;
  #isWarned = false;
  #isDisposed = false;

  constructor(options: ImageWatchOptions) {
    this.#options = options;
    this.#seen = keyOf(options.specs().map(digestOf));
    this.#alarm = options.clock.alarm(() => {
      this.#look().catch((error: unknown) => {
        if (error instanceof UserError) options.warn(error.message);
        else options.report("images", error);
      });
    });
    this.#again();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#alarm[Symbol.dispose]();
  }

  async used(uses: readonly VersionUse[]): Promise<void> {
    const { clock, specs } = this.#options;
    let isNews = false;
    for (const { export: name, identity, addresses } of uses) {
      const source = specs().find((spec) => spec.name === name)?.source;
      if (source?.kind !== "image") continue;
      const digests = await digestsIn(source.directory);
      const digest = digests.find((one) => identityOf(one) === identity);
      if (digest === undefined) continue;
      const known = this.#usesIn(source.directory);
      if (known.note(digest, addresses.map(formatIpv4), clock.epochMs())) isNews = true;
    }
    const now = clock.now();
    if (!isNews && this.#dueAt !== undefined && now < this.#dueAt) return;
    this.#dueAt = after(now, VERSION_USES_WRITTEN_EVERY_MS);
    this.#write();
  }

  #usesIn(directory: string): VersionUses {
    const known = this.#uses.get(directory) ?? new VersionUses(directory);
    this.#uses.set(directory, known);
    return known;
  }

  #write(): void {
    try {
      for (const uses of this.#uses.values()) uses.save();
    } catch (error) {
      if (this.#isWarned) return;
      this.#isWarned = true;
      this.#options.warn(
        `which nodes use which version of an image cannot be written down (${String(error)}): sidus image rm may remove a version in use`,
      );
    }
  }

  async #look(): Promise<void> {
    const { specs, changed } = this.#options;
    const sources = specs().map(({ source }) => source);
    const digests = await Promise.all(
      sources.map(async (source) =>
        source.kind === "image" ? ((await currentIn(source.directory)) ?? source.digest) : "",
      ),
    );
    const key = keyOf(digests);
    const signed = keyOf(sources.map((source, at) => signatureOf(source, digests[at] ?? "")));
    try {
      // One that cannot be served is not tried again until something changes: another is current, or it is signed.
      const isNews =
        key !== this.#seen || (this.#refused !== undefined && this.#refused !== signed);
      if (!isNews || this.#isDisposed) return;
      this.#seen = key;
      this.#refused = signed;
      await changed();
      this.#refused = undefined;
    } finally {
      this.#again();
    }
  }

  #again(): void {
    if (this.#isDisposed) return;
    this.#alarm.set(after(this.#options.clock.now(), IMAGE_CURRENT_ASKED_EVERY_MS));
  }
}

function digestOf({ source }: ExportSpec): string {
  return source.kind === "image" ? source.digest : "";
}

/** When, and as which file, its signature was written. */
function signatureOf(source: TreeSource, digest: string): string {
  if (source.kind !== "image") return "";
  const file = join(source.directory, signatureFile(digest));
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? "" : `${found.ino} ${found.ctimeMs}`;
}

function keyOf(digests: readonly string[]): string {
  return digests.join(" ");
}
