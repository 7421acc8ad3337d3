import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { Credentials } from "../../src/rpc/credentials.ts";
import {
  decodeCall,
  deniedReply,
  failureReply,
  mismatchReply,
  piecesOf,
  type Reply,
  successReply,
} from "../../src/rpc/message.ts";
import { bootCaptures, tcpStreams } from "../captures.ts";
import { callBytes, Out, records } from "../nfs/client.ts";

const calls = bootCaptures.flatMap((name) =>
  [111, 2049, 20048].flatMap((port) =>
    tcpStreams(name, port)
      .filter((stream) => stream.to.port === port)
      .flatMap(({ bytes }) => records(bytes).map((record) => ({ name, port, record }))),
  ),
);

/** A call from here on: xid 7, CALL, version 2, program 100003 version 3 procedure 1. */
const head = () => new Out().u32(7).u32(0).u32(2).u32(100_003).u32(3).u32(1);

function decode(record: Uint8Array, credentials = new Credentials()) {
  return decodeCall(new Reader(record), credentials);
}

function hex(reply: Reply): string {
  return Buffer.concat(piecesOf(reply)).toString("hex");
}

describe("RFC 5531 §9: calls", () => {
  test("every captured call decodes", () => {
    expect(calls.length).toBeGreaterThan(700);
    const programs = new Map<number, number>();
    for (const { record } of calls) {
      const call = decode(record);
      if (isMalformed(call) || "denied" in call) throw new Error("not a call");
      programs.set(call.program, (programs.get(call.program) ?? 0) + 1);
    }
    expect([...programs.keys()].sort()).toEqual([100_000, 100_003, 100_005, 100_227]);
  });

  test("every truncation of a captured call's header is malformed", () => {
    for (const { record } of calls.filter((_, at) => at % 40 === 0)) {
      const whole = decode(record);
      if (isMalformed(whole) || "denied" in whole) throw new Error("not a call");
      const headerBytes = record.length - whole.args.remaining;
      for (let length = 0; length < headerBytes; length += 1) {
        expect(decode(record.subarray(0, length))).toEqual({ malformed: "malformed" });
      }
    }
  });

  test("AUTH_SYS: uid, gid and up to 16 gids", () => {
    const gids = Array.from({ length: 16 }, (_, at) => 100 + at);
    const bytes = callBytes(
      9,
      { program: 1, version: 2, procedure: 3, caller: { uid: 1000, gid: 50, gids } },
      Buffer.of(1, 2, 3, 4),
    ).subarray(4);
    const call = decode(bytes);
    expect(call).toMatchObject({ xid: 9, program: 1, version: 2, procedure: 3 });
    expect(call).toMatchObject({ credential: { uid: 1000, gid: 50, gids } });
    expect(call).toMatchObject({ args: { remaining: 4 } });
  });

  test("AUTH_NONE has no credential", () => {
    const call = decode(head().u32(0).u32(0).u32(0).u32(0).bytes());
    expect(call).toMatchObject({ procedure: 1, credential: undefined });
  });

  test("a credential that breaks its form, or another flavor, is denied", () => {
    const sys = (name: string, gids: number, extra = 0) => {
      const body = new Out().u32(1).opaque(name).u32(0).u32(0).u32(gids);
      for (let left = gids + extra; left > 0; left -= 1) body.u32(0);
      return head().u32(1).opaque(body.bytes()).u32(0).u32(0).bytes();
    };
    expect(decode(sys("node", 16))).toHaveProperty("credential");
    for (const bytes of [
      sys("node", 17),
      sys("n".repeat(256), 0),
      sys("node", 2, 1),
      sys("node", 2, -1),
    ])
      expect(decode(bytes)).toEqual({ xid: 7, denied: "bad-credential" });
    // 6: RPCSEC_GSS
    const gss = head().u32(6).opaque("token").u32(0).u32(0).bytes();
    expect(decode(gss)).toEqual({ xid: 7, denied: "bad-credential" });
  });

  test("a verifier other than an empty AUTH_NONE is denied", () => {
    const flavored = head().u32(0).u32(0).u32(1).u32(0).bytes();
    const filled = head().u32(0).u32(0).u32(0).opaque("xx").bytes();
    for (const bytes of [flavored, filled])
      expect(decode(bytes)).toEqual({ xid: 7, denied: "bad-verifier" });
  });

  test("another version of RPC is denied; a reply is no call", () => {
    expect(decode(new Out().u32(7).u32(0).u32(3).bytes())).toEqual({
      xid: 7,
      denied: "wrong-rpc-version",
    });
    expect(decode(new Out().u32(7).u32(1).u32(2).bytes())).toEqual({ malformed: "malformed" });
  });

  test("opaque_auth longer than 400 bytes is malformed", () => {
    expect(decode(head().u32(0).opaque(Buffer.alloc(401)).u32(0).u32(0).bytes())).toEqual({
      malformed: "malformed",
    });
  });

  test("credentials that come again are the same; others are not taken for them", () => {
    const credentials = new Credentials();
    const from = (uid: number, gids: readonly number[]) => {
      const caller = { uid, gid: 5, gids };
      const bytes = callBytes(1, { program: 1, version: 1, procedure: 1, caller }, Buffer.of(0));
      const call = decode(bytes.subarray(4), credentials);
      if (isMalformed(call) || "denied" in call) throw new Error("not a call");
      return call.credential;
    };
    const first = from(7, [8]);
    expect(from(7, [8])).toBe(first);
    expect(from(9, [8])).toEqual({ uid: 9, gid: 5, gids: [8] });
    expect(from(9, [8, 1])).toEqual({ uid: 9, gid: 5, gids: [8, 1] });
    expect(from(7, [8])).toEqual(first);
    const nobody = decode(head().u32(0).u32(0).u32(0).u32(0).bytes(), credentials);
    expect(nobody).toHaveProperty("credential", undefined);
  });

  test("any bytes give a value", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decode(bytes)));
  });
});

