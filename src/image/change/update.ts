import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeInitramfs } from "../build/customise.ts";
import { epochOf } from "../build/epoch.ts";
import { newestKernel } from "../build/finish.ts";
import { type BuildDeps, BuildWork } from "../build/work.ts";
import { runHooks } from "../chroot/hooks.ts";
import { type PackageChange, packageChanges } from "../compare/packages.ts";
import { insideTree } from "../inside.ts";
import { directoryIn, textIn } from "../place.ts";
import { packagesOf } from "../store/packages.ts";

export interface UpdateOptions {
  /** Removes all kernels but the newest. */
  readonly isPruning: boolean;
}

/** dpkg(1), for nobody at the terminal: files that somebody changed stay as they are. */
const keepsFiles = ["--force-confdef", "--force-confold"] as const;
const configureRest = ["dpkg", ...keepsFiles, "--configure", "--pending"] as const;
const unattended = [
  "apt-get",
  "--yes",
  ...keepsFiles.flatMap((option) => ["-o", `Dpkg::Options::=${option}`]),
] as const;
/** Nodes may have to go back to an older kernel. */
const keptKernels = "APT::NeverAutoRemove::=^linux-(?:image|modules|headers)-.*";

/**
 * Brings a tree's packages up to date, and with them the initrd of its newest kernel; answers what changed. What apt
 * fetched for it is left for whoever cleans the tree.
 * @throws UserError
 */
export async function updateTree(
  work: BuildWork,
  { isPruning }: UpdateOptions,
): Promise<readonly PackageChange[]> {
  const before = installedIn(work.tree);
  work.begin("fetching package lists");
  await work.inTree("apt-get update", ["apt-get", "-o", "APT::Update::Error-Mode=any", "update"]);
  work.epoch = epochOf(work.tree);
  work.begin("updating");
  // The kernel's scripts would make the initrd, too.
  const environment = { INITRD: "No" };
  // Where one was interrupted before, apt goes no further by itself.
  await work.inTree("dpkg --configure", configureRest, environment);
  await work.inTree("apt-get full-upgrade", [...unattended, "full-upgrade"], environment);
  const old = isPruning ? oldKernels(work.tree) : [];
  if (old.length > 0) {
    await work.inTree("apt-get purge", [...unattended, "purge", ...old], environment);
  }
  await work.inTree("apt-get autoremove", [...unattended, "-o", keptKernels, "autoremove"]);
  const changes = packageChanges(before, installedIn(work.tree));
  if (hasKernel(work.tree) && (changes.length > 0 || !hasInitrd(work.tree))) {
    work.begin("making the initrd");
    const isThere = existsSync(insideTree(work.tree, "/usr/sbin/update-initramfs"));
    await makeInitramfs(isThere ? "initramfs-tools" : "dracut", work);
  }
  return changes;
}

export interface DirectoryUpdate extends UpdateOptions {
  readonly tree: string;
  /** What hooks are told. */
  readonly name: string;
  readonly logFile: string;
  readonly deps: BuildDeps;
}

/** Brings a directory up to date that nodes may be running from; what apt fetched for it goes again. @throws UserError */
export async function updateDirectory({
  tree,
  name,
  logFile,
  deps,
  isPruning,
}: DirectoryUpdate): Promise<readonly PackageChange[]> {
  using work = new BuildWork(tree, logFile, deps);
  const hooked = { action: "update", name, tree, log: work.line, signal: deps.signal };
  const listsBefore = new Set(listsIn(tree));
  await runHooks("before", hooked);
  const changes = await updateTree(work, { isPruning });
  await work.inTree("apt-get clean", ["apt-get", "clean"]);
  if (listsBefore.size === 0) for (const list of listsIn(tree)) rmSync(list);
  await runHooks("after", hooked);
  return changes;
}

/** Files. */
function listsIn(tree: string): string[] {
  const directory = directoryIn(tree, "var/lib/apt/lists");
  if (directory === undefined) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "lock")
    .map((entry) => join(directory, entry.name));
}

function installedIn(tree: string): Readonly<Record<string, string>> {
  return packagesOf(textIn(tree, "var/lib/dpkg/status") ?? "");
}

/** Packages of kernels that are not the newest, by their names: `linux-image-6.1.0-10-amd64`. */
function oldKernels(tree: string): string[] {
  if (!hasKernel(tree)) return [];
  const newest = newestKernel(tree);
  const versions = kernelsIn(tree).filter((version) => version !== newest);
  return Object.keys(installedIn(tree)).filter((name) =>
    versions.some((version) => /^linux-/.test(name) && name.endsWith(`-${version}`)),
  );
}

function hasKernel(tree: string): boolean {
  return kernelsIn(tree).length > 0;
}

/** Of the newest kernel. */
function hasInitrd(tree: string): boolean {
  return existsSync(insideTree(tree, `/boot/initrd.img-${newestKernel(tree)}`));
}

function kernelsIn(tree: string): string[] {
  const boot = directoryIn(tree, "boot");
  if (boot === undefined) return [];
  return readdirSync(boot).flatMap((name) => /^vmlinuz-(.+)$/.exec(name)?.[1] ?? []);
}
