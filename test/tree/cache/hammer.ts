import { parentPort, workerData } from "node:worker_threads";
import { BlockCache } from "../../../src/tree/cache/cache.ts";
import { file, isRight } from "./made-file.ts";

/** A thread that reads, checks what it got, holds some of it for a while, and tells how often it was wrong. */
const { shared, seed, reads } = workerData as {
  shared: SharedArrayBuffer;
  seed: number;
  reads: number;
};
const cache = BlockCache.attach(shared);
const files = Array.from({ length: 40 }, (_, at) => file(at, 1000 + at * 17_011));
let state = seed;
const random = (below: number): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return (state >>> 8) % below;
};

async function hammer(): Promise<number> {
  let wrong = 0;
  for (let count = 0; count < reads; count += 1) {
    const from = files[random(files.length)];
    if (from === undefined) continue;
    const offset = random(from.size);
    const length = 1 + random(300_000);
    const slice = await cache.read(from, offset, length);
    if (typeof slice === "string") {
      wrong += 1;
      continue;
    }
    if (slice.length !== Math.min(length, from.size - offset)) wrong += 1;
    // Others evict and fill meanwhile.
    if (random(4) === 0) await new Promise((resolve) => setImmediate(resolve));
    if (!isRight(from, offset, slice.parts)) wrong += 1;
    slice.release();
  }
  return wrong;
}

parentPort?.postMessage(await hammer());
