import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";

/** The package as others get it: packed, installed elsewhere, compiled, with types; nothing of the clone beside it. */

const clone = fileURLToPath(new URL("../..", import.meta.url));
const examples = join(clone, "examples");
const lacking = lackingOf("nfs-cat", "iscsi-inq", "curl", "udhcpc", "unshare", "ip");

function npm(directory: string, ...args: readonly string[]): string {
  return execFileSync("npm", args, { cwd: directory, encoding: "utf8", stdio: "pipe" });
}

/** A project of somebody else's, with the package and one Node in it. */
function project(packed: string, node: string): string {
  const directory = directoryOf({ "package.json": `{ "private": true, "type": "module" }` });
  const packages = [packed, `node@${node}`, "@types/node@26"];
  npm(directory, "install", "--no-audit", "--no-fund", ...packages);
  cpSync(examples, directory, { recursive: true });
  return directory;
}

/** Runs an example until it printed what fits, then `use` on what was caught, then ends it in order. */
async function withExample(
  directory: string,
  args: readonly string[],
  form: RegExp,
  use: (caught: string) => void,
  start: Namespace["spawn"] = spawn,
): Promise<void> {
  const node = join(directory, "node_modules/node/bin/node");
  const child = start(node, args, { cwd: directory, stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout === null) throw new Error("no output to read");
  try {
    let caught: string | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      caught = form.exec(line)?.[1];
      if (caught !== undefined) break;
    }
    use(caught ?? "");
  } finally {
    const ended = once(child, "exit");
    child.kill();
    expect((await ended)[0]).toBe(0);
  }
}

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8" });
}

const versions = ["24", "26"] as const;

describe.skipIf(lacking !== undefined)(title("the packed package", lacking), () => {
  const projects = new Map<string, string>();
  const inProject = (version: string): string => projects.get(version) ?? "";

  beforeAll(() => {
    const place = directoryOf({});
    npm(clone, "pack", "--pack-destination", place);
    const packed = join(place, readdirSync(place)[0] ?? "");
    for (const version of versions) projects.set(version, project(packed, version));
  }, 300_000);

  test.each(versions)("is used with Node %s", (version) => {
    const node = join(inProject(version), "node_modules/node/bin/node");
    expect(run(node, "--version")).toContain(`v${version}.`);
  });

  test.each(versions)("sidus/nfs serves a directory on Node %s", async (version) => {
    const served = directoryOf({ "etc/motd": "hello\n" });
    const args = ["serve-directory.js", served, "0"];
    await withExample(inProject(version), args, /mountport=(\d+)/, (port) => {
      const url = `nfs://127.0.0.1/srv/tree/etc/motd?nfsport=${port}&mountport=${port}`;
      expect(run("nfs-cat", url)).toBe("hello\n");
    });
  });

  test.each(versions)("sidus/iscsi serves a file as a disk on Node %s", async (version) => {
    const disk = join(directoryOf({ "disk.img": "" }), "disk.img");
    truncateSync(disk, 64 << 20);
    await withExample(
      inProject(version),
      ["serve-disk.js", disk, "0"],
      /file=(iscsi:[^,]+)/,
      (url) => {
        expect(run("iscsi-inq", url)).toMatch(/Vendor:SIDUS/);
        expect(run("iscsi-readcapacity16", url)).toContain(`Total size:${64 << 20}`);
      },
    );
  });

  test.each(versions)("sidus/tftp hands out files on Node %s", async (version) => {
    const served = directoryOf({ "boot/loader.0": "a loader" });
    await withExample(
      inProject(version),
      ["serve-files.js", served, "0"],
      /(tftp:.*)hello/,
      (url) => {
        expect(run("curl", "--silent", `${url}hello`)).toBe("hello, 127.0.0.1\n");
        expect(run("curl", "--silent", `${url}boot/loader.0`)).toBe("a loader");
      },
    );
  });

  test.each(versions)("sidus/dhcp gives addresses and loaders on Node %s", async (version) => {
    await using namespace = await openNamespace();
    namespace.run("ip", "link", "add", "server", "type", "veth", "peer", "name", "client");
    namespace.run("ip", "address", "add", "10.0.0.1/24", "dev", "server");
    for (const name of ["server", "client"]) namespace.run("ip", "link", "set", name, "up");
    const args = ["serve-addresses.js", "10.0.0.1"];
    const ask = "udhcpc -f -q -n -i client -V PXEClient -x 0x5d:0000 -O bootfile -s";
    const script = join(
      directoryOf({ "show.sh": '#!/bin/sh\necho "$1 $ip $boot_file"\n' }),
      "show.sh",
    );
    chmodSync(script, 0o755);
    await withExample(
      inProject(version),
      args,
      /port (67)/,
      () => {
        const said = namespace.run("sh", "-c", `${ask} ${script} 2>&1`);
        expect(said).toMatch(/bound 10\.0\.0\.1\d\d pxelinux\.0/);
      },
      namespace.spawn,
    );
  });

  test("its types are enough for a strict compiler", () => {
    const directory = inProject("26");
    writeFileSync(join(directory, "own.ts"), ownTree);
    const compiler = join(clone, "node_modules/.bin/tsc");
    const flags =
      "--noEmit --strict --target esnext --module nodenext --types node --allowJs --checkJs";
    const files = ["own.ts", ...readdirSync(examples)];
    const compiled = () =>
      execFileSync(compiler, [...flags.split(" "), ...files], { cwd: directory, encoding: "utf8" });
    expect(compiled()).toBe("");
    writeFileSync(join(directory, "own.ts"), ownTree.replace("port: 0", 'port: "0"'));
    expect(compiled).toThrow();
  }, 180_000);

  test.each(readdirSync(examples))("README shows the example %s as it is", (name) => {
    const example = readFileSync(join(examples, name), "utf8");
    expect(readFileSync(join(clone, "README.md"), "utf8")).toContain(example.trim());
    expect(example.split("\n").length).toBeLessThanOrEqual(26);
  });
});

/** A program of somebody's that serves what is no directory. */
const ownTree = `
import { serveNfs, type Attributes, type Tree } from "sidus/nfs";

export async function serveOwn(tree: Tree): Promise<number> {
  const root: Attributes | string | Promise<Attributes | string> = tree.attributes(tree.root);
  if (typeof (await root) === "string") throw new Error("no root");
  await using server = await serveNfs({ port: 0, exports: [{ path: "/own", tree, clients: [] }] });
  return server.port;
}
`;
