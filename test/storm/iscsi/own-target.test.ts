import { closeSync, openSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type IscsiServer,
  type IscsiTarget,
  openFile,
  serveIscsi,
} from "../../../src/library/iscsi.ts";
import { readTrace } from "../../../src/storm/trace/file.ts";
import { shippedTraceFile } from "../../../src/storm/trace/shipped.ts";
import type { ScsiCommand } from "../../../src/storm/trace/trace.ts";
import { directoryOf } from "../../sidus.ts";
import { Node, TARGET } from "./node.ts";

const BYTES = 64 << 20;

describe("iSCSI of a simulated node, with our own target", () => {
  const opened = new AsyncDisposableStack();
  let file = "";
  let target: IscsiTarget;
  let server: IscsiServer;

  beforeAll(async () => {
    file = join(directoryOf({ "disk.img": "" }), "disk.img");
    truncateSync(file, BYTES);
    target = { name: TARGET, volume: opened.use(openFile(file)) };
    server = await serveIscsi({ port: 0, targets: [target] });
    opened.defer(() => server.close());
  });
  afterAll(() => opened.disposeAsync());

  test("what the recorded boot did is done, in its order, with nothing besides", async () => {
    using node = new Node(server);
    const { steps } = await readTrace(shippedTraceFile("bios-iscsi"));
    const commands = steps.flatMap(({ deed }) => (deed.kind === "scsi" ? [deed.command] : []));
    expect(await node.login()).toBeUndefined();
    const failures: (string | undefined)[] = [];
    for (const { cdb, way, bytes } of commands) failures.push(await node.command(cdb, way, bytes));
    expect(failures.filter((failure) => failure !== undefined)).toEqual([]);
    const { answers, complaints, differences, retransmits, verifiedBytes } = node.tally;
    expect(answers).toHaveLength(1 + commands.length);
    const ofBlocks = (command: ScsiCommand): boolean => /^2[8a]/.test(command.cdb);
    expect(answers.filter((name) => /READ\(10\)|WRITE\(10\)/.test(name))).toHaveLength(
      commands.filter(ofBlocks).length,
    );
    expect(node.client.added).toBe(0);
    expect({ complaints, differences, retransmits }).toEqual({
      complaints: [],
      differences: [],
      retransmits: 0,
    });
    expect(verifiedBytes).toBeGreaterThan(0);
  });

  test("many commands at once wait for the window, and what was written is verified", async () => {
    using node = new Node(server);
    await node.login();
    const places = Array.from({ length: 200 }, (_, at) => at * 64);
    await Promise.all(places.map((lba) => node.write(lba, 64)));
    const failures = await Promise.all(places.map((lba) => node.read(lba, 64)));
    expect(new Set(failures)).toEqual(new Set([undefined]));
    expect(node.tally.verifiedBytes).toBe(200 * 64 * 512);
    // It asked how large the disk is: no trace said it.
    expect(node.client.added).toBeGreaterThan(0);
  });

  test("a write of more than a first burst, and one that ends in the middle of a page", async () => {
    using node = new Node(server);
    await node.login();
    expect(await node.write(100, 4096)).toBeUndefined();
    expect(await node.write(8001, 3)).toBeUndefined();
    await node.read(100, 4096);
    await node.read(8000, 8);
    expect(node.tally.verifiedBytes).toBe(4096 * 512 + 3 * 512);
    expect(node.tally.differences).toEqual([]);
  });

  test("content that changed meanwhile is a difference; what nobody wrote is none", async () => {
    using node = new Node(server);
    await node.login();
    await node.write(40_000, 16);
    const fd = openSync(file, "r+");
    writeSync(fd, "x", 40_003 * 512 + 100);
    writeSync(fd, "x", 41_000 * 512);
    closeSync(fd);
    expect(await node.read(40_000, 16)).toBeUndefined();
    expect(await node.read(41_000, 16)).toBeUndefined();
    expect(node.tally.differences).toEqual(["iscsi: READ(10) of what was written"]);
  });

  test("what WRITE SAME wrote is not taken for what was there before", async () => {
    using node = new Node(server);
    await node.login();
    await node.write(50_000, 16);
    // SBC-3 §5.44: with the bit UNMAP, 8 blocks.
    await node.command("9308000000000000c35000000008".padEnd(32, "0"), "out", 512);
    await node.read(50_000, 16);
    expect(node.tally.differences).toEqual([]);
    expect(node.tally.verifiedBytes).toBe(8 * 512);
  });

  test("addresses beyond the volume's end are inside of it", async () => {
    using node = new Node(server);
    await node.login();
    const beyond = BYTES / 512 + 12_345;
    expect(await node.write(beyond, 8)).toBeUndefined();
    expect(await node.read(beyond, 8)).toBeUndefined();
    expect(node.tally.verifiedBytes).toBe(8 * 512);
  });

  test("a target that is not there is a failure, not something to wait for", async () => {
    using node = new Node({ port: server.port, target: "iqn.2024-01.org.example:other" });
    expect(await node.login()).toBe("iSCSI login: refused with status 0203");
  });

  test("nobody listens: it gives up when its patience is over", async () => {
    const { port } = await closedServer();
    using node = new Node({ port, patienceMs: 1000 });
    expect(await node.login()).toBe("iSCSI: no answer for 1 s");
  });

  test("a server that ends and is started again: the session goes on, and what was not answered is sent again", async () => {
    const first = await serveIscsi({ port: 0, targets: [target] });
    using node = new Node(first);
    await node.login();
    await node.write(0, 64);
    await first.close();
    const reading = [node.read(0, 64), node.write(64, 64)];
    await using _second = await serveIscsi({ port: first.port, targets: [target] });
    expect(await Promise.all(reading)).toEqual([undefined, undefined]);
    expect(node.tally.retransmits).toBeGreaterThan(0);
    expect(node.tally.verifiedBytes).toBe(64 * 512);
  });

  describe("CHAP", () => {
    const chap = {
      user: "node1",
      secret: "secret-of-node1",
      mutual: { user: "sidus", secret: "secret-of-sidus" },
    };
    const oneWay = { ...chap, mutual: undefined };
    test.each([
      ["one way", oneWay, oneWay, undefined],
      ["both ways", chap, chap, undefined],
      ["another secret", { ...oneWay, secret: "another-secret-1" }, oneWay, /status 0201/],
      [
        "a target with another secret",
        { ...chap, mutual: { ...chap.mutual, secret: "another-secret-1" } },
        chap,
        /the target did not prove itself/,
      ],
      ["a target that proves nothing", chap, oneWay, /status 0201/],
      ["none where it is wanted", undefined, oneWay, /status 0201/],
    ])("%s", async (_, own, theirs, failure) => {
      await using guarded = await serveIscsi({ port: 0, targets: [{ ...target, chap: theirs }] });
      using node = new Node({ port: guarded.port, chap: own });
      const said = await node.login();
      if (failure === undefined) expect(said).toBeUndefined();
      else expect(said).toMatch(failure);
    });
  });

  async function closedServer(): Promise<{ port: number }> {
    const closed = await serveIscsi({ port: 0, targets: [target] });
    await closed.close();
    return closed;
  }
});
