import process from "node:process";
import { filled, reopened } from "./files.ts";

/** Writes and flushes, a line after each round, until it is killed. */
const { volume } = reopened(process.argv[2] ?? "");
for (let round = 1; round * 64 * 1024 < volume.bytes; round += 1) {
  const at = round * 64 * 1024;
  await volume.write(at, [filled(4096, round % 256)]);
  await volume.write(at + 4096, [filled(4096, round % 256)]);
  const failed = await volume.flush();
  if (failed !== undefined) throw new Error(failed);
  process.stdout.write(`${round}\n`);
}
setInterval(() => {}, 60_000);
