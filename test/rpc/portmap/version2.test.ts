import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { bootCaptures, tcpStreams } from "../../captures.ts";
import { callBytes, Out, parseReply, records } from "../../nfs/client.ts";
import { askPortmapper, listOf } from "./asking.ts";

/** Where nfs-ganesha had its ports in the captures. */
const mappings = [
  { program: 100_003, version: 3, port: 2049 },
  { program: 100_005, version: 3, port: 20_048 },
];

const portmapper = askPortmapper({ address: LOOPBACK_ADDRESS, mappings });
const { answer, ask, results } = portmapper;

describe("RFC 1833 §3: portmapper version 2", () => {
  test("every captured conversation: our replies are rpcbind's, byte for byte", async () => {
    let compared = 0;
    for (const name of bootCaptures) {
      const streams = tcpStreams(name, 111);
      for (const sent of streams.filter(({ to }) => to.port === 111)) {
        const answers = streams.find(
          ({ to, bytes }) => to.port === sent.from.port && bytes.length > 0,
        );
        const ours = await Promise.all(records(sent.bytes).map(answer));
        expect(Buffer.concat(ours).toString("hex")).toBe(
          Buffer.from(answers?.bytes ?? []).toString("hex"),
        );
        compared += ours.length;
      }
    }
    expect(compared).toBeGreaterThan(30);
  });

  const getport = async (program: number, version: number, protocol: number) => {
    const args = new Out().u32(program).u32(version).u32(protocol).u32(0);
    const found = await results(2, 3, args);
    const port = found.u32();
    found.end();
    return port;
  };

  test("GETPORT: the port, or 0 for what is not here", async () => {
    expect(await getport(100_003, 3, 6)).toBe(2049);
    expect(await getport(100_005, 3, 6)).toBe(20_048);
    expect(await getport(100_021, 4, 6)).toBe(0);
    expect(await getport(100_000, 2, 6)).toBe(111);
  });

  test("GETPORT: of UDP there is the portmapper alone, so that clients of NFS and MOUNT use TCP", async () => {
    expect(await getport(100_003, 3, 17)).toBe(0);
    expect(await getport(100_005, 3, 17)).toBe(0);
    expect(await getport(100_000, 2, 17)).toBe(111);
    expect(await getport(100_003, 3, 132)).toBe(0);
  });

  test("GETPORT: of a version that is not here, the port where others are", async () => {
    expect(await getport(100_003, 0, 6)).toBe(2049);
    expect(await getport(100_005, 1, 6)).toBe(20_048);
  });

  test("DUMP lists all, itself too", async () => {
    const found = listOf(await results(2, 4), (item) => [
      item.u32(),
      item.u32(),
      item.u32(),
      item.u32(),
    ]);
    expect(found).toEqual([
      [100_000, 4, 6, 111],
      [100_000, 3, 6, 111],
      [100_000, 2, 6, 111],
      [100_000, 4, 17, 111],
      [100_000, 3, 17, 111],
      [100_000, 2, 17, 111],
      [100_003, 3, 6, 2049],
      [100_005, 3, 6, 20_048],
    ]);
  });

  test("NULL answers; SET and UNSET answer FALSE; CALLIT is PROC_UNAVAIL", async () => {
    (await results(2, 0)).end();
    const mapping = new Out().u32(200_000).u32(1).u32(6).u32(1234);
    expect((await results(2, 1, mapping)).bool()).toBe(false);
    expect((await results(2, 2, mapping)).bool()).toBe(false);
    expect(await getport(200_000, 1, 6)).toBe(0);
    const call = new Out().u32(100_003).u32(3).u32(0).opaque("");
    expect(await ask(2, 5, call)).toMatchObject({ accepted: 3 });
  });

  test("versions 1 and 5 get PROG_MISMATCH 2..4, other programs PROG_UNAVAIL", async () => {
    for (const version of [0, 1, 5, 0xffff_ffff]) {
      const reply = await ask(version, 3);
      if (!("accepted" in reply)) throw new Error("denied");
      expect([reply.accepted, reply.results.u32(), reply.results.u32()]).toEqual([2, 2, 4]);
    }
    const other = { program: 100_003, version: 3, procedure: 0 };
    const reply = await answer(callBytes(1, other, Buffer.alloc(0)).subarray(4));
    expect(parseReply(reply.subarray(4))).toMatchObject({ accepted: 1 });
  });

  test("arguments too short or too long are GARBAGE_ARGS, and counted", async () => {
    const counting = askPortmapper({ address: LOOPBACK_ADDRESS, mappings });
    const short = new Out().u32(100_003).u32(3).u32(6);
    expect(await counting.ask(2, 3, short)).toMatchObject({ accepted: 4 });
    expect(await counting.ask(2, 0, new Out().u32(0))).toMatchObject({ accepted: 4 });
    expect(await counting.ask(2, 4, new Out().u32(0))).toMatchObject({ accepted: 4 });
    expect(counting.refused).toEqual(Array(3).fill("garbage-arguments"));
  });
});
