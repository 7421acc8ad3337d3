import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileLoad, type IscsiServer, type Load } from "../../bench/iscsi/load.ts";
import { averageOf } from "../../bench/iscsi/perf.ts";
import { ADDRESS, startSidus, startTgt } from "../../bench/iscsi/servers.ts";
import { worksOf } from "../../bench/iscsi/works.ts";
import { addServerInterface, type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { temporaryDirectory } from "../nfs/served.ts";

const BYTES = 1 << 20;
const SECONDS = 0.2;
const lacking = lackingOf("cc", "/usr/include/stdio.h", "ip", "nsenter", "ss");
const lackingTgt = lackingOf("root", "tgtd", "tgtadm", "unshare");

test("iscsi-perf: the last average is taken of those that it writes over each other", () => {
  const said =
    "connected to iscsi://127.0.0.1/iqn.2026-01.test.sidus:disk/1\n" +
    "\rlba 1342085, iops current 30198 (117 MB/s), iops average 30198 (117 MB/s), in_flight 32" +
    "\riops average 32051 (125 MB/s)      \n\nfinished.\n";
  expect(averageOf(said)).toBe(32_051);
  expect(() => averageOf("iscsi_connect failed")).toThrow("iscsi_connect failed");
});

describe.skipIf(lacking !== undefined)(title("the load of iSCSI", lacking), () => {
  const opened = new AsyncDisposableStack();
  let load: Load;
  let namespace: Namespace;
  let directory: string;
  beforeAll(async () => {
    directory = await temporaryDirectory(opened);
    namespace = opened.use(await openNamespace());
    addServerInterface(namespace, "room0", `${ADDRESS}/24`);
    load = compileLoad(directory, namespace);
  });
  afterAll(() => opened.disposeAsync());

  test("fills a file so that each block is told by its address", () => {
    const file = join(directory, "filled");
    load.fill(file, BYTES);
    const bytes = readFileSync(file);
    // By hand: word number n, from 1 on, is n times the golden ratio's 64 bits.
    const word = (at: number): bigint => bytes.readBigUInt64LE(at * 8);
    expect(bytes.length).toBe(BYTES);
    expect(word(0)).toBe(0x9e37_79b9_7f4a_7c15n);
    expect(word(1)).toBe(0x3c6e_f372_fe94_f82an);
    expect(word(999)).toBe(BigInt.asUintN(64, 1000n * 0x9e37_79b9_7f4a_7c15n));
  });

  describe.each([
    { name: "sidus", start: startSidus, without: undefined },
    { name: "tgt", start: startTgt, without: lackingTgt },
  ])("$name", ({ name, start, without }) => {
    const on = describe.skipIf(without !== undefined);
    on(title("on a volume", without), () => {
      const servers = new AsyncDisposableStack();
      let server: IscsiServer;
      beforeAll(async () => {
        const file = join(directory, name);
        load.fill(file, BYTES);
        server = await start({ namespace, file, bytes: BYTES }, servers);
      });
      afterAll(() => servers.disposeAsync());

      test.each(worksOf(SECONDS))("$title: every answer is as expected", async ({ load: work }) => {
        const result = await load.run(server, work);
        expect(result).toMatchObject({ errors: 0, bytes: result.calls * work.size });
        expect(result.calls).toBeGreaterThan(0);
      });

      test("blocks with other content are errors, until the load has written them", async () => {
        truncateSync(server.file, 0);
        truncateSync(server.file, BYTES);
        const small = { sessions: 2, depth: 4, size: 4096, seconds: SECONDS };
        const blank = await load.run(server, { ...small, work: "random-read" });
        expect(blank.calls).toBeGreaterThan(0);
        expect(blank.errors).toBe(blank.calls);
        // So long that all of it is written whatever the machine does.
        const writing = { ...small, work: "sequential-write", seconds: 1 } as const;
        expect(await load.run(server, writing)).toMatchObject({ errors: 0 });
        expect(await load.run(server, { ...small, work: "random-read" })).toMatchObject({
          errors: 0,
        });
      });

      test("a volume that is smaller than said answers with errors", async () => {
        const larger = { ...server, bytes: 1024 * BYTES };
        const work = { sessions: 1, depth: 8, size: 4096, seconds: SECONDS } as const;
        const { calls, errors } = await load.run(larger, { ...work, work: "random-read" });
        expect(errors).toBeGreaterThan(calls / 2);
      });

      test("another target's name is refused", async () => {
        const other = { ...server, target: "iqn.2026-01.test.sidus:other" };
        const work = { sessions: 1, depth: 1, size: 4096, seconds: SECONDS } as const;
        const refused = load.run(other, { ...work, work: "random-read" });
        await expect(refused).rejects.toThrow("the load failed");
      });
    });
  });
});
