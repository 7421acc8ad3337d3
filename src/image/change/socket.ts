import { chmodSync, closeSync, lchownSync, mkdirSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import { localSockets } from "../../net/local.ts";
import type { Attributes } from "../../tree/tree.ts";
import { runTool } from "../tool.ts";

const LISTENED = ".sidus-socket";
const TEMPORARY = ".sidus-socket-kept";

/** A socket that nobody listens at, as one that a daemon left. `path` in bytes (latin1), from the tree's root. */
export async function placeSocket(
  tree: string,
  path: string,
  { mode, uid, gid, modified }: Attributes,
): Promise<void> {
  const temporary = join(tree, TEMPORARY);
  await listenAt(tree);
  lchownSync(temporary, uid, gid);
  chmodSync(temporary, mode);
  const time = `@${modified.seconds}.${String(modified.nanoseconds).padStart(9, "0")}`;
  await runTool({ command: ["touch", `--date=${time}`, temporary], debian: "coreutils" });
  const place = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(path, "latin1")]);
  mkdirSync(place.subarray(0, place.lastIndexOf("/")), { recursive: true });
  renameSync(temporary, place);
}

/** By its descriptor, as paths of sockets are short (unix(7)). Whoever is gone is not listened to any more. */
async function listenAt(tree: string): Promise<void> {
  const directory = openSync(tree, "r");
  try {
    const nobody = { line() {}, closed() {} };
    const path = `/proc/self/fd/${directory}/${LISTENED}`;
    const options = { path, connectionsMax: 0, lineBytesMax: 0, accept: () => nobody };
    const listening = await localSockets.listen(options);
    renameSync(join(tree, LISTENED), join(tree, TEMPORARY));
    // It would take away what is at its path.
    await listening[Symbol.asyncDispose]();
  } finally {
    closeSync(directory);
  }
}
