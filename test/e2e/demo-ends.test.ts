import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, smallTree } from "../sidus.ts";

const lacking = lackingOf("root", "qemu-system-x86_64", "ip", "unshare");

/** All processes below one, by the kernel's own account. */
function descendants(pid: number): number[] {
  if (!existsSync(`/proc/${pid}`)) return [];
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function named(pid: number, name: string): boolean {
  return (
    existsSync(`/proc/${pid}/comm`) && readFileSync(`/proc/${pid}/comm`, "utf8").startsWith(name)
  );
}

describe.skipIf(lacking !== undefined)(title("the demonstration leaves nothing", lacking), () => {
  test.each<NodeJS.Signals>(["SIGINT", "SIGTERM", "SIGKILL"])(
    "ended by %s",
    { timeout: 60_000 },
    async (signal) => {
      const own = directoryOf({});
      const args = ["src/main.ts", "demo", "--check", "--tree", directoryOf(smallTree)];
      const env = { ...process.env, TMPDIR: own };
      const demo = spawn(process.execPath, args, { stdio: "ignore", env });
      const pid = demo.pid ?? 0;
      const isOn = (): boolean => descendants(pid).some((child) => named(child, "qemu-system"));
      await expect.poll(isOn, { timeout: 30_000 }).toBe(true);
      const all = descendants(pid);

      const ended = once(demo, "exit");
      demo.kill(signal);
      await ended;
      await expect.poll(() => all.filter((child) => existsSync(`/proc/${child}`))).toEqual([]);
      // Only what cannot be caught leaves its directory of logs.
      if (signal !== "SIGKILL") expect(readdirSync(own)).toEqual([]);
    },
  );
});
