import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The given tree, or one of 17,000 entries that is made now and removed in the end. */
export async function treeOr(
  path: string | undefined,
  cleanup: AsyncDisposableStack,
): Promise<string> {
  if (path !== undefined) return path;
  const made = await mkdtemp(join(tmpdir(), "sidus-tree-"));
  cleanup.defer(() => rm(made, { recursive: true }));
  await makeTree(made);
  return made;
}

/** Like a small Debian: 1,900 directories, mostly of a few files, some links. */
async function makeTree(root: string): Promise<void> {
  for (let outer = 0; outer < 100; outer += 1) {
    for (let inner = 0; inner < 18; inner += 1) {
      const directory = join(root, `package-${outer}`, `part-${inner}`);
      await mkdir(directory, { recursive: true });
      const files = Array.from({ length: 7 }, (_, at) => join(directory, `file-${at}.conf`));
      await Promise.all(files.map((file) => writeFile(file, file)));
      await symlink("file-0.conf", join(directory, "link"));
    }
    await writeFile(join(root, `package-${outer}`, "copyright"), "none");
  }
}
