import type { BootFile, BootFiles, Requester } from "./files.ts";
import { diskSuffix } from "./loader.ts";
import { isFirstLoader } from "./loader-files.ts";
import { configuration } from "./served/configurations.ts";
import { UefiDisks } from "./served/disks.ts";
import { cleanPath, openInTree } from "./served/files.ts";
import { raspberry } from "./served/raspberry.ts";
import type { ServedSettings } from "./served/settings.ts";
import { exportedFile, loaderFile } from "./served/trees.ts";

export { cleanPath } from "./served/files.ts";
export type { ServedExport, ServedSettings } from "./served/settings.ts";

/** The files that loaders ask for: the overlay first, then what is rendered, then the trees. */
export function servedFiles(current: () => ServedSettings): BootFiles {
  const disks = new UefiDisks();
  return async (path, requester) => {
    const name = cleanPath(path);
    if (name === undefined) return "missing";
    const settings = current();
    const { address } = requester;
    if (!settings.exports.some((entry) => entry.admits(address))) return "denied";
    const file = await fileCalled(name, requester, settings, disks);
    if (typeof file !== "string" && (isFirstLoader(name) || diskSuffix(name) !== undefined)) {
      settings.loaders.fetched(address, name, settings.nodeAt(address)?.mac);
    }
    return file;
  };
}

async function fileCalled(
  name: string,
  requester: Requester,
  settings: ServedSettings,
  disks: UefiDisks,
): Promise<BootFile | "missing" | "denied"> {
  if (settings.overlay !== undefined) {
    const file = await openInTree(settings.overlay, name);
    if (file !== "missing") return file;
  }
  const made =
    (await configuration(name, requester, settings)) ??
    (await disks.file(name, requester, settings));
  if (made !== undefined) return made;
  const file = await loaderFile(name, requester, settings);
  if (file !== "missing") return file;
  const ofExport = await exportedFile(name, requester, settings);
  return ofExport === "missing" ? raspberry(name, requester, settings) : ofExport;
}
