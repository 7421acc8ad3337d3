import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { runConfined } from "../../../src/image/chroot/confined.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { isMounted, processesNaming } from "../remains.ts";

const lacking = lackingOf("root", "unshare");

function confined(script: string, signal?: AbortSignal) {
  const work = directoryOf({});
  const lines: string[] = [];
  const logFile = join(work, "log");
  const status = runConfined({
    command: ["bash", "-c", script, "bash", work],
    environment: process.env,
    logFile,
    line: (text) => lines.push(text),
    signal,
  });
  return { work, lines, logFile, status };
}

describe.skipIf(lacking !== undefined)(title("confined commands", lacking), () => {
  test("answer their exit status, and all they say, line by line and in the log", async () => {
    const { status, lines, logFile } = confined("echo out; echo err >&2; exit 7");
    expect(await status).toBe(7);
    expect([...lines].sort()).toEqual(["err", "out"]);
    expect(readFileSync(logFile, "utf8").split("\n").sort()).toEqual(["", "err", "out"]);
  });

  test("are waited for also where they end at once, before anybody waits", async () => {
    for (let times = 0; times < 40; times += 1) {
      expect(await confined("exit 7").status).toBe(7);
    }
  });

  test("see nothing on their standard input, and make files that all may read", async () => {
    const { status, lines } = confined('umask 2>&1; cat; mkdir "$1/d"; stat -c %a "$1/d"');
    expect(await status).toBe(0);
    expect(lines).toEqual(["0022", "755"]);
  });

  test("leave no mount and no process, not even one that went into the background", async () => {
    const { status, work, lines } = confined(`
      mkdir "$1/m"; mount -t tmpfs tmpfs "$1/m"; touch "$1/m/x"; ls "$1/m"
      setsid sh -c ': '"$1"'; sleep 1000; :' </dev/null >/dev/null 2>&1 & disown`);
    expect(await status).toBe(0);
    expect(lines).toEqual(["x"]);
    expect(isMounted(work)).toBe(false);
    expect(processesNaming(work)).toEqual([]);
  });

  test("end at once when they are interrupted, whatever they ignore", async () => {
    const interrupt = new AbortController();
    const { status, work } = confined(
      "trap '' TERM INT HUP; mount -t tmpfs tmpfs \"$1\"; sleep 1000",
      interrupt.signal,
    );
    interrupt.abort();
    expect(await status).not.toBe(0);
    expect(isMounted(work)).toBe(false);
    expect(processesNaming(work)).toEqual([]);
  });
});
