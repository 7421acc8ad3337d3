import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { UserError } from "../../user-error.ts";
import { treeKernel } from "../build/finish.ts";
import { placeDirectory, placeFile } from "../place.ts";
import type { ImageStore, Manifest } from "./store.ts";
import { timeAfter } from "./survey.ts";
import { digestsIn, identityOf, manifestFile, shortOf, versionFile } from "./versions.ts";

export interface SealOptions {
  readonly name: string;
  /** What is sealed: nothing may change in it meanwhile. */
  readonly tree: string;
  readonly store: ImageStore;
  /** Of sidus. */
  readonly version: string;
  readonly sealedAt: Date;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Seals a tree as the current version of an image: an EROFS file without compression, with owners, modes, devices,
 * times and extended attributes in it. The same tree gives the same file. Until all of it is on disk there is nothing.
 * @throws UserError
 */
export async function sealTree(options: SealOptions): Promise<Manifest> {
  const { name, store, signal } = options;
  const tree = sealable(options);
  const staging = store.stage(name, "sealing");
  try {
    const file = join(staging.directory, "image.erofs");
    await makeErofs(tree, file, signal);
    const digest = await digestOf(file, signal);
    await refuseLookAlike(store.directoryOf(name), digest);
    signal?.throwIfAborted();
    const manifest: Manifest = {
      name,
      digest,
      bytes: statSync(file).size,
      sealed: options.sealedAt.toISOString(),
      sidus: options.version,
      kernel: existsSync(join(tree, "boot")) ? bootable(tree) : undefined,
    };
    place(file, manifest, store);
    return manifest;
  } catch (cause) {
    if (signal?.aborted !== true) throw cause;
    const message = `sealing ${tree} was interrupted; nothing of it is left`;
    throw new UserError(message, { cause, exitCode: 1 });
  } finally {
    staging.discard();
  }
}

/** The tree's own path. */
function sealable({ tree, store }: SealOptions): string {
  if (statSync(tree, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UserError(`${tree} is no directory: name the one that holds the tree`);
  }
  const path = realpathSync(tree);
  placeDirectory(store.directory);
  // It would be sealed into itself, for as long as the disk lasts.
  if (`${realpathSync(store.directory)}/`.startsWith(path === "/" ? "/" : `${path}/`)) {
    throw new UserError(`${store.directory} is in the tree ${tree}: choose other --images`);
  }
  return path;
}

/** The manifest first: alone it is nothing. */
function place(file: string, manifest: Manifest, store: ImageStore): void {
  const { name, digest } = manifest;
  const directory = store.directoryOf(name);
  // It holds what its tree holds, passwords too: not for every user of this machine.
  chmodSync(file, 0o400);
  toDisk(file);
  const beside = join(directory, manifestFile(digest));
  placeFile(beside, `${JSON.stringify(manifest)}\n`, 0o644);
  toDisk(beside);
  renameSync(file, join(directory, versionFile(digest)));
  store.use(name, digest);
  toDisk(directory);
}

/** All images have the same: what they hold is told by their digests. */
const UUID = "51d05000-0000-4000-8000-000000000000";

async function makeErofs(
  tree: string,
  image: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const epoch = timeAfter(tree);
  // Extended inodes have every file's own time, to the nanosecond.
  const flags = ["--quiet", "-Eforce-inode-extended", "-x1", `-U${UUID}`];
  const { code, complaints } = await runMkfs([...flags, image, tree], epoch, signal);
  signal?.throwIfAborted();
  if (code === 0) return;
  const lines = complaints.split("\n").filter((line) => line.trim() !== "");
  const why = lines.find((line) => /error|fail|invalid|no space/i.test(line)) ?? lines.at(-1) ?? "";
  throw new UserError(`sealing ${tree} failed: ${why.trim()}`, { exitCode: 1 });
}

interface Outcome {
  /** Null when a signal ended it. */
  readonly code: number | null;
  /** The first of them. */
  readonly complaints: string;
}

/** Ends when mkfs.erofs does, so that nobody writes any more. */
function runMkfs(
  args: readonly string[],
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  signal?.throwIfAborted();
  const child = spawn("mkfs.erofs", args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch), LC_ALL: "C" },
  });
  const stop = (): void => void child.kill();
  signal?.addEventListener("abort", stop);
  let complaints = "";
  child.stderr.on("data", (bytes: Buffer) => {
    if (complaints.length < 10_000) complaints += bytes.toString();
  });
  return new Promise<Outcome>((resolve, reject) => {
    child.once("close", (code) => resolve({ code, complaints }));
    child.once("error", (cause) => {
      const todo = "apt-get install erofs-utils, or sidus doctor build --fix";
      reject(new UserError(`mkfs.erofs cannot be run: ${todo}`, { cause }));
    });
  }).finally(() => signal?.removeEventListener("abort", stop));
}

async function digestOf(file: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest("hex");
}

/** Handles name a version by 64 bits of its digest; two versions must not share them. */
async function refuseLookAlike(directory: string, digest: string): Promise<void> {
  const digests = await digestsIn(directory);
  const other = digests.find((one) => one !== digest && identityOf(one) === identityOf(digest));
  if (other === undefined) return;
  throw new UserError(`the digest begins as ${shortOf(other)} does: change anything in the tree`);
}

function bootable(tree: string): string | undefined {
  try {
    return treeKernel(tree).version;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function toDisk(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
