import type { BootFile, BootFiles, Requester } from "./files.ts";
import { isFirstLoader } from "./loader-files.ts";
import { configuration } from "./served/configurations.ts";
import { cleanPath, openInTree } from "./served/files.ts";
import { raspberry } from "./served/raspberry.ts";
import type { ServedSettings } from "./served/settings.ts";
import { exportedFile, loaderFile } from "./served/trees.ts";

export { cleanPath } from "./served/files.ts";
export type { ServedExport, ServedSettings } from "./served/settings.ts";

/** The files that loaders ask for: the overlay first, then what is rendered, then the trees. */
export function servedFiles(current: () => ServedSettings): BootFiles {
  return async (path, requester) => {
    const name = cleanPath(path);
    if (name === undefined) return "missing";
    const settings = current();
    const { address } = requester;
    if (!settings.exports.some((entry) => entry.admits(address))) return "denied";
    const file = await fileCalled(name, requester, settings);
    if (typeof file !== "string" && isFirstLoader(name)) {
      settings.loaders.fetched(address, name, settings.nodeAt(address)?.mac);
    }
    return file;
  };
}

async function fileCalled(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing" | "denied"> {
  if (settings.overlay !== undefined) {
    const file = await openInTree(settings.overlay, name);
    if (file !== "missing") return file;
  }
  const rendered = await configuration(name, requester, settings);
  if (rendered !== undefined) return rendered;
  const file = await loaderFile(name, requester, settings);
  if (file !== "missing") return file;
  const ofExport = await exportedFile(name, requester, settings);
  return ofExport === "missing" ? raspberry(name, requester, settings) : ofExport;
}
