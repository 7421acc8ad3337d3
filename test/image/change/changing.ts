import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChangeOptions } from "../../../src/image/change/edit.ts";
import { unpackImage } from "../../../src/image/change/unpack.ts";
import type { Manifest } from "../../../src/image/store/manifest.ts";
import { sealTree } from "../../../src/image/store/seal.ts";
import type { ImageStore } from "../../../src/image/store/store.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { directoryOf } from "../../sidus.ts";

export function seal(store: ImageStore, tree: string, name = "room"): Promise<Manifest> {
  return sealTree({
    ...{ name, tree, store, version: "1.2.3" },
    sealedAt: new Date("2026-01-01T00:00:00Z"),
    origin: { made: "build", parent: undefined, recipe: "suite: tiny\n" },
  });
}

export function changeOf(
  store: ImageStore,
  change: (tree: string) => void | Promise<void>,
  signal?: AbortSignal,
): ChangeOptions {
  return {
    ...{ store, name: "room", action: "edit", made: "edit: test", version: "1.2.3" },
    change: async ({ tree }) => await change(tree),
    logFile: join(directoryOf({}), "log"),
    deps: { clock: systemClock, progress() {}, signal },
  };
}

/** A directory of a version. */
export async function unpacked(store: ImageStore, digest: string): Promise<string> {
  const to = join(directoryOf({}), "tree");
  await unpackImage({ file: join(store.directoryOf("room"), `${digest}.erofs`), to });
  return to;
}

/** What rsync would do to make `a` of `b`: lines as `>f+++++++++ path`, without times where nothing else differs. */
export function differencesOf(a: string, b: string): string[] {
  const flags = ["--dry-run", "--itemize-changes", "--delete", "-aAXHc"];
  const told = execFileSync("rsync", [...flags, `${b}/`, `${a}/`], { encoding: "latin1" });
  return told.split("\n").filter((line) => line !== "" && !/^.[dfL]\.\.t\.{6} /.test(line));
}

/** With times. */
export function allDifferencesOf(a: string, b: string): string[] {
  const flags = ["--dry-run", "--itemize-changes", "--delete", "-aAXHc"];
  const told = execFileSync("rsync", [...flags, `${b}/`, `${a}/`], { encoding: "latin1" });
  return told.split("\n").filter((line) => line !== "");
}

export function manifestIn(store: ImageStore, digest: string): Manifest {
  return JSON.parse(readFileSync(join(store.directoryOf("room"), `${digest}.json`), "utf8"));
}