describe("RFC 5531 §9: replies, one fragment, verifier AUTH_NONE", () => {
  test("accepted: success", () => {
    expect(hex(successReply(0x01020304, 4).u32(0xaabbccdd))).toBe(
      "8000001c" +
        "01020304" +
        "00000001" +
        "00000000" +
        "0000000000000000" +
        "00000000" +
        "aabbccdd",
    );
  });

  test("the record mark counts the parts that follow", () => {
    expect(hex(successReply(1, 4, 8).u32(0))).toMatch(/^80000024/);
  });

  test("accepted, not executed", () => {
    const start = "80000018" + "00000005" + "00000001" + "00000000" + "0000000000000000";
    expect(hex(failureReply(5, "PROG_UNAVAIL"))).toBe(`${start}00000001`);
    expect(hex(failureReply(5, "PROC_UNAVAIL"))).toBe(`${start}00000003`);
    expect(hex(failureReply(5, "GARBAGE_ARGS"))).toBe(`${start}00000004`);
    expect(hex(failureReply(5, "SYSTEM_ERR"))).toBe(`${start}00000005`);
    expect(hex(mismatchReply(5, 2, 4))).toBe(
      "80000020" +
        "00000005" +
        "00000001" +
        "00000000" +
        "0000000000000000" +
        "00000002" +
        "00000002" +
        "00000004",
    );
  });

  test("denied", () => {
    expect(hex(deniedReply({ xid: 5, denied: "wrong-rpc-version" }))).toBe(
      `80000018${"00000005"}${"00000001"}${"00000001"}${"00000000"}${"00000002"}${"00000002"}`,
    );
    expect(hex(deniedReply({ xid: 5, denied: "bad-credential" }))).toBe(
      `80000014${"00000005"}${"00000001"}${"00000001"}${"00000001"}${"00000001"}`,
    );
    expect(hex(deniedReply({ xid: 5, denied: "bad-verifier" }))).toBe(
      `80000014${"00000005"}${"00000001"}${"00000001"}${"00000001"}${"00000003"}`,
    );
  });
});
