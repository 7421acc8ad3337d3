import { execFileSync, spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { treeKernel } from "../../src/image/build/finish.ts";
import { directoryOf } from "../sidus.ts";
import { type Qemu, startQemu } from "./qemu.ts";

/**
 * Runs a script with this machine's programs and files, which it cannot change, on the kernel of a Debian tree. Its
 * output is on the console, then `MACHINE: done`. Only /dev/shm can be written to; there is no network but the script's.
 */
export function startOnKernel(tree: string, modules: readonly string[], script: string): Qemu {
  const { kernel, initrd } = treeKernel(tree);
  const share = "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap";
  return startQemu({ spawn }, [
    ...["-m", "3072", "-smp", "2", "-kernel", join(tree, kernel)],
    ...["-append", "rdinit=/machine console=ttyS0 quiet mitigations=off"],
    ...["-initrd", withScript(tree, join(tree, initrd), modules, script)],
    ...["-fsdev", share, "-device", "virtio-9p-pci,fsdev=host,mount_tag=host"],
  ]);
}

/** The kernel unpacks one archive after the other: a first process and modules of ours, then programs of the tree's. */
function withScript(
  tree: string,
  initrd: string,
  modules: readonly string[],
  script: string,
): string {
  const first = readFileSync(fileURLToPath(new URL("foreign-kernel.sh", import.meta.url)), "utf8");
  const files = directoryOf({ machine: first, script: `${environment()}\n${script}` });
  chmodSync(join(files, "machine"), 0o755);
  mkdirSync(join(files, "modules"));
  for (const [at, path] of modulePaths(tree, modules).entries()) {
    const name = `${String(at).padStart(3, "0")}-${basename(path)}`;
    copyFileSync(join(tree, path), join(files, "modules", name));
  }
  const archive = execFileSync("sh", ["-c", "find . | busybox cpio -o -H newc"], {
    cwd: files,
    maxBuffer: 64 << 20,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const file = join(directoryOf({}), "initrd");
  writeFileSync(file, Buffer.concat([archive, readFileSync(initrd)]));
  return file;
}

function environment(): string {
  return `export HOME=/dev/shm TMPDIR=/dev/shm PATH='${process.env["PATH"]}'`;
}

/** Paths in the tree of these modules, each after what it needs: modules.dep(5). */
function modulePaths(tree: string, names: readonly string[]): string[] {
  const directory = join("lib/modules", treeKernel(tree).version);
  const lines = readFileSync(join(tree, directory, "modules.dep"), "utf8").split("\n");
  // A module's own are in the order in which they are to be removed.
  const orders = lines.map((line) =>
    line
      .split(/[: ]+/)
      .filter((path) => path !== "")
      .toReversed(),
  );
  const wanted = names.flatMap((name) => {
    const order = orders.find((paths) => basename(paths.at(-1) ?? "").split(".")[0] === name);
    if (order === undefined) throw new Error(`the tree's kernel has no module ${name}`);
    return order;
  });
  return [...new Set(wanted)].map((path) => join(directory, path));
}
