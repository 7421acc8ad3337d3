import type { Cidr } from "../../bytes/ipv4.ts";
import type { ExportConfig } from "../config.ts";
import type { Written } from "../schema.ts";
import type { Source } from "../source.ts";

/** Unless written, they are for the nodes of all `networks`, those behind relays among them. */
export function exportsOf(
  written: Written,
  source: Source,
  networks: readonly Cidr[],
): ExportConfig[] {
  const exports = Object.entries(written.exports).map(([name, entry]) => ({
    name,
    source: sourceOf(name, entry, source),
    path: withoutTrailingSlash(entry.path ?? `/srv/nfsroot/${name}`),
    clients: entry.clients ?? networks,
    squash: entry.squash ?? "none",
  }));
  if (exports.length === 0) {
    throw source.complain(
      ["exports"],
      "expected at least one, as sidus: { source: /srv/nfsroot/sidus }",
    );
  }
  const paths = new Map<string, string>();
  for (const { name, path } of exports) {
    const other = paths.get(path);
    if (other !== undefined) {
      throw source.complain(
        ["exports", name],
        `has the same path ${path} as ${other}; give one another path:`,
      );
    }
    paths.set(path, name);
  }
  return exports;
}

function sourceOf(
  name: string,
  entry: Written["exports"][string],
  source: Source,
): ExportConfig["source"] {
  const { source: path, image } = entry;
  if (path !== undefined && image === undefined) return { kind: "directory", path };
  if (image !== undefined && path === undefined) return { kind: "image", name: image };
  throw source.complain(
    ["exports", name],
    `expected one of source: DIRECTORY and image: NAME, found ${path === undefined ? "neither" : "both"}`,
  );
}

export function withoutTrailingSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}
