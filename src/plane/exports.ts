import type { Export } from "../nfs/server.ts";
import type { ExportSpec } from "./messages.ts";
import type { Trees } from "./trees.ts";

/** Opens what is to be exported. @throws UserError for a tree that cannot be served. */
export async function openExports(specs: readonly ExportSpec[], trees: Trees): Promise<Export[]> {
  const exports: Export[] = [];
  for (const { source, ...rest } of specs) {
    const tree = await trees.open(source);
    const isImage = source.kind === "image";
    const version = (identity: bigint) => trees.version(isImage ? source.directory : "", identity);
    exports.push(isImage ? { ...rest, tree, version } : { ...rest, tree });
  }
  return exports;
}
