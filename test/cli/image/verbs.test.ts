import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { makeKey } from "../../../src/image/store/keys.ts";
import { VersionUses } from "../../../src/image/store/uses.ts";
import { currentIn, manifestFile, versionFile } from "../../../src/image/store/versions.ts";
import { flipBit, newStore, seal } from "../../image/store/sealed.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { inSeries } from "./series.ts";

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const lacking = lackingOf("mkfs.erofs");

/** `sidus image …` on a store with three versions of `room`, the newest current. */
async function threeVersions() {
  const store = newStore();
  const digests: string[] = [];
  for (const [minute, file] of ["one", "second", "third"].entries()) {
    digests.push((await seal(store, { file, "etc/motd": "hello" }, { minute })).digest);
  }
  const [one = "", two = "", three = ""] = digests;
  const run = (...commands: readonly (readonly string[])[]) =>
    inSeries(commands.map((args) => ["image", ...args, "--images", store.directory]));
  const texts = async (...commands: readonly (readonly string[])[]) =>
    (await run(...commands)).map(({ stdout, stderr }) => stdout + stderr);
  return { store, one, two, three, run, texts };
}

function short(digest: string): string {
  return digest.slice(0, 12);
}

test("each has help with an example; wrong usage is one line and exit code 2", async () => {
  const verbs = ["show", "rollback", "keep", "verify", "diff", "export", "import", "sign", "key"];
  const helps = await inSeries(verbs.map((verb) => ["image", verb, "--help"]));
  for (const [at, { code, stdout }] of helps.entries()) {
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`\nExample:\n  (sudo )?sidus image ${verbs[at]} `));
  }
  const noImage = /^sidus: there is no image room in \/nowhere: seal one/;
  const wrong = [
    [["show", "room"], noImage],
    [["rollback", "room"], noImage],
    [["verify", "room"], noImage],
    [["diff", "room"], noImage],
    [["export", "room"], noImage],
    [["keep", "room", "3"], noImage],
    [["rm", "room", "--unused"], noImage],
    [["rm", "room"], /^sidus: rm: expected versions, or --unused\n$/],
    [["rm", "room", "0", "--unused"], /^sidus: rm: expected versions, or --unused\n$/],
    [["import", "/nowhere.tar"], /^sidus: there is no file \/nowhere.tar\n$/],
    [["sign", "room", "--key", "/nowhere"], /^sidus: there is no key \/nowhere: sidus image key/],
    [["verify", "room", "--key", "/dev/null"], /^sidus: \/dev\/null: expected a public key/],
    [["show", "../room"], /^sidus: NAME: expected/],
  ] as const;
  const found = await inSeries(wrong.map(([args]) => ["image", ...args, "--images", "/nowhere"]));
  for (const [at, { code, stderr }] of found.entries()) {
    expect(stderr).toMatch(wrong[at]?.[1] ?? /^$/);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(code).toBe(2);
  }
});

