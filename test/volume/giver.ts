import { statSync } from "node:fs";
import process from "node:process";
import { reopened } from "./files.ts";

/** Gives back 512 ranges of 64 KiB by a process, and says when the first twenty are gone. */
const path = process.argv[2] ?? "";
const { volume } = reopened(path, { punch: () => false });
const before = statSync(path).blocks;
for (let at = 0; at < 512; at += 1) void volume.deallocate(at * 128 * 1024, 64 * 1024);
setInterval(() => {
  if (statSync(path).blocks < before - 20 * 128) process.stdout.write("begun\n");
}, 1);
