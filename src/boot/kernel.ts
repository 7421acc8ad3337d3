import { list, resolve } from "../tree/resolve.ts";
import type { Tree } from "../tree/tree.ts";

/** A kernel and the initrd that belongs to it, as absolute paths in their tree. */
export interface Kernel {
  readonly version: string;
  readonly kernel: string;
  readonly initrd: string;
}

/**
 * The newest kernel below /boot that can boot a node: one that has its initrd beside it and its modules in the tree.
 * Otherwise why there is none, as the end of a sentence.
 */
export async function findKernel(tree: Tree): Promise<Kernel | { readonly missing: string }> {
  const boot = await resolve(tree, "/boot");
  const names = typeof boot === "string" ? boot : await list(tree, boot.id);
  if (typeof names === "string") return { missing: "has no /boot" };
  const versions = names
    .filter((name) => name.startsWith("vmlinuz-"))
    .map((name) => name.slice("vmlinuz-".length))
    .sort(byVersion)
    .reverse();
  const [newest] = versions;
  if (newest === undefined) return { missing: "has no kernel /boot/vmlinuz-VERSION" };
  let missing = "";
  for (const version of versions) {
    const lacking = await lackingPart(tree, version, names);
    if (lacking === undefined) {
      return { version, kernel: `/boot/vmlinuz-${version}`, initrd: `/boot/initrd.img-${version}` };
    }
    missing ||= `has kernel ${version} but no ${lacking}`;
  }
  return { missing };
}

async function lackingPart(
  tree: Tree,
  version: string,
  names: readonly string[],
): Promise<string | undefined> {
  if (!names.includes(`initrd.img-${version}`)) return `/boot/initrd.img-${version}`;
  const modules = await resolve(tree, `/lib/modules/${version}`);
  return typeof modules === "string" ? `/lib/modules/${version}` : undefined;
}

/** Orders version strings as people do: numbers by value, the rest by letter. */
function byVersion(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
