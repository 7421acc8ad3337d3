import { appendFileSync, existsSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { insideTree } from "../inside.ts";
import { placeFile, placeLink } from "../place.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { Settings } from "../settings/settings.ts";
import { placeFiles } from "./files.ts";
import { newestKernel } from "./finish.ts";
import type { BuildWork } from "./work.ts";

/** What the recipe's settings come to, then its own files: the later may replace the earlier. At last, services. */
export async function applySettings(
  recipe: Recipe,
  settings: Settings,
  work: BuildWork,
): Promise<void> {
  leaveOutMicrocode(work.tree);
  await rebuildHardwareDatabase(work);
  for (const { path, mode, content } of settings.files) {
    placeFile(insideTree(work.tree, path), content, mode);
  }
  await runSettings(settings.commands, work);
  placeFiles(recipe.files, work.tree);
  await runSettings(settings.lastCommands, work);
}

async function runSettings(commands: readonly string[], work: BuildWork): Promise<void> {
  if (commands.length === 0) return;
  await work.inTree("settings", ["/bin/sh", "-e", "-c", commands.join("\n")]);
}

/**
 * For the processor that it is made on is what initramfs-tools would take, and for all there are is more than the rest:
 * nodes have what their firmware brings, unless a recipe says otherwise in these files.
 */
function leaveOutMicrocode(tree: string): void {
  for (const [name, variable] of [
    ["intel-microcode", "IUCODE_TOOL_INITRAMFS"],
    ["amd64-microcode", "AMD64UCODE_INITRAMFS"],
  ] as const) {
    const file = insideTree(tree, `/etc/default/${name}`);
    if (existsSync(file)) appendFileSync(file, `${variable}=no\n`);
  }
}

/** Of what udev knows of hardware, each node reads a part at each boot: without the names that are for people. */
async function rebuildHardwareDatabase(work: BuildWork): Promise<void> {
  if (!existsSync(insideTree(work.tree, "/usr/bin/systemd-hwdb"))) return;
  await work.inTree("systemd-hwdb", ["systemd-hwdb", "update", "--usr"]);
}

/** Of the newest kernel, with all that is in the tree by now. */
export async function makeInitramfs(
  initramfs: Recipe["initramfs"],
  work: BuildWork,
): Promise<void> {
  const version = newestKernel(work.tree);
  await work.inTree(initramfs, initramfsCommand(initramfs, version));
  // Beside that of the kernel, which was told that there would be none.
  const link = lstatSync(join(work.tree, "vmlinuz"), { throwIfNoEntry: false });
  if (link?.isSymbolicLink() === true) {
    placeLink(join(work.tree, "initrd.img"), `boot/initrd.img-${version}`);
  }
}

/** For any machine, not the one that it is made on; the same from the same tree. */
export function initramfsCommand(initramfs: Recipe["initramfs"], version: string): string[] {
  return initramfs === "dracut"
    ? [
        ...["dracut", "--force", "--no-hostonly", "--reproducible", "--kver", version],
        `/boot/initrd.img-${version}`,
      ]
    : ["update-initramfs", "-c", "-k", version];
}

/** Each is a script of its own, so that the one which fails can be named. */
export async function runCommands(recipe: Recipe, work: BuildWork): Promise<void> {
  for (const command of recipe.commands) {
    await work.inTree(`\`${command.trim()}\``, ["/bin/sh", "-e", "-c", command]);
  }
}

export async function purgePackages(names: readonly string[], work: BuildWork): Promise<void> {
  if (names.length === 0) return;
  await work.inTree("apt-get purge", ["apt-get", "--yes", "purge", ...names]);
}
