import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";

/** The package as others get it: packed, installed elsewhere, compiled, with types; nothing of the clone beside it. */

const clone = fileURLToPath(new URL("../..", import.meta.url));
const examples = join(clone, "examples");
const lacking = lackingOf("nfs-cat", "iscsi-inq");

function npm(directory: string, ...args: readonly string[]): string {
  return execFileSync("npm", args, { cwd: directory, encoding: "utf8", stdio: "pipe" });
}

/** A project of somebody else's, with the package and one Node in it. */
function project(packed: string, node: string): string {
  const directory = directoryOf({ "package.json": `{ "private": true, "type": "module" }` });
  npm(directory, "install", "--no-audit", "--no-fund", packed, `node@${node}`);
  cpSync(examples, directory, { recursive: true });
  return directory;
}

describe.skipIf(lacking !== undefined)(title("the packed package", lacking), () => {
  let packed = "";

  beforeAll(() => {
    const place = directoryOf({});
    npm(clone, "pack", "--pack-destination", place);
    packed = join(place, readdirSync(place)[0] ?? "");
  }, 120_000);

  test.each(["24", "26"])(
    "sidus/nfs serves a directory on Node %s",
    async (version) => {
      const directory = project(packed, version);
      const served = directoryOf({ "etc/motd": "hello\n" });
      const node = join(directory, "node_modules/node/bin/node");
      const child = spawn(node, ["serve-directory.js", served, "0"], {
        cwd: directory,
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        let port = "";
        for await (const line of createInterface({ input: child.stdout })) {
          port = /mountport=(\d+)/.exec(line)?.[1] ?? "";
          if (port !== "") break;
        }
        const url = `nfs://127.0.0.1/srv/tree/etc/motd?nfsport=${port}&mountport=${port}`;
        expect(execFileSync("nfs-cat", [url], { encoding: "utf8" })).toBe("hello\n");
        expect(execFileSync(node, ["--version"], { encoding: "utf8" })).toContain(`v${version}.`);
      } finally {
        const ended = once(child, "exit");
        child.kill();
        expect((await ended)[0]).toBe(0);
      }
    },
    180_000,
  );

  test.each(["24", "26"])(
    "sidus/iscsi serves a file as a disk on Node %s",
    async (version) => {
      const directory = project(packed, version);
      const disk = directoryOf({ "disk.img": "" });
      truncateSync(join(disk, "disk.img"), 64 << 20);
      const node = join(directory, "node_modules/node/bin/node");
      const child = spawn(node, ["serve-disk.js", join(disk, "disk.img"), "0"], {
        cwd: directory,
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        let url = "";
        for await (const line of createInterface({ input: child.stdout })) {
          url = /file=(iscsi:[^,]+)/.exec(line)?.[1] ?? "";
          if (url !== "") break;
        }
        const answer = execFileSync("iscsi-inq", [url], { encoding: "utf8" });
        expect(answer).toMatch(/Vendor:SIDUS/);
        const capacity = execFileSync("iscsi-readcapacity16", [url], { encoding: "utf8" });
        expect(capacity).toContain(`Total size:${64 << 20}`);
      } finally {
        const ended = once(child, "exit");
        child.kill();
        expect((await ended)[0]).toBe(0);
      }
    },
    180_000,
  );

  test("its types are enough for a strict compiler", () => {
    const directory = project(packed, "26");
    npm(directory, "install", "--no-audit", "--no-fund", "@types/node@26");
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
