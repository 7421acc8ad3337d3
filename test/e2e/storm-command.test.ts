import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { stormResult } from "../../src/storm/result.ts";
import { processesNaming } from "../image/remains.ts";
import { lackingOf, title } from "../needs.ts";
import { openOrdinaryUser } from "../ordinary-user.ts";
import { directoryOf, sidus } from "../sidus.ts";

/** The command as people run it: namespaces, exit codes, what it leaves behind. */

const all = process.env["SIDUS_E2E"] === "all";
const missing = lackingOf("root", "unshare", "newuidmap", "setpriv", "ip", "tc");
const lacking = missing ?? (all ? undefined : "npm run e2e runs it");
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

describe.skipIf(lacking)(title("sidus storm", lacking), { timeout: 180_000 }, () => {
  test("all up, nothing differed: 0, and JSON with times, figures and no word besides", async () => {
    const { code, stdout, stderr } = await sidus(
      ...["storm", "--nodes", "5", "--think", "0", "--link", "1g", "--json", "-"],
    );
    expect(code, stderr).toBe(0);
    const result = stormResult.parse(JSON.parse(stdout));
    expect(result).toMatchObject({ up: 5, failed: 0, verified: { differences: 0 } });
    expect(result.phases?.every(({ own }) => own === 0)).toBe(true);
    expect(result.server?.cpuSeconds).toBeGreaterThan(0);
  });

  test("an ordinary user needs no root", async () => {
    const user = openOrdinaryUser();
    const { code, stdout, stderr } = await user.run(
      ...user.node("src/main.ts"),
      ...["storm", "--nodes", "3", "--think", "0"],
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^All 3 nodes came up within /);
  });

  test("a server that is killed and started again: every node comes up, and it is said", async () => {
    const { code, stdout, stderr } = await sidus(
      ...["storm", "--nodes", "10", "--think", "0", "--kill-server", "1s,1s"],
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("At 1.");
    expect(stdout).toContain("the server was killed\n");
    expect(stdout).toContain("the server was started again\n");
  });

  test("nodes that cannot come up: 1, and why", async () => {
    // Nothing listens there.
    const { code, stdout } = await sidus(
      ...["storm", "--nodes", "2", "--think", "0", "--patience", "2s"],
      ...["--http", "127.0.0.1:1"],
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^0 of 2 nodes came up within .*, 2 failed/);
    expect(stdout).toMatch(/^Failed: 2 /m);
  });

  test("an NFS server that has not what is named: 2, and a line that says so", async () => {
    const { code, stderr } = await sidus(
      ...["storm", "--nodes", "2", "--patience", "2s", "--nfs", "127.0.0.1:1", "--nfs-path", "/x"],
    );
    expect(code).toBe(2);
    const [portmapper, failure, ...rest] = stderr.trimEnd().split("\n");
    expect(portmapper).toMatch(
      /^sidus: 127\.0\.0\.1:111: .* MOUNT at 1 \(--mount-port names another\)$/,
    );
    expect(failure).toBe("sidus: /x: MNT: no answer");
    expect(rest).toEqual([]);
  });

  test("a server that was to be killed after the storm's end: 1, and it is said", async () => {
    const { code, stdout } = await sidus(
      ...["storm", "--nodes", "2", "--think", "0", "--kill-server", "10m"],
    );
    expect(stdout).toMatch(/^All 2 nodes came up within /);
    expect(stdout).toMatch(/^Not done: the server was killed: that was to be at 10\.0 min, /m);
    expect(code).toBe(1);
  });

  test("two storms beside each other are in each other's way nowhere", async () => {
    const storm = () => sidus("storm", "--nodes", "3", "--think", "0", "--link", "1g");
    for (const { code, stderr } of await Promise.all([storm(), storm()]))
      expect(code, stderr).toBe(0);
  });

  test.each(["SIGINT", "SIGKILL"] as const)("%s ends all of it", async (signal) => {
    const mark = `storm of ${process.pid} and ${signal}`;
    const temporary = directoryOf({});
    const child = spawn(process.execPath, [main, "storm", "--nodes", "5", "--title", mark], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, TMPDIR: temporary },
    });
    let text = "";
    child.stderr.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
    await expect.poll(() => text, { timeout: 60_000 }).toContain("of 5 up");
    child.kill(signal);
    await expect.poll(() => processesNaming(mark), { timeout: 30_000 }).toEqual([]);
    // Who is killed cleans up nothing; its namespaces and its server end with it all the same.
    if (signal === "SIGINT") expect(readdirSync(temporary)).toEqual([]);
    rmSync(temporary, { recursive: true });
  });
});
