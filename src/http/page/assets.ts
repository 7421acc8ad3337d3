import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** A file of the page, as it is. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly bytes: Buffer;
  /** RFC 9110 §8.8.3: another for other bytes. */
  readonly tag: string;
}

const script = "text/javascript; charset=utf-8";
const files = [
  { path: "/", name: "index.html", type: "text/html; charset=utf-8" },
  { path: "/page/page.css", name: "page.css", type: "text/css; charset=utf-8" },
  { path: "/page/icon.svg", name: "icon.svg", type: "image/svg+xml" },
  { path: "/page/boot-bar.js", name: "boot-bar.js", type: script },
  { path: "/page/days.js", name: "days.js", type: script },
  { path: "/page/dom.js", name: "dom.js", type: script },
  { path: "/page/node-details.js", name: "node-details.js", type: script },
  { path: "/page/node-list.js", name: "node-list.js", type: script },
  { path: "/page/nodes.js", name: "nodes.js", type: script },
  { path: "/page/overview.js", name: "overview.js", type: script },
  { path: "/page/page.js", name: "page.js", type: script },
] as const;

/** Where they are, but for the page itself: its path is also that of a boot file. */
export const assetPaths = files.map(({ path }) => path).filter((path) => path !== "/");

/** They lie beside this file, in the sources and in the package. */
export function readAssets(): Promise<Asset[]> {
  return Promise.all(
    files.map(async ({ path, name, type }) => {
      const bytes = await readFile(new URL(`./assets/${name}`, import.meta.url));
      const digest = createHash("sha256").update(bytes).digest("base64url").slice(0, 20);
      return { path, type, bytes, tag: `"${digest}"` };
    }),
  );
}
