import { chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { runHooks } from "../../../src/image/chroot/hooks.ts";
import { directoryOf } from "../../sidus.ts";

function hooksOf(scripts: Readonly<Record<string, string>>) {
  const directory = directoryOf(
    Object.fromEntries(
      Object.entries(scripts).map(([name, script]) => [name, `#!/bin/sh\n${script}\n`]),
    ),
  );
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith("-plain")) chmodSync(join(directory, name), 0o755);
  }
  const lines: string[] = [];
  const run = (when: "before" | "after", signal?: AbortSignal): Promise<void> =>
    runHooks(when, {
      action: "update",
      name: "sidus",
      tree: "/srv/nfsroot/sidus",
      log: (line) => lines.push(line),
      signal,
      directory,
    });
  return { lines, run, directory };
}

describe("hooks", () => {
  test("run in the order of their names, each with what is done to which tree", async () => {
    const { lines, run } = hooksOf({
      "before.d/20-second": 'echo "$SIDUS_ACTION $SIDUS_NAME $SIDUS_TREE"',
      "before.d/10-first": "echo first; echo complaint >&2",
      "before.d/9-last": "echo last",
      "after.d/10-after": "echo after",
    });
    await run("before");
    expect([...lines].sort()).toEqual([
      "complaint",
      "first",
      "last",
      "update sidus /srv/nfsroot/sidus",
    ]);
    expect(lines.indexOf("first")).toBeLessThan(lines.indexOf("last"));
    expect(lines.at(-1)).toBe("last");
    await run("after");
    expect(lines.at(-1)).toBe("after");
  });

  test("the first that fails stops it, by name", async () => {
    const { lines, run, directory } = hooksOf({
      "before.d/1": "echo one",
      "before.d/2": "exit 3",
      "before.d/3": "echo three",
      "after.d/1": "kill -KILL $$",
    });
    await expect(run("before")).rejects.toThrow(
      `the hook ${directory}/before.d/2 failed with exit status 3`,
    );
    expect(lines).toEqual(["one"]);
    await expect(run("after")).rejects.toThrow("was ended by SIGKILL");
  });

  test("what is no program, or not named as run-parts(8) has it, is left alone", async () => {
    const { lines, run } = hooksOf({
      "before.d/1-plain": "echo plain",
      "before.d/2.dpkg-old": "echo old",
      "before.d/.hidden": "echo hidden",
      "before.d/3~": "echo backup",
      "before.d/directory/x": "echo inside",
      "before.d/9": "echo real",
    });
    await run("before");
    expect(lines).toEqual(["real"]);
    await hooksOf({}).run("before");
  });

  test("a program that cannot be run is named", async () => {
    const { run } = hooksOf({ "before.d/1": "" });
    const broken = hooksOf({});
    await run("before");
    const other = directoryOf({ "before.d/1": "#!/nonexistent/interpreter\n" });
    chmodSync(join(other, "before.d/1"), 0o755);
    const hooked = { action: "x", name: "x", tree: "/x", log: () => {}, directory: other };
    await expect(runHooks("before", hooked)).rejects.toThrow(`${other}/before.d/1 cannot be run`);
    expect(broken.lines).toEqual([]);
  });

  test("an interrupt ends the one that runs, with all that it started", async () => {
    const interrupt = new AbortController();
    const { run, lines } = hooksOf({ "before.d/1": "sleep 1000", "before.d/2": "echo two" });
    const running = run("before", interrupt.signal);
    interrupt.abort();
    await expect(running).rejects.toThrow();
    expect(lines).toEqual([]);
  });

  test("a daemon that keeps the output open is not waited for, nor does it keep the program", async () => {
    const { run } = hooksOf({ "before.d/1": "sleep 5 & echo started" });
    const pipes = () => process.getActiveResourcesInfo().filter((name) => name === "PipeWrap");
    const before = pipes().length;
    await run("before");
    expect(pipes().length).toBeLessThanOrEqual(before);
  });
});
