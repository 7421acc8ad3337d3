import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { openControl } from "../../src/cli/control.ts";
import { treeCommand } from "../../src/cli/tree.ts";
import { UserError } from "../../src/user-error.ts";
import { processesNaming } from "../image/remains.ts";
import { directoryOf, sidus, smallTree } from "../sidus.ts";

/** `sidus tree … --trees`, with a tree `room` and a configuration that exports the trees of that name. */
function trees(exported = "nothing") {
  const dependencies = "lib/modules/6.1.0-1-amd64/modules.dep";
  const all = { ...smallTree, [dependencies]: "kernel/fs/nfs.ko:\n" };
  const files = Object.entries(all).map(([path, text]) => [`trees/room/${path}`, text]);
  const directory = directoryOf(Object.fromEntries(files));
  const trees = join(directory, "trees");
  const [config, state] = [join(directory, "sidus.yaml"), join(directory, "state")];
  const lines = [
    "interface: lo",
    "dhcp: { range: 127.0.0.50-127.0.0.60 }",
    `exports: { sidus: { source: ${join(trees, exported)} } }`,
    `state: ${state}`,
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const served = (command: string | undefined): string[] =>
    command === "restore" || command === "rm" ? ["--config", config] : [];
  const run = (...args: readonly string[]) =>
    sidus("tree", ...args, "--trees", trees, ...served(args[0]));
  const json = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(...args, "--json");
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  return { trees, state, run, json };
}

describe("sidus tree", () => {
  test("each command has help, with an example", () => {
    const { commands } = treeCommand();
    const names = commands.map((command) => command.name());
    expect(names.join(" ")).toBe("list clone snapshot restore rm");
    for (const command of commands) {
      let help = "";
      const writeOut = (text: string): void => {
        help += text;
      };
      command.configureOutput({ writeOut }).outputHelp();
      expect(help).toMatch(new RegExp(`\nExample:\n  (sudo )?sidus tree ${command.name()}`));
      expect(help).toContain("--trees <directory>");
      expect(help).toContain("--json");
    }
  });

  test.each([
    [["list", "other"], /^\S+\/trees\/other is not there: sidus tree list names the trees$/],
    [["list", "../room"], /^\S+\/room is not there: /],
    [["snapshot", "room", "a/b"], /^LABEL: expected letters, digits, .* found "a\/b"$/],
    [["clone", "room", "a@b"], /^NAME: expected letters, digits, .* found "a@b"$/],
    [["clone", "room", "next", "--method", "tar"], /^--method: expected auto, btrfs, zfs, /],
    [
      ["clone", "room", "room"],
      /\/room is already there: choose another name, or remove it first$/,
    ],
    [["restore", "room", "none"], /^\S+\/trees\/room@none is not there: /],
    [["rm", "room"], /^\S+\/room is a tree, no snapshot of one: --tree removes it all the same$/],
  ])("wrong usage is said in one line, and nothing is done: %j", async (args, message) => {
    const { trees: directory } = trees();
    const all = [...args, "--trees", directory];
    const refused = treeCommand().parseAsync(all, { from: "user" });
    await expect(refused).rejects.toThrow(UserError);
    await expect(refused).rejects.toThrow(message);
    expect(readdirSync(directory)).toEqual(["room"]);
  });

  test("what is no tree is not removed by its path, though it is named as a snapshot is", async () => {
    const directory = directoryOf({ "data@2024/file": "" });
    const { code, stderr } = await sidus("tree", "rm", join(directory, "data@2024"));
    expect(stderr).toMatch(/^sidus: \S+\/data@2024 is no tree of a system: /);
    expect(code).toBe(2);
    expect(existsSync(join(directory, "data@2024/file"))).toBe(true);
  });

  test("a farm of hard links is refused, with why", async () => {
    const { run, trees: directory } = trees();
    const { code, stderr } = await run("clone", "room", "next", "--method", "hardlink");
    expect(stderr).toMatch(/^sidus: --method hardlink: both trees would change together: .*\n$/);
    expect(code).toBe(2);
    expect(readdirSync(directory)).toEqual(["room"]);
  });

  test("there are none: list says where they come from", async () => {
    const nowhere = join(directoryOf({}), "trees");
    const { stdout } = await sidus("tree", "list", "--trees", nowhere);
    expect(stdout).toBe(`no trees in ${nowhere}; sidus build NAME makes one\n`);
  });

  test("one is kept, changed, brought back, cloned and removed", { timeout: 120_000 }, async () => {
    const { run, json, trees: directory } = trees();
    const hostname = join(directory, "room/etc/hostname");
    expect(await json("snapshot", "room", "old")).toMatchObject({
      path: join(directory, "room@old"),
      changed: [],
    });
    writeFileSync(hostname, "changed");
    const { kept, server } = await json("restore", "room", "old");
    expect(server).toBe("not-served");
    expect(readFileSync(hostname, "utf8")).toBe("");
    expect(readFileSync(join(kept, "etc/hostname"), "utf8")).toBe("changed");
    expect((await run("clone", "room@old", "next")).stdout).toMatch(
      /^\S+\/next: is what \S+\/room@old is, by \w+\n$/,
    );
    const listed: { name: string; label?: string; kernel: string }[] = await json("list");
    expect(listed.map(({ name, label }) => [name, label?.replace(/-\d.*/, "")])).toEqual([
      ["next", undefined],
      ["room", undefined],
      ["room", expect.stringMatching(/^(?:old|before-restore)$/)],
      ["room", expect.stringMatching(/^(?:old|before-restore)$/)],
    ]);
    expect(new Set(listed.map(({ kernel }) => kernel))).toEqual(new Set(["6.1.0-1-amd64"]));
    expect((await run("list", "next")).stdout).toMatch(/\nnext {2}20\d\d-.* 6\.1\.0-1-amd64\n$/);
    expect(await json("rm", "room@old")).toEqual({ path: join(directory, "room@old") });
    await json("rm", "next", "--tree");
    expect(readdirSync(directory)).toEqual(["room", kept.slice(directory.length + 1)]);
  });

  test("the server is told of a tree that came back", { timeout: 60_000 }, async () => {
    const { run, json, state } = trees("room");
    const { path } = await json("snapshot", "room");
    const [, label = ""] = /\/room@(20\d{6}-\d{6})$/.exec(path) ?? [];
    let reloads = 0;
    const reload = async (): Promise<void> => {
      reloads += 1;
    };
    await using _control = await openControl({ state, reload, report() {} });
    expect((await run("restore", "room", label)).stdout).toMatch(
      /\nthe server has taken it on: boot the nodes that run from it\n$/,
    );
    expect(reloads).toBe(1);
  });

  test("what the configuration serves is not removed", { timeout: 60_000 }, async () => {
    const { run, json, trees: directory } = trees("room@old");
    await json("snapshot", "room", "old");
    const { code, stderr } = await run("rm", "room@old");
    expect(stderr).toMatch(/room@old is served: exports\.sidus of \S+\/sidus\.yaml names it; take/);
    expect(code).toBe(2);
    expect(existsSync(join(directory, "room@old"))).toBe(true);
    await json("rm", "room", "--tree");
    expect(readdirSync(directory)).toEqual(["room@old"]);
  });

  test("killed while it copies: the whole is there or nothing, and the next removes the rest", {
    timeout: 60_000,
  }, async () => {
    const { json, trees: directory } = trees();
    const large = join(directory, "room/large");
    writeFileSync(large, Buffer.alloc(64 << 20, "x"));
    truncateSync(large, 128 << 20);
    mkdirSync(join(directory, "room/last"));
    const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
    const args = [main, "tree", "clone", "room", "next", "--method", "copy", "--trees", directory];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    const ended = once(child, "exit");
    await Promise.race([once(child.stderr, "data"), ended]);
    child.kill("SIGKILL");
    await ended;
    await expect.poll(() => processesNaming(directory)).toEqual([]);
    if (existsSync(join(directory, "next"))) {
      expect(readdirSync(join(directory, "next"))).toEqual(readdirSync(join(directory, "room")));
      await json("rm", "next", "--tree");
    }
    await json("clone", "room", "next");
    expect(readdirSync(directory)).toEqual(["next", "room"]);
  });
});