describe.skipIf(lacking)(title("sidus image, on versions that are there", lacking), () => {
  test("show tells of a version; diff what differs; rollback goes back, use forth", async () => {
    const { run, one, two, three, store } = await threeVersions();
    const directory = directoryOf({ file: "third", "etc/motd": "hello", more: "" });
    const [shown, json, sbom, recipe, ...diffs] = await run(
      ["show", "room"],
      ["show", "room", one.slice(0, 8), "--json"],
      ["show", "room", "--sbom"],
      ["show", "room", "--recipe"],
      ["diff", "room"],
      ["diff", "room", one],
      ["diff", "room", one, one],
      ["diff", "room", three, `${directory}/`],
      ["diff", "room", directory, three, "--json"],
    );
    const lines = shown?.stdout.split("\n");
    expect(lines?.[1]).toBe(`digest     ${three}`);
    expect(lines).toContain("sealed     1970-01-01 00:02:00 UTC, by sidus 0.1.0");
    expect(JSON.parse(json?.stdout ?? "")).toMatchObject({ digest: one, isCurrent: false });
    expect(JSON.parse(sbom?.stdout ?? "")).toMatchObject({ spdxVersion: "SPDX-2.3" });
    expect(recipe).toMatchObject({
      code: 1,
      stderr: `sidus: ${short(three)} of room has no recipe\n`,
    });
    const removed = { kind: "removed", path: "/more", type: "file", size: 0, differences: [] };
    expect(diffs.map(({ stdout }) => stdout)).toEqual([
      "~ /file  content, size 6 → 5\n",
      "~ /file  content, size 3 → 5\n",
      "no difference\n",
      "+ /more  0.0 MB\n",
      `${JSON.stringify({ packages: [], files: [removed] })}\n`,
    ]);
    const back = await run(
      ["rollback", "room"],
      ["rollback", "room", "--json"],
      ["rollback", "room"],
      ["use", "room", three],
      ["rollback", "room"],
    );
    expect(back.map(({ code }) => code)).toEqual([0, 0, 2, 0, 0]);
    expect(back[0]?.stdout).toBe(`room: ${short(two)} is the current version again\n`);
    expect(back[1]?.stdout).toBe(`${JSON.stringify({ name: "room", digest: one })}\n`);
    expect(await currentIn(store.directoryOf("room"))).toBe(one);
  });

  test("rm removes several or none; keep says how many stay, also when another is sealed", async () => {
    const { texts, one, two, three, store } = await threeVersions();
    const directory = store.directoryOf("room");
    const uses = new VersionUses(directory);
    const named = () => readdirSync(directory).filter((name) => name.endsWith(".erofs"));
    expect(await texts(["rm", "room", one, three])).toEqual([
      `sidus: ${short(three)} is the current version of room: make another one current first (sidus image use)\n`,
    ]);
    expect(named()).toHaveLength(3);
    expect(
      await texts(
        ["keep", "room"],
        ["keep", "room", "1"],
        ["rm", "room", "--unused"],
        ["keep", "room", "all"],
        ["rm", "room", "--unused"],
      ),
    ).toEqual([
      "room: all versions stay\n",
      `room: 1 stay besides the current version and those that nodes run\nroom: ${short(one)} is removed\n`,
      "room: no version is unused\n",
      "room: all versions stay\n",
      `room: ${short(two)} is removed\n`,
    ]);
    uses.note(three, ["10.0.0.1"], Date.now());
    uses.save();
    const tree = directoryOf({ file: "x" });
    await texts(["keep", "room", "0"], ["seal", "room", tree], ["seal", "room", directoryOf({})]);
    expect(named()).toHaveLength(2);
    expect(named()).toContain(versionFile(three));
  });

  test("verify names each version that is bad, and why, with exit code 1", async () => {
    const { run, texts, one, two, three, store } = await threeVersions();
    const good = [one, two, three].sort().map((digest) => `room: ${short(digest)} is good\n`);
    expect(await texts(["verify"])).toEqual([good.join("")]);
    flipBit(join(store.directoryOf("room"), versionFile(two)), 8_000);
    rmSync(join(store.directoryOf("room"), manifestFile(three)));
    const [all, single] = await run(["verify", "room"], ["verify", "room", one]);
    expect([all?.code, single?.code]).toEqual([1, 0]);
    expect(all?.stdout).toContain(`room: ${short(one)} is good\n`);
    expect(all?.stdout).toContain(`room: ${short(two)} is bad: it was changed or damaged: `);
    expect(all?.stdout).toContain(`room: ${short(three)} is bad: it has no manifest\n`);
  });

  test("verify that is ended says so in one line", async () => {
    const store = newStore();
    const tree = directoryOf({ large: "" });
    truncateSync(join(tree, "large"), 2 ** 32);
    const directory = store.directoryOf("room");
    mkdirSync(directory, { recursive: true });
    renameSync(join(tree, "large"), join(directory, versionFile("0".repeat(64))));
    const args = [main, "image", "verify", "--images", store.directory];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    await expect.poll(() => isReading(child.pid, directory), { timeout: 30_000 }).toBe(true);
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([1, null]);
    expect(stderr).toBe("sidus: interrupted\n");
  });

  test("who signed a version is listed, and known by the key", async () => {
    const { run, three } = await threeVersions();
    const { file, publicFile, fingerprint } = makeKey(join(directoryOf({}), "image.key"));
    const [before, signed, after, verified, all] = await run(
      ["list"],
      ["sign", "room", "--key", file],
      ["list"],
      ["verify", "room", three, "--key", publicFile],
      ["verify", "room", "--key", publicFile],
    );
    expect(before?.stdout).not.toContain("SIGNED");
    expect(signed?.stdout).toBe(`room: ${short(three)} is signed: ${fingerprint}\n`);
    expect(after?.stdout).toMatch(/KERNEL +SIGNED BY +NODES\n/);
    expect(after?.stdout).toMatch(new RegExp(`${short(three)} .* ${short(fingerprint)} +-\n`));
    expect(verified?.stdout).toBe(
      `room: ${short(three)} is good, signed by ${short(fingerprint)}\n`,
    );
    expect(all?.code).toBe(1);
    expect(all?.stdout).toContain("is bad: it is not signed\n");
  });

  test("export and import carry one elsewhere, by a file and by a pipe", async () => {
    const { texts, three } = await threeVersions();
    const file = join(directoryOf({}), "room.tar");
    const output = ["export", "room", "--output", file];
    expect(await texts(output, output)).toEqual([
      `room: ${short(three)} is in ${file}\n`,
      `sidus: ${file} is already there: choose another --output\n`,
    ]);
    const [other, piped] = [newStore(), newStore()];
    const there = ["--images", other.directory];
    const found = await inSeries([
      ["image", "import", file, ...there],
      ["image", "import", file, "--use", ...there],
      ["image", "verify", ...there],
    ]);
    expect(found.map(({ stdout }) => stdout)).toEqual([
      `room: ${short(three)} is imported; sidus image use room ${short(three)} makes it current\n`,
      `room: ${short(three)} was there already and is the current version now\n`,
      `room: ${short(three)} is good\n`,
    ]);
    const args = [main, "image", "import", "-", "--use", "--images", piped.directory];
    const child = spawn(process.execPath, args);
    createReadStream(file).pipe(child.stdin);
    expect(await once(child, "close")).toEqual([0, null]);
    expect(await currentIn(piped.directoryOf("room"))).toBe(three);
  });
});

function isReading(process: number | undefined, directory: string): boolean {
  const descriptors = `/proc/${process}/fd`;
  return readdirSync(descriptors).some((name) => {
    const path = join(descriptors, name);
    return existsSync(path) && readlinkSync(path).startsWith(directory);
  });
}
