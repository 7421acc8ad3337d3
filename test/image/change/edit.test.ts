import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { changeImage } from "../../../src/image/change/edit.ts";
import { currentNow } from "../../../src/image/store/current.ts";
import type { Manifest } from "../../../src/image/store/manifest.ts";
import { ImageStore } from "../../../src/image/store/store.ts";
import { UserError } from "../../../src/user-error.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { allDifferencesOf, changeOf, manifestIn, seal, unpacked } from "./changing.ts";

const lacking = lackingOf("mkfs.erofs", "rsync", "root");

const base = directoryOf({
  "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
  "etc/machine-id": "",
  "etc/removed": "removed\n",
  "var/log/wtmp": "",
  "var/log/kept.log": "a line of the base\n",
  "var/lib/apt/lists/partial/kept": "of the base\n",
  "tmp/kept": "of the base\n",
  "run/kept": "",
  "usr/bin/tool": "tool\n",
});
const store = new ImageStore(join(directoryOf({}), "images"));
const room = store.directoryOf("room");
let first: Manifest;

beforeAll(async () => {
  if (lacking !== undefined) return;
  symlinkSync("tool", join(base, "usr/bin/link"));
  execFileSync("find", [base, "-exec", "touch", "-h", "-d", "@1600000000", "{}", "+"]);
  first = await seal(store, base);
});

beforeEach(() => {
  if (lacking === undefined) store.use("room", first.digest);
});

/** What work leaves besides what it is for. */
function litter(tree: string): void {
  appendFileSync(join(tree, "var/log/kept.log"), "a line more\n");
  writeFileSync(join(tree, "var/log/new.log"), "a line\n");
  writeFileSync(join(tree, "var/lib/apt/lists/some_Packages"), "Package: none\n");
  writeFileSync(join(tree, "tmp/new"), "");
  mkdirSync(join(tree, "run/lock"), { recursive: true });
  writeFileSync(join(tree, "etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
  writeFileSync(join(tree, "etc/passwd-"), "");
  // Made anew, and what it was.
  writeFileSync(join(tree, "usr/bin/new"), "tool\n");
  renameSync(join(tree, "usr/bin/new"), join(tree, "usr/bin/tool"));
}

describe.skipIf(lacking)(title("the next version of an image", lacking), () => {
  test("is the one before and what was changed, to the time of each file", async () => {
    const made = await changeImage(
      changeOf(store, (tree) => {
        writeFileSync(join(tree, "etc/new"), "new\n");
        rmSync(join(tree, "etc/removed"));
        mkdirSync(join(tree, "var/log/daemon"));
        writeFileSync(join(tree, "var/log/daemon/empty"), "");
        litter(tree);
      }),
    );
    if (made === undefined) throw new Error("nothing was changed");
    const tree = await unpacked(store, made.digest);
    expect(allDifferencesOf(base, tree)).toEqual([
      "*deleting   etc/removed",
      ".d..t...... etc/",
      ">f+++++++++ etc/new",
      ".d..t...... var/log/",
      "cd+++++++++ var/log/daemon/",
      ">f+++++++++ var/log/daemon/empty",
    ]);
    expect(made).toMatchObject({ made: "edit: test", parent: first.digest, recipe: first.recipe });
    expect(manifestIn(store, made.digest)).toEqual(JSON.parse(JSON.stringify(made)));
    expect(currentNow(room)).toBe(made.digest);
  });

  test("is none where work left only what does not stay", async () => {
    const before = readFileSync(join(room, `${first.digest}.json`), "utf8");
    expect(await changeImage(changeOf(store, litter))).toBeUndefined();
    expect(await changeImage(changeOf(store, () => {}))).toBeUndefined();
    expect(readFileSync(join(room, `${first.digest}.json`), "utf8")).toBe(before);
    expect(currentNow(room)).toBe(first.digest);
  });

  test("is made of an older version, where that is asked for", async () => {
    await seal(store, directoryOf({ "etc/later": "" }));
    const add = (tree: string) => writeFileSync(join(tree, "etc/new"), "of the first\n");
    const made = await changeImage({ ...changeOf(store, add), from: first.digest });
    expect(made?.parent).toBe(first.digest);
    expect(currentNow(room)).toBe(made?.digest);
  });

  test("a link in the place of a directory is not followed", async () => {
    const outside = directoryOf({ "kept.log": "outside\n", "partial/kept": "outside\n" });
    const time = lstatSync(join(outside, "kept.log")).mtimeMs;
    const made = await changeImage(
      changeOf(store, (tree) => {
        for (const path of ["var/log", "var/lib/apt/lists"]) {
          rmSync(join(tree, path), { recursive: true });
          symlinkSync(outside, join(tree, path));
        }
      }),
    );
    expect(made).toBeDefined();
    expect(readFileSync(join(outside, "kept.log"), "utf8")).toBe("outside\n");
    expect(lstatSync(join(outside, "kept.log")).mtimeMs).toBe(time);
    expect(readdirSync(outside).sort()).toEqual(["kept.log", "partial"]);
  });
});

describe.skipIf(lacking)(title("an image stays as it is", lacking), () => {
  const refused = async (changing: Promise<unknown>): Promise<string> => {
    const error = await changing.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    expect(readdirSync(store.directory).filter((name) => name.startsWith("."))).toEqual([]);
    return String(error);
  };

  test("where another version became the current one meanwhile", async () => {
    const later = directoryOf({ "etc/meanwhile": "" });
    let other: Manifest | undefined;
    const changing = changeImage(
      changeOf(store, async (tree) => {
        writeFileSync(join(tree, "etc/lost"), "");
        other = await seal(store, later);
      }),
    );
    expect(await refused(changing)).toContain("became the current one meanwhile");
    expect(currentNow(room)).toBe(other?.digest);
  });

  test("where somebody else is changing it", async () => {
    let message = "";
    await changeImage(
      changeOf(store, async () => {
        const second = await changeImage(changeOf(store, () => {})).catch(String);
        message = String(second);
      }),
    );
    expect(message).toContain("another process");
  });

  test("where the work fails, or is interrupted", async () => {
    const failing = changeImage(
      changeOf(store, (tree) => {
        writeFileSync(join(tree, "etc/half"), "");
        throw new UserError("it failed", { exitCode: 1 });
      }),
    );
    expect(await refused(failing)).toContain("it failed");
    const controller = new AbortController();
    const interrupted = changeImage(changeOf(store, () => controller.abort(), controller.signal));
    expect(await refused(interrupted)).toContain("changing the image room was interrupted");
    expect(currentNow(room)).toBe(first.digest);
  });

  test("where there is none", async () => {
    const options = { ...changeOf(store, () => {}), name: "none" };
    expect(await refused(changeImage(options))).toContain("there is no image none");
  });
});
