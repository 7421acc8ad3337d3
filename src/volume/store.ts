import { constants, existsSync } from "node:fs";
import { lstat, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { VOLUME_BLOCK_BYTES, VOLUME_BYTES_MAX, VOLUME_NAME_BYTES_MAX } from "../limits.ts";
import { UserError } from "../user-error.ts";
import type { Claim } from "./claim.ts";
import { type CopyProgress, copyVolume } from "./copy.ts";
import { makeDirectory, NEW_FILE, placeFile, syncDirectory, withFile } from "./durable.ts";
import { FileVolume, type FileVolumeOptions } from "./file.ts";
import { fileOf, isVolumeName, partsOf } from "./names.ts";

export interface VolumeInfo {
  readonly name: string;
  /** Undefined: the volume itself, not what was kept of it. */
  readonly snapshot: string | undefined;
  readonly bytes: number;
  /** What it takes of the disk; shared with others where the file system shares. */
  readonly allocatedBytes: number;
  /** When it was last written to; of a snapshot, when it was made. */
  readonly modified: Date;
}

export interface Copying {
  readonly claim: Claim;
  /** Called after each piece; what it throws ends the copy, and nothing was changed. */
  readonly progress: CopyProgress;
}

/**
 * The volumes in a directory, one sparse file each. What changes them asks for a claim: proof that nobody else works on
 * that volume meanwhile. All that is done is on disk when it answers, and done whole or not at all.
 */
export class VolumeStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** For the server, which has the directory: one at a time of a name. What is not there is made, the rest keeps its size. */
  async open(
    name: string,
    bytes: number,
    options: Omit<FileVolumeOptions, "path">,
  ): Promise<FileVolume> {
    const path = this.#path(name);
    if (!(await isThere(path))) await this.#makeNew(name, bytes);
    return new FileVolume({ ...options, path });
  }

  /** @throws UserError where that is no name for a volume. */
  check(name: string): void {
    checkName(name, "NAME");
  }

  /** Volumes and snapshots by name, each volume before its snapshots, those in the order of their names. */
  async list(): Promise<VolumeInfo[]> {
    const files = await readdir(this.directory).catch(nothingWhereNoDirectory);
    const found = await Promise.all(files.map((file) => this.#infoOf(file)));
    return found.filter((info) => info !== undefined).sort(byName);
  }

  /** The volume, then its snapshots. @throws UserError where there is none. */
  async find(name: string): Promise<VolumeInfo[]> {
    checkName(name, "NAME");
    const found = (await this.list()).filter((info) => info.name === name);
    if (found.length === 0) throw this.#none(name);
    return found;
  }

  async create(name: string, bytes: number, claim: Claim): Promise<void> {
    const path = this.#path(name);
    if (await isThere(path)) {
      throw new UserError(
        `there is a volume ${name} in ${this.directory} already: sidus volume reset makes it blank, sidus volume resize larger`,
      );
    }
    await this.#makeNew(name, bytes, claim);
  }

  /** Blank again: the node formats it anew. */
  async reset(name: string, claim: Claim): Promise<void> {
    const { size } = await stat(this.#existing(name));
    checkSize(size);
    await this.#makeBlank(name, size, claim);
  }

  async resize(
    name: string,
    bytes: number,
    options: { readonly isForced: boolean },
    claim: Claim,
  ): Promise<void> {
    checkSize(bytes);
    const path = this.#existing(name);
    const { size } = await stat(path);
    if (bytes < size && !options.isForced) {
      throw new UserError(
        `${name} has ${size} bytes: ${bytes} would cut off its end and what the node keeps there; --force does it`,
      );
    }
    await withFile(path, constants.O_RDWR, async (file) => {
      demandHeld(claim);
      await file.truncate(bytes);
      await file.sync();
    });
  }

  async snapshot(name: string, snapshot: string, copying: Copying): Promise<void> {
    const to = this.#path(name, snapshot);
    const from = this.#existing(name);
    if (existsSync(to)) {
      throw new UserError(
        `${name} has a snapshot ${snapshot} already: choose another name, or remove it (sidus volume rm ${name}@${snapshot})`,
      );
    }
    await this.#copy(name, from, to, copying);
  }

  /** What the volume holds now is gone; its size is the snapshot's. */
  async restore(name: string, snapshot: string, copying: Copying): Promise<void> {
    await this.#copy(name, this.#existing(name, snapshot), this.#path(name), copying);
  }

  /** Its snapshots stay. */
  async remove(name: string, claim: Claim): Promise<void> {
    await this.#remove(this.#existing(name), claim);
  }

  async removeSnapshot(name: string, snapshot: string, claim: Claim): Promise<void> {
    await this.#remove(this.#existing(name, snapshot), claim);
  }

  async #remove(path: string, claim: Claim): Promise<void> {
    demandHeld(claim);
    await rm(path);
    await syncDirectory(this.directory);
  }

  /** Where none is: whatever there may be all the same stays. */
  async #makeNew(name: string, bytes: number, claim?: Claim): Promise<void> {
    checkSize(bytes);
    await makeDirectory(this.directory);
    await this.#makeBlank(name, bytes, claim, true);
  }

  /** Without a claim: the server's, who has them all. */
  async #makeBlank(name: string, bytes: number, claim?: Claim, isNew = false): Promise<void> {
    await placeFile({
      isNew,
      path: this.#path(name),
      temporary: this.#temporary(name),
      fill: (temporary) => withFile(temporary, NEW_FILE, (file) => file.truncate(bytes)),
      check: () => demandHeld(claim),
    });
  }

  #copy(name: string, from: string, to: string, { claim, progress }: Copying): Promise<void> {
    return placeFile({
      path: to,
      temporary: this.#temporary(name),
      fill: (temporary) => copyVolume(from, temporary, progress),
      check: () => demandHeld(claim),
    });
  }

  /** One a volume: who works on it replaces what another left there. */
  #temporary(name: string): string {
    return join(this.directory, `.${name}.new`);
  }

  /** @throws UserError where the name is none. */
  #path(name: string, snapshot?: string): string {
    checkName(name, "NAME");
    if (snapshot !== undefined) checkName(snapshot, "SNAPSHOT");
    return join(this.directory, fileOf(name, snapshot));
  }

  #existing(name: string, snapshot?: string): string {
    const path = this.#path(name, snapshot);
    if (!existsSync(path)) throw this.#none(name, snapshot);
    return path;
  }

  #none(name: string, snapshot?: string): UserError {
    return snapshot === undefined
      ? new UserError(
          `there is no volume ${name} in ${this.directory}: sidus volume list names those there are`,
        )
      : new UserError(
          `${name} has no snapshot ${snapshot} in ${this.directory}: sidus volume snapshots ${name} names those there are`,
        );
  }

  async #infoOf(file: string): Promise<VolumeInfo | undefined> {
    const parts = partsOf(file);
    if (parts === undefined) return undefined;
    const stats = await stat(join(this.directory, file)).catch(nothingWhereGone);
    if (stats === undefined || !stats.isFile()) return undefined;
    return {
      ...parts,
      bytes: stats.size,
      allocatedBytes: stats.blocks * 512,
      modified: stats.mtime,
    };
  }
}

