import process from "node:process";
import { blankVolume, filled } from "./files.ts";

/** On a file system of 2 MiB, a volume of 8. */
const MIB = 1 << 20;
const { volume, warnings } = blankVolume(8 * MIB, { directory: process.argv[2] ?? "" });
const small = filled(64 * 1024, 7);

let first: unknown;
let written = 0;
for (; first === undefined && written < volume.bytes; written += small.length) {
  first = await volume.write(written, [small]);
}
const refilled = [await volume.write(0, [small]), await volume.write(4 * MIB, [small])];
const into = filled(small.length, 0);
await volume.read(MIB, into);
const givenBack = await volume.deallocate(0, MIB);
const afterwards = await volume.write(4 * MIB, [small]);
const flushed = await volume.flush();
await volume[Symbol.asyncDispose]();

const orNull = (answer: unknown): unknown => answer ?? null;
process.stdout.write(
  JSON.stringify({
    first,
    refilled: refilled.map(orNull),
    readable: Buffer.compare(into, small) === 0,
    givenBack: orNull(givenBack),
    afterwards: orNull(afterwards),
    flushed: orNull(flushed),
    warnings,
  }),
);
