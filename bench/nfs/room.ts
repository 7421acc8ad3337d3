import { randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sealTree } from "../../src/image/store/seal.ts";
import { ImageStore } from "../../src/image/store/store.ts";
import { addServerInterface, type Namespace, openNamespace } from "../../test/namespace.ts";
import { treeOr } from "../made-tree.ts";
import { ADDRESS } from "./servers.ts";
import { readTrace, type TraceName } from "./trace.ts";
import { makeTraced } from "./traced-tree.ts";

/** Where the servers are compared: a private network, a tree and the image of it. All is gone in the end. */
export interface BenchRoom {
  readonly namespace: Namespace;
  readonly tree: string;
  /** Directory with the image `bench`. */
  readonly images: string;
  readonly work: string;
}

export async function openBenchRoom(
  given: string | undefined,
  traces: readonly TraceName[],
  cleanup: AsyncDisposableStack,
): Promise<BenchRoom> {
  const work = mkdtempSync(join(tmpdir(), "sidus-bench-"));
  cleanup.defer(() => rm(work, { recursive: true }));
  const tree = realpathSync(await treeOr(given, cleanup));
  if (given === undefined) completeMade(tree, traces);
  const namespace = cleanup.use(await openNamespace());
  addServerInterface(namespace, "room0", `${ADDRESS}/24`);
  const images = join(work, "images");
  const store = new ImageStore(images);
  const origin = { made: "bench", parent: undefined, recipe: undefined };
  await sealTree({ name: "bench", tree, store, version: "bench", sealedAt: new Date(), origin });
  return { namespace, tree, images, work };
}

/** What the loads need and a tree of small files lacks: what the traces' nodes saw, and 128 MiB in large files. */
function completeMade(tree: string, traces: readonly TraceName[]): void {
  for (const name of traces) makeTraced(tree, readTrace(name));
  mkdirSync(join(tree, "large"));
  for (let at = 0; at < 16; at += 1) {
    writeFileSync(join(tree, "large", `file-${at}`), randomFillSync(Buffer.alloc(8 << 20)));
  }
}
