import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { buildTree } from "../../../src/image/build/build.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf, sidus } from "../../sidus.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { isMounted, processesNaming } from "../remains.ts";

/** Whole builds are tested by `sidus demo --check`; here is what happens to those that do not end well. */
const lacking = lackingOf("root", "mmdebstrap", "mkfs.erofs", "unshare");
const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

interface RunningBuild {
  readonly child: ChildProcess;
  readonly parent: string;
  readonly stderr: () => string;
}

/** `sidus build room`, up to where mmdebstrap has said something. */
async function startBuild(
  parent: string,
  something: string,
  given: readonly string[] = [],
): Promise<RunningBuild> {
  const log = join(parent, "log");
  rmSync(log, { force: true });
  const goal = given.length > 0 ? given : ["--output", join(parent, "room")];
  const args = ["build", "room", ...goal, "--log", log];
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  while (!existsSync(log) || !readFileSync(log, "utf8").includes(something)) {
    if (child.exitCode !== null) throw new Error(`the build ended by itself: ${stderr}`);
    await setTimeout(100);
  }
  return { child, parent, stderr: () => stderr };
}

/** The kernel ends the namespaces a moment after their first process. */
async function gone(parent: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    if (!isMounted(parent) && processesNaming(parent).length === 0) return;
    await setTimeout(100);
  }
}

describe.skipIf(lacking !== undefined)(title("sidus build", lacking), () => {
  test("killed by SIGKILL: no mount, no process, no tree; the next build removes the rest", async () => {
    const build = await startBuild(directoryOf({}), "extracting archives");
    const { parent } = build;
    build.child.kill("SIGKILL");
    await gone(parent);
    expect(processesNaming(parent)).toEqual([]);
    expect(isMounted(parent)).toBe(false);
    expect(existsSync(join(parent, "room"))).toBe(false);
    const [left = ""] = readdirSync(parent).filter((name) => name.startsWith(".room.partial-"));
    expect(left).not.toBe("");

    const next = await startBuild(parent, "apt-get update");
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
    const { code, stderr } = await sidus(
      ...["build", "room", "--output", join(parent, "room"), "--log", log],
      ...["--mirror", "file:///nowhere/debian"],
    );
    expect(code).toBe(1);
    const [complaint] = stderr.split("\n").filter((line) => line.startsWith("sidus: "));
    expect(complaint).toMatch(
      /^sidus: building \S+\/room failed: E: .*; all of it is in \S+\/log$/,
    );
    expect(readFileSync(log, "utf8")).toContain("/nowhere/debian");
    expect(readdirSync(parent)).toEqual(["log"]);
  }, 30_000);

  test("an image whose build fails or is interrupted leaves nothing", async () => {
    const parent = directoryOf({});
    const [images, log] = [join(parent, "images"), join(parent, "log")];
    const goal = ["--image", "--images", images];
    const failed = await sidus(
      ...["build", "room", ...goal, "--log", log],
      ...["--mirror", "file:///nowhere/debian"],
    );
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/^sidus: building the image room failed: E: .*; all of it is/m);
    expect(readdirSync(images)).toEqual([]);

    const build = await startBuild(parent, "extracting archives", goal);
    expect(readdirSync(images)).toHaveLength(1);
    build.child.kill("SIGTERM");
    const [code] = await once(build.child, "exit");
    expect(code).toBe(1);
    expect(build.stderr()).toContain("building the image room was interrupted; nothing of it");
    await gone(parent);
    expect(readdirSync(images)).toEqual([]);
  }, 60_000);

  test("a place that is taken is refused before anything is done", async () => {
    const parent = directoryOf({ "room/kept": "kept" });
    const options = { name: "room", suite: "bookworm", include: [], mirrors: [], version: "0" };
    const build = buildTree(
      {
        ...options,
        output: join(parent, "room"),
        logFile: join(parent, "log"),
        rootPassword: undefined,
      },
      { clock: new VirtualClock(), progress: () => {} },
    );
    await expect(build).rejects.toThrow(/already there/);
    expect(readdirSync(parent)).toEqual(["room"]);
  });
});
