import { join } from "node:path";
import process from "node:process";
import { UserError } from "../../user-error.ts";
import type { BuildWork } from "../build/work.ts";
import { confine } from "../chroot/confined.ts";
import { runTool } from "../tool.ts";

/** The file system of a volume, with an overlayfs's upper layer in it. */
export interface LayerFile {
  /** What people call the volume. */
  readonly name: string;
  /** A copy of it, which is ours. */
  readonly file: string;
}

/** e2fsck(8): what it found is mended, or nothing was to mend. */
const MENDED = 1;
const NOT_MENDED = 4;
const NO_FILE_SYSTEM = 8;

/** Replays the journal, as nodes never unmount their layer. @throws UserError where more is broken. */
export async function mendLayer({ name, file }: LayerFile, signal?: AbortSignal): Promise<void> {
  const { status, complaints } = await runTool({
    command: ["e2fsck", "-p", file],
    debian: "e2fsprogs",
    signal,
  });
  if (status !== null && status <= MENDED) return;
  if (status === NO_FILE_SYSTEM) {
    throw new UserError(
      `the volume ${name} has no ext4 file system: no node has written to it since it was made`,
      { exitCode: 1 },
    );
  }
  const why = status === NOT_MENDED ? "is damaged" : `cannot be checked (${complaints[0] ?? ""})`;
  throw new UserError(
    `the file system of the volume ${name} ${why}: boot a node with it, which mends it or says why not`,
    { exitCode: 1 },
  );
}

/** What is in /base of it: `NAME@DIGEST` of the version that it was begun on; undefined where there is none. */
export async function baseOfLayer(
  { file }: LayerFile,
  signal?: AbortSignal,
): Promise<{ readonly name: string; readonly digest: string } | undefined> {
  let first: string | undefined;
  await runTool({
    command: ["debugfs", "-R", "cat /base", file],
    debian: "e2fsprogs",
    line(text) {
      first ??= text;
    },
    signal,
  });
  const [, name, digest] = /^([\w.-]+)@([0-9a-f]{64})$/.exec(first ?? "") ?? [];
  return name === undefined || digest === undefined ? undefined : { name, digest };
}

const NO_LAYER = 3;
const AUFS = 4;

/**
 * The kernel itself unites both layers, as it did on the node: whiteouts, opaque directories, redirects and files whose
 * data stayed below are what they were there. Nobody can run what is on the volume.
 */
const script = `
set -e
cd "$1"
mkdir volume base united
mount -t ext4 -o loop,ro,noload,nosuid,nodev,noexec volume.img volume
[ -d volume/upper ] && [ ! -L volume/upper ] || exit ${NO_LAYER}
[ ! -e volume/upper/.wh..wh.aufs ] || exit ${AUFS}
mount --bind "$2" base
mount -t overlay -o ro,redirect_dir=follow,metacopy=on,lowerdir=volume/upper:base overlay united
cp -R --no-dereference --preserve=all --no-target-directory united merged
`;

/**
 * A tree with what a volume's layer has over it. `directory` is the volume's copy's own, \`volume.img\` in it; there the
 * tree is made. Mounts are the kernel's to end, however this ends.
 * @throws UserError
 */
export async function mergeLayer(
  { name, directory }: { readonly name: string; readonly directory: string },
  { tree, line, signal }: BuildWork,
): Promise<string> {
  let complaint: string | undefined;
  const status = await confine({
    command: ["bash", "-c", script, "sidus-commit", directory, tree],
    environment: { ...process.env, LC_ALL: "C.UTF-8" },
    terminal: false,
    line(text) {
      complaint ??= text;
      line(text);
    },
    signal,
  });
  signal?.throwIfAborted();
  if (status === 0) return join(directory, "merged");
  const reasons: Readonly<Record<number, string>> = {
    [NO_LAYER]: "there is no layer on it: no node has booted with it",
    [AUFS]: "its layer was written by aufs, not by overlayfs: boot a kernel without aufs",
  };
  const why = reasons[status] ?? complaint ?? `status ${status}`;
  throw new UserError(`the volume ${name} cannot be read: ${why}`, { exitCode: 1 });
}
