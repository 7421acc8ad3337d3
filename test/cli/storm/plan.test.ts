import { describe, expect, test } from "vitest";
import { type Given, planOf } from "../../../src/cli/storm/plan.ts";
import { factorIn, partIn, rateIn, secondsIn } from "../../../src/cli/storm/values.ts";

const usual: Given = {
  nodes: "100",
  trace: "bios-tmpfs",
  arrival: "all",
  think: "1",
  seed: "1",
  patience: "120s",
};

test("what is not said is a hundred nodes of a shipped trace against our own server", async () => {
  const plan = await planOf(usual);
  expect(plan).toMatchObject({
    nodes: 100,
    arrival: { kind: "at-once" },
    think: 1,
    patienceMs: 120_000,
    skip: [],
    projections: [],
  });
  expect(plan.traceFile).toMatch(/bios-tmpfs\.trace\.gz$/);
  expect([plan.foreign, plan.link, plan.killed, plan.tree]).toEqual(Array(4).fill(undefined));
  // It goes to another process.
  expect(JSON.parse(JSON.stringify(plan))).toEqual(JSON.parse(JSON.stringify({ ...plan })));
});

test("a link, faults, stages left out and projections are read", async () => {
  const plan = await planOf({
    ...usual,
    link: "1g",
    latency: "0.2ms",
    loss: "0.1%",
    killServer: "10s,5s",
    skip: "dhcp, volume",
    project: ["nodes=500,link=10g,servers=1", "nodes=5000,servers=4"],
  });
  expect(plan.link).toEqual({ bitsPerSecond: 1e9, latencyMs: 0.2, loss: 0.001 });
  expect(plan.killed).toEqual({ at: 10, forSeconds: 5 });
  expect(plan.skip).toEqual(["dhcp", "volume"]);
  expect(plan.projections).toEqual([
    { nodes: 500, bitsPerSecond: 10e9, servers: 1 },
    { nodes: 5000, servers: 4 },
  ]);
});

test("other servers: those that are not named are left out; ports are the usual ones unless said", async () => {
  const { foreign } = await planOf({
    ...usual,
    http: "127.0.0.1:8080",
    nfs: "127.0.0.1:2049",
    nfsPath: "/srv/root",
    iscsi: "127.0.0.1",
    target: "iqn.2026-01.test:{name}",
    addresses: "127.0.1.0/24",
    serverPid: `1, ${process.pid}`,
  });
  expect(foreign?.servers).toEqual({
    dhcp: undefined,
    tftp: undefined,
    http: { address: 0x7f000001, port: 8080 },
    nfs: { address: 0x7f000001, portmap: 111, nfs: 2049, mount: undefined, path: "/srv/root" },
    iscsi: {
      local: { address: 0x7f000001, port: 3260 },
      target: "iqn.2026-01.test:{name}",
      initiator: undefined,
    },
  });
  expect(foreign).toMatchObject({
    addresses: { prefix: 24 },
    relay: undefined,
    pids: [1, process.pid],
  });
});

test("NFS and MOUNT whose ports are both named need no portmapper (nfs(5), port= and mountport=)", async () => {
  const nfs = async (given: Partial<Given>) =>
    (await planOf({ ...usual, ...given })).foreign?.servers.nfs;
  const path = "/x";
  const address = 0x7f000001;
  expect(await nfs({ nfs: "127.0.0.1:20049", nfsPath: path, mountPort: "892" })).toEqual({
    ...{ address, path, portmap: undefined, nfs: 20_049, mount: 892 },
  });
  expect(await nfs({ nfs: "127.0.0.1", nfsPath: path, mountPort: "892" })).toEqual({
    ...{ address, path, portmap: 111, nfs: undefined, mount: 892 },
  });
});

test("a DHCP server answers a relay: an address of this machine in its network, or the one that is named", async () => {
  expect((await planOf({ ...usual, dhcp: "127.0.0.1" })).foreign?.relay).toBe(0x7f000001);
  const named = await planOf({ ...usual, dhcp: "240.0.0.1", relay: "127.0.0.9" });
  expect(named.foreign?.relay).toBe(0x7f000009);
  await expect(planOf({ ...usual, dhcp: "240.0.0.1" })).rejects.toThrow("--relay ADDRESS");
});

test("of stages that are left out nothing must be said", async () => {
  const { skip } = await planOf({ ...usual, nfs: "127.0.0.1", dhcp: "127.0.0.1", skip: "root" });
  expect(skip).toEqual(["root"]);
});

