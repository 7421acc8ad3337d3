import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { directoryOf } from "../../sidus.ts";

const busybox = "/usr/bin/busybox";
let parts:
  | { readonly libraries: readonly string[]; readonly applets: readonly string[] }
  | undefined;

function partsOf(): NonNullable<typeof parts> {
  const say = (command: string, argument: string): string =>
    execFileSync(command, [argument], { encoding: "utf8" });
  parts ??= {
    libraries: say("ldd", busybox).match(/\/\S+/g) ?? [],
    applets: say(busybox, "--list")
      .trim()
      .split("\n")
      .filter((name) => name !== "busybox"),
  };
  return parts;
}

/** A tree in which a shell and its tools run, and little else. */
export function tinyTree(files: Readonly<Record<string, string>> = {}): string {
  const tree = directoryOf({
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "usr/sbin/start-stop-daemon": "#!/bin/sh\necho started\n",
    ...files,
  });
  chmodSync(tree, 0o755);
  chmodSync(join(tree, "usr/sbin/start-stop-daemon"), 0o755);
  for (const name of ["bin", "dev", "proc", "root", "run", "sys", "tmp"])
    mkdirSync(join(tree, name), { recursive: true });
  const { libraries, applets } = partsOf();
  for (const library of libraries) {
    mkdirSync(join(tree, dirname(library)), { recursive: true });
    copyFileSync(library, join(tree, library));
  }
  copyFileSync(busybox, join(tree, "bin/busybox"));
  for (const applet of applets) symlinkSync("busybox", join(tree, "bin", applet));
  return tree;
}

/** What is mounted in a tree here: before and after it is to be the same. */
export function mountsIn(tree: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(` ${tree}`));
}
