import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { portmapProgram } from "../../src/rpc/portmap.ts";
import { answerRecord, type RpcService } from "../../src/rpc/program.ts";
import { bootCaptures, tcpStreams } from "../captures.ts";
import { callBytes, Out, parseReply, records } from "../nfs/client.ts";

/** Where nfs-ganesha had its ports in the captures. */
const mappings = [
  { program: 100_000, version: 2, port: 111 },
  { program: 100_003, version: 3, port: 2049 },
  { program: 100_005, version: 3, port: 20_048 },
];

const refused: string[] = [];
const service: RpcService = {
  protocol: "portmap",
  programs: [portmapProgram(() => mappings)],
  tell: (event) => refused.push(event.kind === "refused" ? event.reason : event.kind),
  report: (_, error) => {
    throw error;
  },
};

function answer(record: Uint8Array): Buffer {
  const reply = answerRecord(service, record, { address: LOOPBACK_ADDRESS, expect: () => {} });
  if (reply instanceof Promise || isMalformed(reply)) throw new Error("no answer at once");
  return Buffer.concat(reply);
}

function ask(version: number, procedure: number, args = new Out()) {
  const head = { program: 100_000, version, procedure, caller: "nobody" as const };
  return parseReply(answer(callBytes(3, head, args.bytes()).subarray(4)).subarray(4));
}

function resultsOf(reply: ReturnType<typeof ask>) {
  if (!("accepted" in reply) || reply.accepted !== 0) throw new Error("not accepted");
  return reply.results;
}

describe("RFC 1833 §3: portmapper version 2", () => {
  test("every captured conversation: our replies are rpcbind's, byte for byte", () => {
    let compared = 0;
    for (const name of bootCaptures) {
      const streams = tcpStreams(name, 111);
      for (const sent of streams.filter(({ to }) => to.port === 111)) {
        const answers = streams.find(
          ({ to, bytes }) => to.port === sent.from.port && bytes.length > 0,
        );
        const ours = records(sent.bytes).map(answer);
        expect(Buffer.concat(ours).toString("hex")).toBe(
          Buffer.from(answers?.bytes ?? []).toString("hex"),
        );
        compared += ours.length;
      }
    }
    expect(compared).toBeGreaterThan(30);
  });

  test("GETPORT: 0 for what is not here, and for UDP", () => {
    const getport = (program: number, version: number, protocol: number) =>
      resultsOf(ask(2, 3, new Out().u32(program).u32(version).u32(protocol).u32(0))).u32();
    expect(getport(100_003, 3, 6)).toBe(2049);
    expect(getport(100_003, 4, 6)).toBe(0);
    expect(getport(100_021, 4, 6)).toBe(0);
    expect(getport(100_003, 3, 17)).toBe(0);
  });

  test("DUMP lists all, itself too", () => {
    const results = resultsOf(ask(2, 4));
    const found: number[][] = [];
    while (results.bool()) found.push([results.u32(), results.u32(), results.u32(), results.u32()]);
    results.end();
    expect(found).toEqual([
      [100_000, 2, 6, 111],
      [100_003, 3, 6, 2049],
      [100_005, 3, 6, 20_048],
    ]);
  });

  test("NULL answers; SET and UNSET answer FALSE; CALLIT is not there", () => {
    resultsOf(ask(2, 0)).end();
    const mapping = new Out().u32(200_000).u32(1).u32(6).u32(1234);
    expect(resultsOf(ask(2, 1, mapping)).bool()).toBe(false);
    expect(resultsOf(ask(2, 2, mapping)).bool()).toBe(false);
    expect(ask(2, 5)).toMatchObject({ accepted: 3 });
  });

  test("rpcbind versions 3 and 4 get PROG_MISMATCH 2..2, other programs PROG_UNAVAIL", () => {
    for (const version of [3, 4]) {
      const reply = ask(version, 3);
      if (!("accepted" in reply)) throw new Error("denied");
      expect([reply.accepted, reply.results.u32(), reply.results.u32()]).toEqual([2, 2, 2]);
    }
    const other = { program: 100_003, version: 3, procedure: 0 };
    expect(
      parseReply(answer(callBytes(1, other, Buffer.alloc(0)).subarray(4)).subarray(4)),
    ).toMatchObject({ accepted: 1 });
  });

  test("arguments too short or too long are GARBAGE_ARGS, and counted", () => {
    refused.length = 0;
    expect(ask(2, 3, new Out().u32(100_003).u32(3).u32(6))).toMatchObject({ accepted: 4 });
    expect(ask(2, 0, new Out().u32(0))).toMatchObject({ accepted: 4 });
    expect(refused).toEqual(["garbage-arguments", "garbage-arguments"]);
  });
});
