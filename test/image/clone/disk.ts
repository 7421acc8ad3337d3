import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { directoryOf, type Outcome, outcome } from "../../sidus.ts";

/** A disk with a file system of its own, mounted where only its processes see it. */
export interface Disk extends AsyncDisposable {
  /** Where it is mounted, for its processes. */
  readonly path: string;
  /** The same directory, as seen from here. */
  readonly here: string;
  /** Runs there to its end; throws on failure. */
  run(command: string, ...args: string[]): string;
  sidus(...args: string[]): Promise<Outcome>;
}

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

/** As root. btrfs takes 109 MiB at least, XFS 300. */
export async function openDisk(type: "btrfs" | "xfs" | "ext4", mebibytes = 320): Promise<Disk> {
  const work = directoryOf({});
  const file = join(work, "disk");
  const path = join(work, "mounted");
  mkdirSync(path);
  writeFileSync(file, "");
  truncateSync(file, mebibytes << 20);
  execFileSync(`mkfs.${type}`, type === "btrfs" || type === "xfs" ? ["-q", file] : ["-qF", file]);
  const script = 'mount -o loop "$1" "$2" && echo ready && exec sleep 3600';
  const flags = ["--mount", "--propagation=private"];
  const holder = spawn("unshare", [...flags, "sh", "-c", script, "sh", file, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const isOpen = await Promise.race([
    once(holder.stdout, "data").then(() => true),
    once(holder, "exit").then(() => false),
  ]);
  if (!isOpen) throw new Error(`cannot mount a disk with ${type}`);
  const enter = ["--target", String(holder.pid), "--mount", "--"];
  return {
    path,
    here: `/proc/${holder.pid}/root${path}`,
    run: (command, ...args) =>
      execFileSync("nsenter", [...enter, command, ...args], { encoding: "utf8", stdio: "pipe" }),
    sidus: (...args) => outcome("nsenter", [...enter, process.execPath, main, ...args]),
    async [Symbol.asyncDispose]() {
      const ended = once(holder, "exit");
      holder.kill("SIGKILL");
      await ended;
    },
  };
}
