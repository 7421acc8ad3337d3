import {
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { TraceCall } from "./trace.ts";

/** Bytes of a READLINK reply besides the padded path: header, status, attributes, length (RFC 5531, RFC 1813). */
const READLINK_BYTES = 24 + 4 + 88 + 4;

/**
 * Adds to a directory what the node of a trace saw: each file as long as it was read, each link as long as its reply
 * says. A trace more may be added to the same directory.
 */
export function makeTraced(root: string, trace: readonly TraceCall[]): void {
  const sizes = new Map<string, number>();
  const links = new Map<string, number>();
  const directories = new Set(["/"]);
  const others = new Set<string>();
  for (const call of trace) {
    const { procedure, path } = call;
    if (procedure === "LOOKUP") {
      directories.add(path);
      if (call.status === 0) others.add(join(path, call.name));
    } else if (procedure === "READ") {
      sizes.set(path, Math.max(sizes.get(path) ?? 0, call.offset + call.got));
    } else if (procedure === "READLINK") {
      links.set(path, call.replyBytes - READLINK_BYTES);
    } else if (procedure === "READDIRPLUS") directories.add(path);
    else others.add(path);
  }
  for (const path of [...sizes.keys(), ...links.keys(), ...others]) directories.add(dirname(path));
  for (const path of directories) mkdirSync(join(root, path), { recursive: true });
  for (const [path, length] of links) {
    rmSync(join(root, path), { force: true });
    symlinkSync("x".repeat(length), join(root, path));
  }
  for (const path of others) {
    if (directories.has(path) || links.has(path)) continue;
    if (!existsSync(join(root, path))) writeFileSync(join(root, path), "");
  }
  for (const [path, size] of sizes) {
    const file = join(root, path);
    if (statSync(file).size < size) truncateSync(file, size);
  }
}