describe("what is wrong is said in a line with the option and what was expected", () => {
  test.each<[Partial<Given>, string]>([
    [{ nodes: "0" }, "--nodes 0: expected a whole number from 1 to 5000"],
    [{ nodes: "1e3" }, "--nodes 1e3: expected a whole number"],
    [{ trace: "nope" }, "--trace nope: expected bios-tmpfs, "],
    [{ arrival: "later" }, "--arrival later: expected "],
    [{ think: "-1" }, "--think -1: expected a number from 0 to 1000"],
    [{ link: "fast" }, "--link fast: expected bits a second"],
    [{ loss: "60%" }, "--loss 60%: expected a part in percent, at most 50"],
    [{ latency: "5" }, "--latency 5: expected a time with its unit"],
    [{ killServer: "1s,2s,3s" }, "--kill-server 1s,2s,3s: expected a time, or two"],
    [{ skip: "boot" }, "--skip boot: expected dhcp, loader, "],
    [{ tree: "/nonexistent" }, "--tree /nonexistent: expected a directory"],
    [{ project: ["nodes=5,cores=3"] }, "--project nodes=5,cores=3: expected nodes=…"],
    [{ nfs: "a b" }, "--nfs a b: expected a host and maybe a port"],
    [{ http: "127.0.0.1:99999" }, "--http 99999: expected a whole number from 1 to 65535"],
    [{ nfs: "127.0.0.1", link: "1g" }, "--link is for the storm's own server"],
    [{ nfs: "127.0.0.1", serverPid: "4194304" }, "--server-pid 4194304: expected a process that"],
    [{ json: "/nonexistent/a.json" }, "--json /nonexistent/a.json: expected a file in a folder"],
    [{ output: "/" }, "--output /: expected a file, this is a directory"],
    [{ relay: "10.0.0.1" }, "--relay is for servers of others"],
    [{ mountPort: "892" }, "--mount-port is for servers of others"],
    [{ http: "127.0.0.1", tree: "/" }, "--tree is for the storm's own server"],
    [{ http: "127.0.0.1", nfsPath: "/x" }, "--nfs-path is about --nfs, which is not named"],
    [{ http: "127.0.0.1", mountPort: "892" }, "--mount-port is about --nfs, which is not named"],
    [{ nfs: "127.0.0.1", target: "iqn.x" }, "--target is about --iscsi, which is not named"],
    [{ nfs: "127.0.0.1", relay: "10.0.0.1" }, "--relay is about --dhcp, which is not named"],
    [
      { nfs: "127.0.0.1", mountPort: "0" },
      "--mount-port 0: expected a whole number from 1 to 65535",
    ],
    [
      { nfs: "127.0.0.1" },
      "--nfs: what is mounted? Name it with --nfs-path: no boot configuration",
    ],
    [{ iscsi: "127.0.0.1" }, "--iscsi: which target is a node's? Name it with --target"],
    [
      { http: "127.0.0.1", nfs: "127.0.0.1", skip: "loader" },
      "--nfs: what is mounted? Name it with --nfs-path: no boot configuration says it, for --skip",
    ],
    [{ http: "127.0.0.1", addresses: "10.0.0.0/26" }, "has 62 addresses for 100 nodes"],
    [{ json: "a.html", output: "./a.html" }, "--json and --output are both a.html"],
    [{ patience: "0s" }, "--patience 0s: expected 1s or more: servers that many ask at once"],
    [{ skip: "up,root,dhcp,loader,kernel,volume" }, "these are all stages"],
    [{ nfs: "127.0.0.1", addresses: "10.0.0.1/8" }, "--addresses 10.0.0.1/8: expected a network"],
  ])("%j", async (given, message) => {
    await expect(planOf({ ...usual, ...given })).rejects.toThrow(message);
  });
});

test("times, rates, parts and factors have units, and bounds", () => {
  expect(["0.2ms", "30s", "2m", "1h"].map((text) => secondsIn("--x", text))).toEqual([
    0.0002, 30, 120, 3600,
  ]);
  expect(["100m", "1g", "2.5G", "10Gb/s", "940 mbit"].map((text) => rateIn("--x", text))).toEqual([
    1e8, 1e9, 2.5e9, 1e10, 9.4e8,
  ]);
  expect(partIn("--x", "2%")).toBe(0.02);
  expect(factorIn("--x", "0.5")).toBe(0.5);
  expect(() => secondsIn("--x", "25h")).toThrow("at most a day");
  expect(() => rateIn("--x", "1")).toThrow("--x 1");
});
