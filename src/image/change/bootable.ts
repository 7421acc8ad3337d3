import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../user-error.ts";
import { makeInitramfs } from "../build/customise.ts";
import { distributionOf } from "../build/distribution.ts";
import { overlayFiles, writeOverlay } from "../build/overlay.ts";
import { packagesOf } from "../build/packages.ts";
import type { BuildWork } from "../build/work.ts";
import { insideTree } from "../inside.ts";
import { directoryIn, placeFile, textIn } from "../place.ts";
import { defaultRecipe } from "../recipe/default.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { installedIn } from "../store/packages.ts";

/** What a captured system is. */
export interface Captured {
  readonly suite: string;
  readonly architecture: string;
  readonly initramfs: Recipe["initramfs"];
  /** Packages that booting from the network takes, and it does not have. */
  readonly missing: readonly string[];
}

/** @throws UserError where it is no Debian, nor what was made from it. */
export function capturedIn(tree: string): Captured {
  const installed = installedIn(textIn(tree, "var/lib/dpkg/status") ?? "");
  const names = new Set(installed.map(({ name }) => name));
  const architecture = installed.find(({ name }) => name === "dpkg")?.architecture;
  if (architecture === undefined) {
    throw new UserError(
      "what was captured is neither Debian nor Ubuntu: dpkg is not installed there, by /var/lib/dpkg/status",
    );
  }
  const release = releaseOf(tree);
  const suite = release["VERSION_CODENAME"] ?? "unknown";
  const distribution = distributionOf(suite, [`${release["ID"]} ${release["ID_LIKE"]}`]);
  const isDracut = names.has("dracut") && !names.has("initramfs-tools");
  const initramfs = isDracut ? "dracut" : "initramfs-tools";
  const nothing = { packages: [] };
  const wanted = packagesOf({ ...defaultRecipe, suite, initramfs }, nothing, {
    distribution,
    architecture,
  });
  const kernel = hasKernel(tree) ? distribution.kernel(architecture) : undefined;
  const missing = wanted.filter((name) => !names.has(name) && name !== kernel);
  return { suite, architecture, initramfs, missing };
}

/** Installs what is missing, lays our files over it, and makes the initrd of its newest kernel. @throws UserError */
export async function makeBootable(
  { initramfs, missing }: Captured,
  mayInstall: boolean,
  work: BuildWork,
): Promise<void> {
  if (missing.length > 0) {
    if (!mayInstall) {
      throw new UserError(
        `what was captured lacks packages that booting from the network takes: ${missing.join(", ")}; install them there, or leave --no-packages out`,
        { exitCode: 1 },
      );
    }
    work.begin("installing packages");
    await work.inTree("apt-get update", ["apt-get", "update"]);
    const options = ["--yes", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"];
    // The kernel's scripts would make an initrd without our files.
    const environment = { INITRD: "No" };
    await work.inTree("apt-get", ["apt-get", ...options, "install", ...missing], environment);
  }
  work.begin("making the initrd");
  const hosts = textIn(work.tree, "etc/hosts");
  writeOverlay(work.tree, initramfs);
  // A golden client knows more names than a tree that is built.
  if (hosts !== undefined) {
    placeFile(join(work.tree, "etc/hosts"), hosts, overlayFiles["etc/hosts"] ?? 0o644);
  }
  await makeInitramfs(initramfs, work);
}

function hasKernel(tree: string): boolean {
  const boot = directoryIn(tree, "boot");
  return boot !== undefined && readdirSync(boot).some((name) => name.startsWith("vmlinuz-"));
}

/** os-release(5); /etc/os-release is a link. */
function releaseOf(tree: string): Readonly<Record<string, string | undefined>> {
  try {
    const text = readFileSync(insideTree(tree, "usr/lib/os-release"), "utf8");
    const lines = text.matchAll(/^(\w+)=["']?([^"'\n]*)/gm);
    return Object.fromEntries([...lines].map((line) => [line[1] ?? "", line[2]]));
  } catch {
    return {};
  }
}
