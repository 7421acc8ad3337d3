import type { Export } from "../nfs/server.ts";
import type { ExportSpec } from "./messages.ts";
import type { Trees } from "./trees.ts";

/** Opens what is to be exported. @throws UserError for a tree that cannot be served. */
export async function openExports(specs: readonly ExportSpec[], trees: Trees): Promise<Export[]> {
  const exports: Export[] = [];
  for (const { source, ...rest } of specs) {
    const tree = await trees.open(source);
    if (source.kind === "directory") exports.push({ ...rest, tree });
    else exports.push({ ...rest, tree, version: (identity) => trees.version(source, identity) });
  }
  return exports;
}
