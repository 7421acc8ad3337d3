import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { planOf } from "../../../src/image/build/build.ts";
import { type Archive, openArchive } from "../../image/build/archive.ts";
import { gone, startBuild, tinyRecipe } from "../../image/build/running.ts";
import { isMounted, processesNaming } from "../../image/remains.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf, sidus } from "../../sidus.ts";

/** Each build removes what the one before it left, and is ended one step later; the last one ends well. */

const steps = [
  ...["fetching package lists", "downloading", "unpacking", "configuring", "applying settings"],
  ...["making the initrd", "running commands", "purging", "cleaning", "sealing"],
];

const all = process.env["SIDUS_E2E"] === "all";
const lacking =
  lackingOf("root", "mmdebstrap", "mkfs.erofs", "unshare", "busybox") ??
  (all ? undefined : "only with npm run e2e");

describe.skipIf(lacking !== undefined)(title("a build that is ended", lacking), () => {
  let archive: Archive;
  beforeAll(async () => {
    archive = await openArchive(planOf(tinyRecipe("deb http://unused.example ./")).packages);
  }, 60_000);
  afterAll(() => archive[Symbol.asyncDispose]());

  test.each([
    ["SIGKILL", null],
    ["SIGINT", 1],
    ["SIGTERM", 1],
  ] as const)(
    "by %s, at each step: mounts, processes and disk as before",
    async (signal, code) => {
      const parent = directoryOf({
        "room.yaml": "run: sleep 0.2\npurge: zstd\n",
      });
      const images = join(parent, "images");
      const output = join(parent, "room");
      const more = [
        ...["--recipe", join(parent, "room.yaml"), "--dir", "--output", output],
        ...["--image", "--images", images],
      ];
      for (const step of steps) {
        const build = await startBuild({ parent, source: archive.source, step, more });
        const ended = once(build.child, "exit");
        build.child.kill(signal);
        expect((await ended)[0], step).toBe(code);
        await gone(parent);
        expect(processesNaming(parent), step).toEqual([]);
        expect(isMounted(parent), step).toBe(false);
        expect(existsSync(output), step).toBe(false);
        expect(existsSync(join(images, "room/current")), step).toBe(false);
        const rest = readdirSync(parent).filter((name) => name.startsWith("."));
        // Who is killed cannot tidy up; what it leaves is never served, and the next one's to remove.
        expect(rest.length, step).toBeLessThanOrEqual(signal === "SIGKILL" ? 1 : 0);
      }
      const last = await sidus(
        ...["build", "room", "--suite", "tiny", "--mirror", archive.source, ...more],
        ...["--log", join(parent, "log")],
      );
      expect(last.stderr + last.stdout).toContain("is the current version now");
      expect(last.code).toBe(0);
      expect(readFileSync(join(output, "etc/sidus/tree"), "utf8")).toContain("name: room\n");
      expect(readdirSync(parent).sort()).toEqual(["images", "log", "room", "room.yaml"]);
      expect(readdirSync(images)).toEqual(["room"]);
    },
    600_000,
  );
});
