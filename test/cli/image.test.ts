import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { VersionUses } from "../../src/image/store/uses.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, outcome, sidus } from "../sidus.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const lacking = lackingOf("mkfs.erofs");
const lackingCapabilities = lackingOf("mkfs.erofs", "root", "setpriv");

/** `sidus image … --images`, in a directory of its own. */
function images(parent = directoryOf({})) {
  const directory = join(parent, "images");
  const run = (...args: readonly string[]) => sidus("image", ...args, "--images", directory);
  const json = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(...args, "--json");
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  return { directory, run, json };
}

describe("sidus image, without an image", () => {
  test.each(["seal", "list", "use", "rm"])("%s has help, with an example", async (command) => {
    const { code, stdout } = await sidus("image", command, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`\nExample:\n  (sudo )?sidus image ${command} room`));
    expect(stdout).toContain("--images <directory>");
    expect(stdout).toContain("--json");
  });

  test("there are none: list says how to make one, and JSON is an empty list", async () => {
    const { run, json, directory } = images();
    const { code, stdout } = await run("list");
    expect(code).toBe(0);
    expect(stdout).toBe(`no images in ${directory}; sidus image seal NAME DIRECTORY makes one\n`);
    expect(await json("list")).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  test.each([
    [["list", "room"], /^sidus: there is no image room in \S+: seal one \(.*\)\n$/],
    [["use", "room", "0"], /^sidus: there is no image room in /],
    [["rm", "room", "0"], /^sidus: there is no image room in /],
    [
      ["seal", "../room", "/etc"],
      /^sidus: NAME: expected letters, digits, .* found "\.\.\/room"\n$/,
    ],
    [["use", ".", "0"], /^sidus: NAME: expected/],
    [["rm", "a/b", "0"], /^sidus: NAME: expected/],
    [["list", ".."], /^sidus: NAME: expected/],
    [["seal", "room", "/dev/null"], /^sidus: \/dev\/null is no directory: /],
    [["seal", "room"], /^error: missing required argument 'directory'\n$/],
    [["bogus"], /^error: unknown option|^error: unknown command/],
  ])("wrong usage is one line and exit code 2: %j", async (args, message) => {
    const { code, stdout, stderr } = await images().run(...args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("without mkfs.erofs, what installs it is said", async () => {
    const parent = directoryOf({ "tree/file": "", "bin/none": "" });
    symlinkSync("/usr/bin/flock", join(parent, "bin/flock"));
    const { code, stderr } = await outcome("/usr/bin/env", [
      ...[`PATH=${join(parent, "bin")}`, process.execPath, main, "image", "seal", "room"],
      ...[join(parent, "tree"), "--images", join(parent, "images")],
    ]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      "sidus: mkfs.erofs cannot be run: apt-get install erofs-utils, or sidus doctor build --fix\n",
    );
    expect(readdirSync(join(parent, "images"))).toEqual([]);
  });

  test("what the file system refuses is one line that says what to do", async () => {
    const parent = directoryOf({ "tree/file": "", file: "" });
    const { code, stderr } = await sidus(
      ...["image", "seal", "room", join(parent, "tree"), "--images", join(parent, "file")],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sidus: ENOTDIR: .*; choose other --images\n$/);
  });
});

describe.skipIf(lacking)(title("sidus image", lacking), () => {
  test("seal, list, use and rm, as an administrator does", async () => {
    const { directory, run, json } = images();
    const tree = directoryOf({ file: "first" });
    const { packages: _, ...first } = await json("seal", "room", tree);
    expect(first).toMatchObject({ name: "room", bytes: 4096 });
    writeFileSync(join(tree, "file"), "second");
    const sealed = await run("seal", "room", tree);
    expect(sealed.stdout).toMatch(
      /^room: [0-9a-f]{12} is the current version now: 0.0 MB, no kernel\n$/,
    );
    const short = first.digest.slice(0, 12);
    const uses = new VersionUses(join(directory, "room"));
    uses.note(first.digest, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"], Date.now());
    uses.save();

    const listed = (await run("list")).stdout.split("\n");
    expect(listed).toHaveLength(4);
    expect(listed[0]).toMatch(/^NAME +VERSION +SIZE +SEALED \(UTC\) +KERNEL +NODES$/);
    expect(listed[1]).toMatch(/^room {2}[0-9a-f]{12} {2}current {2}0.0 MB.* {2}- +-$/);
    expect(listed[2]).toMatch(new RegExp(`^room {2}${short} {11}0.0 MB {2}20\\d\\d-`));
    expect(listed[2]).toMatch(/ 10.0.0.1, 10.0.0.2, 10.0.0.3 and 1 more$/);
    const [second, ...others] = await json("list", "room");
    expect(second).toMatchObject({ isCurrent: true, nodes: [] });
    expect(others).toMatchObject([{ ...first, isCurrent: false }]);

    const used = await run("use", "room", short);
    expect(used).toMatchObject({ code: 0, stdout: `room: ${short} is the current version now\n` });
    const refused = await run("rm", "room", short);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^sidus: .* is the current version of room: make another/);
    expect(await json("use", "room", second.digest)).toEqual({
      name: "room",
      digest: second.digest,
    });
    const inUse = await run("rm", "room", short);
    expect(inUse.code).toBe(2);
    expect(inUse.stderr).toMatch(/is in use by 10.0.0.1, .*10.0.0.4: boot them again, or wait/);

    uses.note(second.digest, ["10.0.0.1"], Date.now() + 8 * 86_400_000);
    uses.save();
    expect((await run("rm", "room", short)).stdout).toBe(`room: ${short} is removed\n`);
    expect((await json("list")).map((one: { digest: string }) => one.digest)).toEqual([
      second.digest,
    ]);
  });

  test("ended by a signal while it seals: one line, and nothing is left", async () => {
    const parent = directoryOf({ "tree/large": "" });
    truncateSync(join(parent, "tree/large"), 2 ** 32);
    const directory = join(parent, "images");
    const args = [main, "image", "seal", "room", join(parent, "tree"), "--images", directory];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    while (!isWriting(directory) && child.exitCode === null) await setTimeout(5);
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    expect(stderr).toBe(`sidus: sealing ${parent}/tree was interrupted; nothing of it is left\n`);
    expect(code).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });
});

function isWriting(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const names = readdirSync(directory);
  return names.some((name) => existsSync(join(directory, name, "image.erofs")));
}

describe.skipIf(lackingCapabilities)(title("sidus image without root", lackingCapabilities), () => {
  test("seals what may be read; what may not is named, and nothing is left", async () => {
    const parent = directoryOf({ "tree/file": "readable" });
    mkdirSync(join(parent, "images"));
    const seal = () =>
      outcome("setpriv", [
        "--bounding-set=-all",
        ...[process.execPath, main, "image", "seal", "room", join(parent, "tree")],
        ...["--images", join(parent, "images")],
      ]);
    expect(await seal()).toMatchObject({ code: 0, stderr: "" });
    for (const [name, mode] of [
      ["file", 0o000],
      ["directory", 0o300],
    ] as const) {
      const path = join(parent, "tree", name);
      if (name === "directory") mkdirSync(path);
      chmodSync(path, mode);
      expect(await seal()).toMatchObject({
        code: 2,
        stderr: `sidus: ${path} cannot be read: seal this tree as root\n`,
      });
      chmodSync(path, 0o700);
    }
    expect(readdirSync(join(parent, "images"))).toEqual(["room"]);
    expect(readFileSync(join(parent, "tree/file"), "utf8")).toBe("readable");
  });

  test("a store that may not be written to is refused", async () => {
    const parent = directoryOf({ "tree/file": "" });
    mkdirSync(join(parent, "images"), 0o555);
    const { code, stderr } = await outcome("setpriv", [
      "--bounding-set=-all",
      ...[process.execPath, main, "image", "seal", "room", join(parent, "tree")],
      ...["--images", join(parent, "images")],
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sidus: EACCES: .*; run as root, or choose other --images\n$/);
  });
});
