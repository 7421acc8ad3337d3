import { renameSync, rmSync, symlinkSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { UserError } from "../../user-error.ts";
import { openStaging, type Staging } from "../staging.ts";
import { VersionUses } from "./uses.ts";
import {
  CURRENT,
  currentIn,
  digestsIn,
  manifestFile,
  namesIn,
  shortOf,
  versionFile,
} from "./versions.ts";

/** What is written down of a version when it is sealed. */
export interface Manifest {
  readonly name: string;
  readonly digest: string;
  readonly bytes: number;
  /** ISO 8601, UTC. */
  readonly sealed: string;
  /** The version of sidus that sealed it. */
  readonly sidus: string;
  /** Undefined where the tree boots no kernel of its own. */
  readonly kernel: string | undefined;
}

export interface Version extends Manifest {
  readonly isCurrent: boolean;
  /** Addresses of the nodes that run it, as far as the server knows. */
  readonly nodes: readonly string[];
}

/** The sealed images on this machine, each a directory of versions. */
export class ImageStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  directoryOf(name: string): string {
    return join(this.directory, name);
  }

  /** A place for work on an image, on the same file system; it is no image itself. @throws UserError when it is taken. */
  stage(name: string, work: "building" | "sealing"): Staging {
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
      (await digestsIn(directory)).map(async (digest) => ({
        ...(await manifestOf(directory, name, digest)),
        isCurrent: digest === current,
        nodes: uses.of(digest, nowMs).map((use) => use.address),
      })),
    );
    return versions.sort((a, b) => (a.sealed < b.sealed ? 1 : -1));
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

  noImage(name: string): UserError {
    return new UserError(
      `there is no image ${name} in ${this.directory}: seal one (sidus image seal ${name} DIRECTORY)`,
    );
  }

  /** From now on what nodes get that boot; those that run keep theirs. */
  use(name: string, digest: string): void {
    const directory = this.directoryOf(name);
    const link = join(directory, `.${CURRENT}-${process.pid}`);
    rmSync(link, { force: true });
    symlinkSync(versionFile(digest), link);
    renameSync(link, join(directory, CURRENT));
  }

  /** @throws UserError for the current version, and for one that nodes run. */
  async remove(name: string, digest: string, nowMs: number): Promise<void> {
    const directory = this.directoryOf(name);
    if (digest === (await currentIn(directory))) {
      throw new UserError(
        `${shortOf(digest)} is the current version of ${name}: make another one current first (sidus image use)`,
      );
    }
    const nodes = new VersionUses(directory).of(digest, nowMs).map((use) => use.address);
    if (nodes.length > 0) {
      throw new UserError(
        `${shortOf(digest)} of ${name} is in use by ${someOf(nodes, 5)}: boot them again, or wait until they are off for a week`,
      );
    }
    // The manifest first: alone it would never be found again, whereas a version without one is.
    rmSync(join(directory, manifestFile(digest)), { force: true });
    rmSync(join(directory, versionFile(digest)), { force: true });
  }
}

/** `10.0.0.1, 10.0.0.2 and 98 more` */
export function someOf(texts: readonly string[], max: number): string {
  const more = texts.length - max;
  return texts.slice(0, max).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** A version whose manifest is lost or damaged is a version all the same. */
async function manifestOf(directory: string, name: string, digest: string): Promise<Manifest> {
  const file = await stat(join(directory, versionFile(digest)));
  const written = await writtenIn(join(directory, manifestFile(digest)));
  const text = (key: keyof Manifest): string | undefined => {
    const value = written[key];
    return typeof value === "string" ? value : undefined;
  };
  return {
    name,
    digest,
    bytes: file.size,
    sealed: text("sealed") ?? file.mtime.toISOString(),
    sidus: text("sidus") ?? "?",
    kernel: text("kernel"),
  };
}

async function writtenIn(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return { ...JSON.parse(await readFile(file, "utf8")) };
  } catch {
    return {};
  }
}
