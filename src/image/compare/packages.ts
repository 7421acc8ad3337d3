import { DPKG_STATUS_BYTES_MAX } from "../../limits.ts";
import { resolve } from "../../tree/resolve.ts";
import type { Tree } from "../../tree/tree.ts";
import { packagesOf } from "../store/packages.ts";
import { answerOf } from "./pairs.ts";

export interface PackageChange {
  readonly name: string;
  /** Versions; undefined: not installed. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

const STATUS = "/var/lib/dpkg/status";

/** By name. A tree without dpkg's list has no packages. */
export async function diffPackages(before: Tree, after: Tree): Promise<readonly PackageChange[]> {
  const [old, young] = await Promise.all([packagesIn(before), packagesIn(after)]);
  return packageChanges(old, young);
}

type Packages = Readonly<Record<string, string>>;

/** By name. */
export function packageChanges(old: Packages, young: Packages): readonly PackageChange[] {
  const names = [...new Set([...Object.keys(old), ...Object.keys(young)])].sort();
  return names
    .map((name) => ({ name, from: old[name], to: young[name] }))
    .filter(({ from, to }) => from !== to);
}

async function packagesIn(tree: Tree): Promise<Readonly<Record<string, string>>> {
  const file = await resolve(tree, STATUS);
  if (typeof file === "string" || file.type !== "file") return {};
  if (file.size > DPKG_STATUS_BYTES_MAX) return {};
  const pieces: Buffer[] = [];
  for (let at = 0; at < file.size; ) {
    const slice = await answerOf(tree.read(file.id, at, file.size - at), STATUS);
    pieces.push(...slice.parts.map((part) => Buffer.from(part)));
    at += slice.length;
    slice.release();
    if (slice.end || slice.length === 0) break;
  }
  return packagesOf(Buffer.concat(pieces).toString());
}
