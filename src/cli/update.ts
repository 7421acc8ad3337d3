import { join, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import type { BuildDeps } from "../image/build/work.ts";
import { changeImage } from "../image/change/edit.ts";
import { updateDirectory, updateTree } from "../image/change/update.ts";
import { treeAt } from "../image/chroot/in-tree.ts";
import { cloneTree } from "../image/clone/clone.ts";
import { snapshotPath } from "../image/clone/snapshots.ts";
import type { PackageChange } from "../image/compare/packages.ts";
import { runAsNamespaceRoot } from "../image/namespace/user-namespace.ts";
import { currentNow } from "../image/store/current.ts";
import { ImageStore } from "../image/store/store.ts";
import { systemClock } from "../net/clock.ts";
import { UserError } from "../user-error.ts";
import { checkName } from "./check.ts";
import { packageLine } from "./image/diff.ts";
import { imagesDirectory, print, remedies, renderSealed } from "./image/shared.ts";
import { openInterrupt } from "./interrupt.ts";
import { logFileOf } from "./log-file.ts";
import { mendable } from "./mendable.ts";
import { nowAsName } from "./now-as-name.ts";
import { openProgressDisplay } from "./progress.ts";
import { version } from "./version.ts";

const TREES = "/srv/nfsroot";

interface UpdateArguments {
  readonly images: string;
  readonly trees: string;
  readonly snapshot?: true;
  readonly prune?: true;
  readonly log?: string;
  readonly json?: true;
}

export function updateCommand(): Command {
  return new Command("update")
    .description("Bring the packages of an image, or of a directory, and its initrd up to date.")
    .argument("<name>", `the image, else the tree ${TREES}/NAME; a directory, with a slash in it`)
    .option("--images <directory>", "where the images are", imagesDirectory())
    .option("--trees <directory>", "where the trees are", TREES)
    .option("--snapshot", "keep what a directory was, as NAME@TIME beside it")
    .option("--prune", "remove all kernels but the newest")
    .option("--log <file>", "all output goes there (default: update-NAME-TIME.log)")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      `
apt-get update, full-upgrade and autoremove, with nobody at the terminal: configuration that somebody changed stays. An image gets a
new version, which nodes have from their next boot on; with nothing to update it keeps the one that it has. A directory is changed
where it is, also under nodes that run from it. Hooks run before and after, as with sidus chroot.

Example:
  sidus update room
  17 3 * * *  root  sidus update room    # a line of /etc/cron.d/sidus`,
    )
    .action((name: string, given: UpdateArguments) =>
      mendable(remedies, () => update(name, given)),
    );
}

interface Updated {
  readonly packages: readonly PackageChange[];
  /** What it is now, for people; undefined where nothing was changed. */
  readonly outcome: string | undefined;
  readonly digest?: string | undefined;
}

async function update(name: string, given: UpdateArguments): Promise<void> {
  const isPath = name.includes("/");
  if (!isPath) checkName(name);
  const store = new ImageStore(resolve(given.images));
  const isImage = !isPath && currentNow(store.directoryOf(name)) !== undefined;
  const named = isPath ? (name.split("/").findLast((part) => part !== "") ?? "tree") : name;
  const logFile = resolve(given.log ?? logFileOf("update", named));
  if (isImage && given.snapshot === true) {
    throw new UserError("--snapshot: only for a directory; an image keeps its versions by itself");
  }
  if (process.getuid?.() !== 0) {
    if (!isImage) throw needsRoot(name, store);
    process.exitCode = await runAsNamespaceRoot([
      ...process.argv.slice(2),
      // In the namespace they would be root's.
      ...["--images", store.directory, "--log", logFile],
    ]);
    return;
  }
  const updated = isImage
    ? await showing((deps) => ofImage({ name, store, logFile, given, deps }))
    : await showing((deps) => ofDirectory({ name, store, logFile, given, deps }));
  const { packages, digest, outcome } = updated;
  const text = outcome === undefined ? `${name}: nothing to update\n` : outcome;
  const lines = packages.map((change) => `  ${packageLine(change)}`);
  print(given, { name, digest, packages, log: logFile }, [text, ...lines].join(""));
}

function needsRoot(name: string, store: ImageStore): UserError {
  return new UserError(
    `there is no image ${name} in ${store.directory}; a directory is updated by root: sudo sidus update ${name}`,
  );
}

interface Update {
  readonly name: string;
  readonly store: ImageStore;
  readonly logFile: string;
  readonly given: UpdateArguments;
  readonly deps: BuildDeps;
}

async function ofImage({ name, store, logFile, given, deps }: Update): Promise<Updated> {
  let packages: readonly PackageChange[] = [];
  const manifest = await changeImage({
    ...{ store, name, version, logFile, deps },
    action: "update",
    made: "update",
    async change(work) {
      packages = await updateTree(work, { isPruning: given.prune === true });
    },
  });
  if (manifest === undefined) return { packages, outcome: undefined };
  return { packages, outcome: renderSealed(manifest), digest: manifest.digest };
}

async function ofDirectory({ name, store, logFile, given, deps }: Update): Promise<Updated> {
  const tree = name.includes("/") ? resolve(name) : join(resolve(given.trees), name);
  try {
    treeAt(tree);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`${why}, and ${store.directory} has no image ${name}`, { cause });
  }
  if (given.snapshot === true) {
    const to = snapshotPath(tree, nowAsName());
    await cloneTree({ ...deps, from: tree, to, method: "auto", isReadOnly: true });
  }
  const packages = await updateDirectory({
    ...{ tree, name, logFile, deps },
    isPruning: given.prune === true,
  });
  return { packages, outcome: packages.length === 0 ? undefined : `${tree}: is up to date now\n` };
}

async function showing<T>(work: (deps: BuildDeps) => Promise<T>): Promise<T> {
  using interrupt = openInterrupt();
  using display = openProgressDisplay(process.stderr);
  const progress = display.show.bind(display);
  const { signal } = interrupt;
  try {
    return await work({ clock: systemClock, progress, signal });
  } catch (cause) {
    if (!signal.aborted || cause instanceof UserError) throw cause;
    throw new UserError("interrupted; the same command goes on from there", { cause, exitCode: 1 });
  }
}
