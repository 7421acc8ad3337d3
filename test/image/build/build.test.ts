import { once } from "node:events";
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildTree, planOf } from "../../../src/image/build/build.ts";
import { defaultRecipe } from "../../../src/image/recipe/default.ts";
import { ImageStore } from "../../../src/image/store/store.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf, sidus } from "../../sidus.ts";
import { isMounted, processesNaming } from "../remains.ts";
import { type Archive, KERNEL, openArchive } from "./archive.ts";
import { gone, startBuild, tinyRecipe } from "./running.ts";

/** Whole builds, of packages made here. Debian's own are built by `sidus demo --check`. */
const lacking = lackingOf("root", "mmdebstrap", "mkfs.erofs", "unshare", "busybox");

const said = (recipe: typeof defaultRecipe, images?: ImageStore, output?: string) => ({
  name: "room",
  recipe,
  recipeText: "suite: tiny\n",
  logFile: join(directoryOf({}), "log"),
  version: "0.1.0",
  output: output ?? join(directoryOf({}), "room"),
  images,
});

describe.skipIf(lacking !== undefined)(title("sidus build", lacking), () => {
  let archive: Archive;
  beforeAll(async () => {
    archive = await openArchive(planOf(tinyRecipe("deb http://unused.example ./")).packages);
  }, 60_000);
  afterAll(() => archive[Symbol.asyncDispose]());

  test("what the recipe says is in the tree, in order, and nothing of the building is", async () => {
    const from = directoryOf({ "a/b": "copied" });
    const store = new ImageStore(directoryOf({}));
    const options = said(
      {
        ...tinyRecipe(archive.source),
        exclude: ["nano"],
        purge: ["zstd"],
        files: [
          {
            path: "/srv/room",
            content: { kind: "from", source: from },
            mode: undefined,
            owner: "root:root",
          },
        ],
        commands: ["cp /srv/room/a/b /etc/copy", "echo $SOURCE_DATE_EPOCH >/etc/epoch"],
      },
      store,
    );
    const steps: string[] = [];
    const result = await buildTree(options, {
      clock: systemClock,
      progress: ({ step }) => void (steps.at(-1) === step || steps.push(step)),
    });
    const at = (path: string): string => join(options.output, path);
    expect(result.kernel).toMatchObject({ version: KERNEL, initrdBytes: 7 });
    expect(readFileSync(at("etc/copy"), "utf8")).toBe("copied");
    expect(readFileSync(at("etc/epoch"), "utf8")).toBe("1767225600\n");
    expect(readFileSync(at("var/lib/dpkg/status"), "utf8")).not.toContain("Package: zstd\n");
    expect(readFileSync(at("etc/apt/preferences.d/sidus"), "utf8")).toContain("nano");
    expect(existsSync(at("etc/initramfs-tools/hooks/rootaufs"))).toBe(true);
    expect(readdirSync(at("etc/dpkg/dpkg.cfg.d"))).toEqual(["99mmdebstrap"]);
    for (const path of ["run", "tmp", "var/lib/apt/lists"]) {
      expect(
        readdirSync(at(path)).filter((name) => name !== "partial"),
        path,
      ).toEqual([]);
    }
    for (const path of ["etc/hostname", "usr/sbin/policy-rc.d"]) {
      expect(lstatSync(at(path), { throwIfNoEntry: false }), path).toBeUndefined();
    }
    expect(readFileSync(at("etc/resolv.conf"), "utf8")).toBe("");
    expect(readFileSync(at("etc/sidus/tree"), "utf8")).toContain("built: 2026-01-01T00:00:00.000Z");
    expect(result.image).toMatchObject({ made: "build", recipe: "suite: tiny\n", kernel: KERNEL });
    expect(result.steps.map(({ step }) => step)).toEqual([
      ...["fetching package lists", "downloading", "unpacking", "configuring"],
      ...["applying settings", "making the initrd", "running commands", "purging", "cleaning"],
      ...["sealing", "writing to disk"],
    ]);
    expect(steps).toEqual(expect.arrayContaining(result.steps.map(({ step }) => step)));
    const log = readFileSync(options.logFile, "utf8");
    for (const { step } of result.steps.slice(4)) expect(log).toContain(`# ${step}\n`);
    expect(statSync(options.logFile).mode & 0o007).toBe(0);
    expect(isMounted(options.output)).toBe(false);
  }, 120_000);

  test("killed by SIGKILL: no mount, no process, no tree; the next build removes the rest", async () => {
    const parent = directoryOf({});
    const build = await startBuild({ parent, source: archive.source, step: "unpacking" });
    build.child.kill("SIGKILL");
    await gone(parent);
    expect(processesNaming(parent)).toEqual([]);
    expect(isMounted(parent)).toBe(false);
    expect(existsSync(join(parent, "room"))).toBe(false);
    const [left = ""] = readdirSync(parent).filter((name) => name.startsWith(".room.partial-"));
    expect(left).not.toBe("");

    const next = await startBuild({ parent, source: archive.source, step: "fetching" });
    expect(existsSync(join(parent, left))).toBe(false);
    next.child.kill("SIGINT");
    const [code] = await once(next.child, "exit");
    expect(code).toBe(1);
    expect(next.stderr()).toContain("was interrupted; nothing of it is left\n");
    await gone(parent);
    expect(processesNaming(parent)).toEqual([]);
    expect(readdirSync(parent)).toEqual(["log"]);
  }, 60_000);

  test("a build that fails says why in one line, where all of it is, and leaves nothing", async () => {
    const parent = directoryOf({});
    const log = join(parent, "log");
    const nowhere = ["--suite", "tiny", "--mirror", "deb [trusted=yes] file:/nowhere/debian ./"];
    const directory = await sidus(
      ...["build", "room", "--output", join(parent, "room"), "--log", log, ...nowhere],
    );
    expect(directory.code).toBe(1);
    const complaint = /^sidus: building \S+\/room failed: E: .*; all of it is in \S+\/log$/m;
    expect(directory.stderr).toMatch(complaint);
    expect(readFileSync(log, "utf8")).toContain("/nowhere/debian");
    expect(readdirSync(parent)).toEqual(["log"]);

    const images = join(parent, "images");
    const goal = ["--image", "--images", images, "--log", log];
    const image = await sidus("build", "room", ...goal, ...nowhere);
    expect(image.code).toBe(1);
    expect(image.stderr).toMatch(/^sidus: building the image room failed: E: .*; all of it is/m);
    expect(readdirSync(images)).toEqual([]);
  }, 60_000);

  test("a place that is taken is refused before anything is done", async () => {
    const parent = directoryOf({ "room/kept": "kept" });
    const options = said(tinyRecipe(archive.source), undefined, join(parent, "room"));
    const build = buildTree(options, { clock: systemClock, progress: () => {} });
    await expect(build).rejects.toThrow(/already there/);
    expect(readdirSync(parent)).toEqual(["room"]);
    expect(existsSync(options.logFile)).toBe(false);
  });
});

test("a tree for a machine that this one cannot be is refused, with what is missing", () => {
  expect(() => planOf({ ...defaultRecipe, architecture: "s390x" })).toThrow(
    /^architecture s390x: this machine \(\w+\) runs its programs only with qemu-user: apt-get install/,
  );
});
