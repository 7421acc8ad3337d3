import { join } from "node:path";
import { placeFile } from "../place.ts";
import { dpkgOptions, refusals } from "./packages.ts";

/** What a bootstrap makes a tree of. */
export interface BootstrapPlan {
  readonly suite: string;
  readonly architecture: string;
  /** Lines for apt, or files of such; none: the distribution's own archive. */
  readonly sources: readonly string[];
  /** Of that archive. */
  readonly components: readonly string[];
  readonly packages: readonly string[];
  /** What is unpacked of what no node needs otherwise, as dpkg's `path-include` has it. */
  readonly pathIncludes: readonly string[];
  /** Never installed. */
  readonly exclude: readonly string[];
  /** A file of answers for debconf; undefined: there are none. */
  readonly selections: string | undefined;
  /** A directory of files that are laid into the tree before any package. */
  readonly configuration: string;
  /** One of ours, that are there when all packages but the essential ones come: their scripts read some. */
  readonly overlay: string;
  readonly isRootOfMachine: boolean;
}

/** Keep a suite from installing perl only to merge /usr, and so from 70 MB. */
export const MERGED_USR_HOOKS = "/usr/share/mmdebstrap/hooks/maybe-merged-usr";

/** Of the tree while it is built: on disk it is when all of it is there, not file by file. */
export const DPKG_OF_BUILD = "etc/dpkg/dpkg.cfg.d/sidus-build";

/** The configuration that packages are installed by. */
export function writeConfiguration(directory: string, exclude: readonly string[]): void {
  placeFile(join(directory, DPKG_OF_BUILD), "force-unsafe-io\n", 0o644);
  if (exclude.length === 0) return;
  placeFile(join(directory, "etc/apt/preferences.d/sidus"), refusals(exclude), 0o644);
}

/** apt.conf(5), in the tree for good: what it installs later comes without recommended packages as well. */
export const aptOptions = ['APT::Install-Recommends "false";', 'Acquire::Languages "none";'];

/**
 * What mmdebstrap's hooks and the scripts of packages find in their environment. The kernel's would make an initrd, before
 * what belongs into it is there: that is made once, afterwards.
 */
export function bootstrapEnvironment(
  plan: Pick<BootstrapPlan, "configuration" | "overlay" | "selections">,
): Record<string, string> {
  return {
    INITRD: "No",
    // Of the tree's root: whoever builds, nothing is written to where their own would be.
    HOME: "/root",
    LC_ALL: "C.UTF-8",
    DEBIAN_FRONTEND: "noninteractive",
    SIDUS_CONFIGURATION: plan.configuration,
    SIDUS_OVERLAY: plan.overlay,
    ...(plan.selections === undefined ? {} : { SIDUS_SELECTIONS: plan.selections }),
  };
}

/** The command line of mmdebstrap: everything in one run, with apt's lists left in the tree. */
export function mmdebstrapCommand(
  plan: BootstrapPlan,
  mergesUsr: boolean,
  target: string,
): string[] {
  return [
    "mmdebstrap",
    "--verbose",
    `--mode=${plan.isRootOfMachine ? "root" : "unshare"}`,
    "--variant=minbase",
    "--format=directory",
    `--architectures=${plan.architecture}`,
    `--components=${plan.components.join(",")}`,
    `--include=${plan.packages.join(",")}`,
    "--skip=cleanup/apt/lists",
    ...aptOptions.map((option) => `--aptopt=${option}`),
    ...dpkgOptions(plan.pathIncludes).map((option) => `--dpkgopt=${option}`),
    ...(mergesUsr ? [`--hook-dir=${MERGED_USR_HOOKS}`] : []),
    '--setup-hook=cp -a "$SIDUS_CONFIGURATION/." "$1/"',
    '--essential-hook=cp -a "$SIDUS_OVERLAY/." "$1/"',
    ...(plan.selections === undefined
      ? []
      : ['--essential-hook=chroot "$1" debconf-set-selections <"$SIDUS_SELECTIONS"']),
    plan.suite,
    target,
    ...plan.sources,
  ];
}
