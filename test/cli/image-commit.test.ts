import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { currentNow } from "../../src/image/store/current.ts";
import { ImageStore } from "../../src/image/store/store.ts";
import { lockDirectory } from "../../src/volume/lock.ts";
import { allDifferencesOf, manifestIn, seal, unpacked } from "../image/change/changing.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, type Outcome, sidus } from "../sidus.ts";

const lacking = lackingOf("mkfs.erofs", "mke2fs", "rsync", "root");

const base = directoryOf({ "etc/hosts": "127.0.0.1 localhost\n" });
const store = new ImageStore(join(directoryOf({}), "images"));
const volumes = directoryOf({});
const volume = join(volumes, "10.0.0.11-admin.img");

function commit(...given: readonly string[]): Promise<Outcome> {
  const log = join(directoryOf({}), "log");
  const directories = ["--images", store.directory, "--volumes", volumes, "--log", log];
  return sidus("image", "commit", "room", ...directories, ...given);
}

describe.skipIf(lacking)(title("sidus image commit", lacking), { timeout: 120_000 }, () => {
  test("takes what is on the volume for administration, and makes it blank when told to", async () => {
    const first = await seal(store, base);
    const content = directoryOf({
      base: `room@${first.digest}\n`,
      "upper/etc/new": "by the administrator\n",
    });
    execFileSync("chmod", ["-R", "a+rX", content]);
    execFileSync("mke2fs", ["-q", "-t", "ext4", "-L", "ISCSI", "-d", content, volume, "16M"]);
    const other = await commit("--from-volume", "10.0.0.12");
    expect(other).toMatchObject({ code: 2 });
    expect(other.stderr).toContain("there is no volume 10.0.0.12-admin in");
    expect(other.stderr).toContain("boot 10.0.0.12 with the label admin first");
    {
      using _ = lockDirectory(volumes);
      const used = await commit("--from-volume", "10.0.0.11");
      expect(used.stderr).toContain("is in use: another sidus works on it");
    }
    const made = await commit("--from-volume", "10.0.0.11");
    expect(made.stderr).not.toContain("sidus: ");
    expect(made.code).toBe(0);
    const digest = currentNow(store.directoryOf("room")) ?? "";
    expect(made.stdout).toContain(`room: ${digest.slice(0, 12)} is the current version now`);
    expect(made.stdout).toContain("sidus volume reset 10.0.0.11-admin");
    expect(manifestIn(store, digest)).toMatchObject({
      made: "commit of 10.0.0.11",
      parent: first.digest,
    });
    const differences = allDifferencesOf(base, await unpacked(store, digest));
    expect(differences.filter((line) => !line.startsWith(".d"))).toEqual([">f+++++++++ etc/new"]);
    store.use("room", first.digest);
    const reset = await commit("--from-volume", "10.0.0.11-admin", "--reset", "--json");
    expect(JSON.parse(reset.stdout)).toMatchObject({ reset: true, volume: "10.0.0.11-admin" });
    expect(readFileSync(volume).every((byte) => byte === 0)).toBe(true);
  });

  test("finds the volume of a node by the configuration", async () => {
    const config = join(volumes, "sidus.yaml");
    writeFileSync(config, configuration);
    const { code, stderr } = await commit("--from-volume", "n1", "--config", config);
    expect(code).toBe(2);
    expect(stderr).toContain("there is no volume desk-admin in");
  });
});

const configuration = `
interface: lo
dhcp: { mode: off }
exports:
  room: { source: ${base} }
boot:
  default: room
  labels:
    room: { export: room }
nodes:
  - { name: n1, mac: "52:54:00:00:00:01", ip: 127.0.0.11, volume: { name: desk } }
`;