/** A link counts, also one that leads nowhere just now. @throws system errors, but that there is none. */
async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(nothingWhereGone)) !== undefined;
}

function checkName(name: string, what: string): void {
  if (isVolumeName(name)) return;
  throw new UserError(
    `${what}: expected up to ${VOLUME_NAME_BYTES_MAX} small letters, digits, \`.\`, \`:\` and \`-\`, found "${name}"`,
  );
}

function checkSize(bytes: number): void {
  const isSize = bytes > 0 && bytes <= VOLUME_BYTES_MAX && bytes % VOLUME_BLOCK_BYTES === 0;
  if (isSize) return;
  throw new UserError(
    `SIZE: expected whole blocks of ${VOLUME_BLOCK_BYTES} bytes, up to ${VOLUME_BYTES_MAX / 2 ** 40}T, found ${bytes} bytes`,
  );
}

/** A new server would let nodes log in to what is being worked on. */
function demandHeld(claim: Claim | undefined): void {
  if (claim?.isHeld !== false) return;
  throw new UserError("the server ended meanwhile, and nothing was changed: try again", {
    exitCode: 1,
  });
}

function byName(a: VolumeInfo, b: VolumeInfo): number {
  const [left, right] = [a, b].map(({ name, snapshot = "" }) => `${name}\0${snapshot}`);
  return left === right ? 0 : (left ?? "") < (right ?? "") ? -1 : 1;
}

function nothingWhereNoDirectory(error: unknown): string[] {
  nothingWhereGone(error);
  return [];
}

function nothingWhereGone(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
