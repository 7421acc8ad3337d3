import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { directoryOf } from "../../sidus.ts";

/**
 * An archive of a few packages made here: with it mmdebstrap, apt and dpkg build a tree in seconds, without any network.
 * The base system is this machine's dpkg, tar and busybox with their libraries; all packages else are empty, but for a
 * kernel of a few bytes and an update-initramfs that makes an initrd of them.
 */
export interface Archive extends AsyncDisposable {
  /** A line for apt. */
  readonly source: string;
}

export const KERNEL = "6.1.0-1-amd64";

const ownPrograms = ["dpkg", "dpkg-deb", "dpkg-query", "dpkg-split", "tar", "busybox"];
const busyboxPrograms = [
  "cat",
  "chmod",
  "cp",
  "diff",
  "echo",
  "env",
  "install",
  "ln",
  "ls",
  "mkdir",
];
const morePrograms = ["mktemp", "mv", "rm", "sh", "sleep", "sync", "test", "touch", "true"];

const scripts: Readonly<Record<string, string>> = {
  ldconfig: "exit 0",
  "start-stop-daemon": "exit 0",
  // Of `apt-get --yes purge PACKAGE`, for mmdebstrap's own runs outside.
  "apt-get": 'exec dpkg --purge "$3"',
  "update-initramfs": 'echo initrd >"/boot/initrd.img-$3"',
};

/** `names`: the packages that a build asks for. */
export async function openArchive(names: readonly string[]): Promise<Archive> {
  const directory = directoryOf({});
  const stanzas = [
    addPackage(directory, "tiny-base", "Essential: yes\nPriority: required\n", placeBase),
    addPackage(directory, "apt", "Priority: required\n", () => {}),
    ...names.map((name) =>
      addPackage(directory, name, "Priority: optional\n", (root) => {
        if (name.startsWith("linux-image")) placeKernel(root);
      }),
    ),
  ];
  const lists: Readonly<Record<string, Buffer>> = { Packages: Buffer.from(stanzas.join("\n")) };
  const release = releaseOf(lists);
  const server = createServer((request, response) => {
    const name = request.url?.replace(/^\/(?:\.\/)?/, "") ?? "";
    try {
      const own = name === "Release" ? Buffer.from(release) : lists[name];
      response.end(own ?? readFileSync(join(directory, name.replaceAll("/", "_"))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    source: `deb [trusted=yes] http://127.0.0.1:${port} ./`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Its stanza in Packages. */
function addPackage(
  directory: string,
  name: string,
  fields: string,
  place: (root: string) => void,
): string {
  const root = directoryOf({});
  chmodSync(root, 0o755);
  place(root);
  mkdirSync(join(root, "DEBIAN"));
  const control = `Package: ${name}\nVersion: 1.0\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\n${fields}`;
  writeFileSync(join(root, "DEBIAN/control"), `${control}Description: ${name}\n`);
  const file = `${name}.deb`;
  execFileSync("dpkg-deb", [
    "--root-owner-group",
    "-Zgzip",
    "--build",
    root,
    join(directory, file),
  ]);
  const bytes = readFileSync(join(directory, file));
  return `${control}Filename: ./${file}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\nDescription: ${name}\n`;
}

function placeBase(root: string): void {
  for (const path of [
    "usr/bin",
    "usr/sbin",
    "usr/lib",
    "usr/lib64",
    "etc",
    "tmp",
    "run",
    "var/log",
  ]) {
    mkdirSync(join(root, path), { recursive: true });
  }
  for (const path of ["dev", "proc", "sys", "boot", "root"]) mkdirSync(join(root, path));
  for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(root, name));
  const programs = ownPrograms.map((name) => execFileSync("which", [name]).toString().trim());
  const libraries = execFileSync("ldd", programs)
    .toString()
    .matchAll(/(?:=> |^\s+)(\/\S+) \(/gm);
  const files = [...programs, ...[...libraries].map((found) => found[1] ?? "")];
  for (const file of new Set(files)) {
    const to = join(root, file.replace(/^\/(?!usr)/, "/usr/"));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(file, to);
  }
  for (const name of [...busyboxPrograms, ...morePrograms]) {
    symlinkSync("busybox", join(root, "usr/bin", name));
  }
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(root, "usr/sbin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  mkdirSync(join(root, "usr/share/zoneinfo/Etc"), { recursive: true });
  writeFileSync(join(root, "usr/share/zoneinfo/Etc/UTC"), "TZif2");
  writeFileSync(join(root, "etc/group"), "root:x:0:\n");
}

function placeKernel(root: string): void {
  mkdirSync(join(root, "boot"));
  writeFileSync(join(root, "boot", `vmlinuz-${KERNEL}`), "kernel\n");
  const modules = join(root, "usr/lib/modules", KERNEL);
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(modules, "modules.dep"), "none\n");
}

function releaseOf(lists: Readonly<Record<string, Buffer>>): string {
  const sums = Object.entries(lists).map(
    ([name, bytes]) => ` ${sha256(bytes)} ${bytes.length} ${name}\n`,
  );
  return `Suite: tiny\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n${sums.join("")}`;
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
