import { once } from "node:events";
import process from "node:process";
import { openCapture } from "../../src/net/capture.ts";

/** Records an interface until its input ends, then says what it recorded: `capture-process.ts INTERFACE FILE BYTES`. */

const [, , name = "", file = "", bytesMax = ""] = process.argv;
{
  await using capture = openCapture({ interface: name, file, bytesMax: Number(bytesMax) });
  process.stdout.write("recording\n");
  process.stdin.resume();
  await Promise.race([once(process.stdin, "end"), capture.done]);
  await capture[Symbol.asyncDispose]();
  process.stdout.write(`${JSON.stringify(await capture.done)}\n`);
}
process.exit();
