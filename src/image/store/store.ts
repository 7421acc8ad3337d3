import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../user-error.ts";
import { openStaging, type Staging, sweepStagings } from "../staging.ts";
import { currentNow, goBack, makeCurrent, previousIn } from "./current.ts";
import { whileLocked } from "./lock.ts";
import { type Manifest, manifestOf } from "./manifest.ts";
import { signerOf } from "./signed.ts";
import { VersionUses } from "./uses.ts";
import {
  currentIn,
  digestIn,
  digestsIn,
  isMissing,
  manifestFile,
  namesIn,
  sbomFile,
  shortOf,
  signatureFile,
  versionFile,
} from "./versions.ts";

export interface Version extends Omit<Manifest, "packages" | "recipe"> {
  readonly isCurrent: boolean;
  /** Fingerprint of the key that its signature names; undefined where it has none. */
  readonly signer: string | undefined;
  /** Addresses of the nodes that run it, as far as the server knows. */
  readonly nodes: readonly string[];
}

/** The sealed images on this machine, each a directory of versions. */
export class ImageStore {
  readonly directory: string;
  /** Whose lock is held by work under way here. */
  #locked: string | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  directoryOf(name: string): string {
    return join(this.directory, name);
  }

  /** A place for work on an image, on the same file system; it is no image itself. @throws UserError when it is taken. */
  stage(name: string, work: string): Staging {
    // Of other work, too: copies of whole trees and volumes.
    sweepStagings(join(this.directory, `${name}+`));
    return openStaging(join(this.directory, `${name}+${work}`));
  }

  async names(): Promise<string[]> {
    const names = (await namesIn(this.directory)).filter((name) => !name.startsWith("."));
    const counts = await Promise.all(
      names.map(async (name) => (await digestsIn(this.directoryOf(name))).length),
    );
    return names.filter((_, at) => counts[at] !== 0).sort();
  }

  /** The newest first. */
  async versions(name: string, nowMs: number): Promise<Version[]> {
    const directory = this.directoryOf(name);
    const current = await currentIn(directory);
    const uses = new VersionUses(directory);
    const versions = await Promise.all(
      (await digestsIn(directory)).map(async (digest) => {
        const manifest = await manifestOf(directory, name, digest).catch(unlessRemoved);
        if (manifest === undefined) return [];
        const { packages: _, recipe: __, ...known } = manifest;
        return {
          ...known,
          isCurrent: digest === current,
          signer: signerOf(directory, digest),
          nodes: uses.of(digest, nowMs).map((use) => use.address),
        };
      }),
    );
    return versions.flat().sort((a, b) => (a.sealed < b.sealed ? 1 : -1));
  }

  /** @throws UserError where no version, or more than one, begins so. */
  async find(name: string, prefix: string): Promise<string> {
    const digests = (await digestsIn(this.directoryOf(name))).sort();
    if (digests.length === 0) throw this.noImage(name);
    const found = digests.filter((digest) => digest.startsWith(prefix.toLowerCase()));
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const count = only === undefined ? "no" : "more than one";
    throw new UserError(
      `${count} version of ${name} begins with "${prefix}"; there are ${digests.map(shortOf).join(", ")}`,
    );
  }

  /** What to say where no version is current. */
  noImage(name: string): UserError {
    const directory = this.directoryOf(name);
    const isThere = statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
    const files = isThere ? readdirSync(directory) : [];
    if (files.some((file) => digestIn(file) !== undefined)) {
      return new UserError(
        `no version of ${name} is current: choose one (sidus image list ${name}, sidus image use)`,
      );
    }
    return new UserError(
      `there is no image ${name} in ${this.directory}: seal one (sidus image seal ${name} DIRECTORY)`,
    );
  }

  /** Does what changes an image while no other command changes it; what is called in it may ask for the same again. */
  locked<T>(name: string, work: () => T): T {
    if (this.#locked === name) return work();
    return whileLocked(this.directoryOf(name), () => {
      this.#locked = name;
      try {
        return work();
      } finally {
        this.#locked = undefined;
      }
    });
  }

  /** From now on what nodes get that boot; those that run keep theirs. @throws UserError where it is not there any more. */
  use(name: string, digest: string): void {
    this.locked(name, () => {
      const directory = this.directoryOf(name);
      if (!existsSync(join(directory, versionFile(digest)))) {
        throw new UserError(`${shortOf(digest)} of ${name} was removed meanwhile`, { exitCode: 1 });
      }
      makeCurrent(directory, digest);
    });
  }

  /** Makes the version current again that was before this one, and answers it. @throws UserError where there is none. */
  rollback(name: string): string {
    const directory = this.directoryOf(name);
    if (!existsSync(directory)) throw this.noImage(name);
    const digest = this.locked(name, () => goBack(directory));
    if (digest !== undefined) return digest;
    throw new UserError(
      `no version of ${name} that is still there was current before: choose one (sidus image list ${name}, sidus image use)`,
    );
  }

  /** Where rollback goes. */
  previous(name: string): string | undefined {
    return previousIn(this.directoryOf(name));
  }

  /** @throws UserError for the current version, and for one that nodes run. */
  refuseUsed(name: string, digest: string, nowMs: number): void {
    const why = this.whyUsed(name, digest, nowMs);
    if (why !== undefined) throw new UserError(why);
  }

  /** Why it must stay; undefined: it need not. */
  whyUsed(name: string, digest: string, nowMs: number): string | undefined {
    const directory = this.directoryOf(name);
    if (digest === currentNow(directory)) {
      return `${shortOf(digest)} is the current version of ${name}: make another one current first (sidus image use)`;
    }
    const nodes = new VersionUses(directory).of(digest, nowMs).map((use) => use.address);
    if (nodes.length === 0) return undefined;
    return `${shortOf(digest)} of ${name} is in use by ${someOf(nodes, 5)}: boot them again, or wait until they are off for a week`;
  }

  /** With what is known of it. @throws UserError as `refuseUsed`. */
  remove(name: string, digest: string, nowMs: number): void {
    this.locked(name, () => {
      const directory = this.directoryOf(name);
      this.refuseUsed(name, digest, nowMs);
      // The image last: without it the others would never be found again, whereas a version without them is.
      for (const fileOf of [signatureFile, sbomFile, manifestFile, versionFile]) {
        rmSync(join(directory, fileOf(digest)), { force: true });
      }
    });
  }
}

/** Another command may remove a version while they are listed. */
function unlessRemoved(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/** `10.0.0.1, 10.0.0.2 and 98 more` */
export function someOf(texts: readonly string[], max: number): string {
  const more = texts.length - max;
  return texts.slice(0, max).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
