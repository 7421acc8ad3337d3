import { existsSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/bytes/ipv4.ts";
import { volumeCommand } from "../../src/cli/volume.ts";
import { systemClock } from "../../src/net/clock.ts";
import { localSockets } from "../../src/net/local.ts";
import { serveClaims } from "../../src/volume/claims.ts";
import { VolumeStore } from "../../src/volume/store.ts";
import { directoryOf, sidus } from "../sidus.ts";

/** `sidus volume … --volumes`, in a directory of its own. */
function volumes() {
  const directory = join(directoryOf({}), "volumes");
  const run = (...args: readonly string[]) => sidus("volume", ...args, "--volumes", directory);
  const json = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(...args, "--json");
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  return { directory, run, json };
}

describe("sidus volume", () => {
  test("each command has help, with an example", () => {
    const { commands } = volumeCommand();
    const names = commands.map((command) => command.name());
    expect(names.join(" ")).toBe(
      "list show create reset resize snapshot snapshots restore rm secret",
    );
    for (const command of commands) {
      let help = "";
      const writeOut = (text: string): void => {
        help += text;
      };
      command.configureOutput({ writeOut }).outputHelp();
      expect(help).toMatch(new RegExp(`\nExample:\n  (sudo )?sidus volume ${command.name()}`));
      expect(help).toContain("--volumes <directory>");
      expect(help).toContain("--json");
    }
  });

  test("there are none: list says where they come from, and JSON is an empty list", async () => {
    const { run, json, directory } = volumes();
    expect((await run("list")).stdout).toBe(
      `no volumes in ${directory}; nodes get theirs when they log in, sidus volume create makes one before\n`,
    );
    expect(await json("list")).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  test.concurrent.each([
    [["show", "a"], /^sidus: there is no volume a in \S+: sidus volume list names /],
    [["rm", "a@b"], /^sidus: there is no volume a in /],
    [["snapshots", "../a"], /^sidus: NAME: expected up to 100 small letters, /],
    [["secret", "A"], /^sidus: NAME: expected /],
    [["create", "a", "--size", "much"], /^sidus: SIZE: expected a size as 512M, .* "much"\n$/],
    [["create", "a", "--size", "100"], /^sidus: SIZE: expected whole blocks of 512 bytes/],
    [["create", "a"], /^error: required option '--size <size>' not specified\n$/],
    [["bogus"], /^error: unknown option|^error: unknown command/],
  ])("wrong usage is one line and exit code 2: %j", async (args, message) => {
    const { code, stdout, stderr } = await volumes().run(...args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("one is made, grown, kept, brought back and removed", async () => {
    const { run, json, directory } = volumes();
    const file = join(directory, "192.0.2.11.img");
    const name = "192.0.2.11";
    expect((await run("create", name, "--size", "20G")).stdout).toBe(`${name}: blank, 20 GiB\n`);
    expect(statSync(file)).toMatchObject({ size: 20 * 2 ** 30, blocks: 0 });
    expect((await run("create", name, "--size", "20G")).stderr).toMatch(
      /^sidus: there is a volume/,
    );
    expect((await run("resize", name, "10G")).stderr).toMatch(/; --force does it\n$/);
    expect((await run("resize", name, "10G", "--force")).stdout).toBe(`${name}: has 10 GiB now\n`);
    expect((await run("snapshot", name, "old")).stdout).toBe(`${name}: kept as old\n`);
    truncateSync(file, 5 * 2 ** 30);
    expect((await run("restore", name, "old")).stdout).toBe(`${name}: is what old is\n`);
    expect(statSync(file).size).toBe(10 * 2 ** 30);
    const shown = {
      name,
      bytes: 10 * 2 ** 30,
      allocatedBytes: 0,
      snapshots: [{ name: "old", bytes: 10 * 2 ** 30, allocatedBytes: 0 }],
      users: [],
    };
    expect(await json("list")).toMatchObject([shown]);
    expect((await run("list")).stdout).toMatch(/\n192\.0\.2\.11 {2}10 GiB {2}0 B .* 1 +-\n$/);
    expect((await run("snapshots", name)).stdout).toMatch(/\nold +10 GiB +0 B +20\d\d-/);
    expect((await run("reset", name)).stdout).toBe(`${name}: is blank again\n`);
    expect((await run("rm", name)).stdout).toBe(`${name}: is removed\n`);
    expect((await run("rm", `${name}@old`)).stdout).toBe(`${name}@old: is removed\n`);
    expect(await json("list")).toEqual([]);
  });

  test("a snapshot without a name is called by its time", async () => {
    const { run, json } = volumes();
    await run("create", "a", "--size", "1M");
    expect((await json("snapshot", "a")).snapshots).toEqual([
      expect.objectContaining({ name: expect.stringMatching(/^20\d{6}-\d{6}$/) }),
    ]);
  });

  test("one in use is left alone, with who uses it; another one is not", async () => {
    const { run, json, directory } = volumes();
    const store = new VolumeStore(directory);
    for (const name of ["a", "b"]) {
      const volume = await store.open(name, 1 << 20, { clock: systemClock, warn() {} });
      await volume[Symbol.asyncDispose]();
    }
    await using claims = await serveClaims({
      directory,
      sockets: localSockets,
      clock: systemClock,
    });
    const address = parseIpv4("192.0.2.11");
    if (address === undefined) throw new Error("no address");
    claims.use("a", { name: "iqn.2026-01.test:node", address });
    for (const args of [
      ["reset", "a"],
      ["snapshot", "a"],
    ]) {
      const { code, stderr } = await run(...args);
      expect(stderr).toBe(
        "sidus: a is in use by iqn.2026-01.test:node at 192.0.2.11: shut that node down, or log it out, and try again\n",
      );
      expect(code).toBe(2);
    }
    expect((await run("reset", "b")).code).toBe(0);
    expect((await json("show", "a")).users).toEqual([
      { initiator: "iqn.2026-01.test:node", address: "192.0.2.11" },
    ]);
    expect((await run("list")).stdout).toContain("iqn.2026-01.test:node at 192.0.2.11");
  });

  test("the secrets of a volume, which need not be there yet", async () => {
    const { run, json, directory } = volumes();
    const { secret, mutual } = await json("secret", "a");
    expect(secret).toMatch(/^[A-Za-z0-9]{16}$/);
    expect((await run("secret", "a")).stdout).toBe(`node    ${secret}\ntarget  ${mutual}\n`);
    expect(statSync(join(directory, "chap.key")).mode & 0o777).toBe(0o600);
  });
});
