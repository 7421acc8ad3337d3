import type { Tree } from "../../tree/tree.ts";
import type { BootFile, Requester } from "../files.ts";
import { loaderPath } from "../loader-files.ts";
import { firstLabel, type Label } from "../plan.ts";
import { cleanPath, openInTree } from "./files.ts";
import type { ServedSettings } from "./settings.ts";

/** Files that are in a tree: kernels by the name of its export, loaders by their own. */

/** Kernels and loaders of Debian's, links in there followed. What labels name besides is served too. */
const servedDirectories = ["boot/", "usr/lib/PXELINUX/", "usr/lib/syslinux/modules/bios/"];

/** `sidus/boot/vmlinuz-…`: the export's name, its pin where it has one, then the path in its tree. */
export async function exportedFile(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing" | "denied"> {
  const slash = name.indexOf("/");
  if (slash < 0) return "missing";
  const inTree = name.slice(slash + 1);
  const [, exportName, pin] = /^([^@]*)(@?.*)$/.exec(name.slice(0, slash)) ?? [];
  const found = settings.exports.find((entry) => entry.name === exportName);
  if (found === undefined) return "missing";
  if (!found.admits(requester.address)) return "denied";
  const labels = [...settings.boot.labels.values()].filter(
    (label) => "export" in label && label.export.name === exportName,
  );
  const named = labels.filter((label) => namedPaths(label).includes(inTree));
  const isServed = servedDirectories.some((directory) => inTree.startsWith(directory));
  if (!isServed && named.length === 0) return "denied";
  if (settings.overlay !== undefined && named.some(({ kind }) => kind === "program")) {
    const file = await openInTree(settings.overlay, inTree);
    if (file !== "missing") return file;
  }
  const tree = pin === "" || pin === undefined ? found.tree : await found.pinned(pin);
  return tree === undefined ? "missing" : openInTree(tree, inTree);
}

/** What a label boots, as the configuration names it. */
function namedPaths(label: Label): (string | undefined)[] {
  switch (label.kind) {
    case "linux":
      return [label.kernel ?? "", label.initrd ?? ""].map(cleanPath);
    case "program":
      return [label.program, ...label.initrds].map(cleanPath);
    default:
      return [];
  }
}

/** `pxelinux.0`, `ldlinux.c32`, `grub/x86_64-efi/tftp.mod`: out of the tree that the node boots, or another that has it. */
export async function loaderFile(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing"> {
  const path = loaderPath(name);
  if (path === undefined) return "missing";
  for (const tree of treesFor(requester, settings)) {
    const file = await openInTree(tree, path);
    if (file !== "missing") return file;
  }
  return "missing";
}

/** The tree that the node boots first, then whatever else it may read. */
export function treesFor(requester: Requester, settings: ServedSettings): ReadonlySet<Tree> {
  const node = settings.inventory.at(requester.address, settings.nodeAt(requester.address)?.mac);
  const label = settings.boot.labels.get(firstLabel(node, settings.boot));
  const own = label !== undefined && "export" in label ? [label.export.tree] : [];
  const others = settings.exports
    .filter((entry) => entry.admits(requester.address))
    .map((entry) => entry.tree);
  return new Set([...own, ...others]);
}
