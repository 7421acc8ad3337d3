import { once } from "node:events";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Out } from "./client.ts";
import { type Served, serve, temporaryDirectory } from "./served.ts";

/** What is answered to calls that never reach a procedure, to the byte. */

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
let server: Served;

beforeAll(async () => {
  server = cleanup.use(await serve(await temporaryDirectory(cleanup)));
});

/** The reply's words in hexadecimal; it comes as one segment. */
async function replyTo(call: Out): Promise<string> {
  const bytes = call.bytes();
  const socket = net.connect(server.port, "127.0.0.1");
  socket.write(
    new Out()
      .u32(0x8000_0000 + bytes.length)
      .raw(bytes)
      .bytes(),
  );
  const [reply] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return (reply.toString("hex").match(/.{1,8}/g) ?? []).join(" ");
}

const start = (rpcVersion = 2) => new Out().u32(0x5eed).u32(0).u32(rpcVersion);
const nobody = (call: Out) => call.u32(0).u32(0).u32(0).u32(0);
const callOf = (program: number, version: number, procedure: number) =>
  nobody(start().u32(program).u32(version).u32(procedure));
const toNull = () => start().u32(100_003).u32(3).u32(0);

describe("RFC 5531 §9: MSG_ACCEPTED", () => {
  // mark | xid | REPLY | MSG_ACCEPTED | AUTH_NONE, 0
  const head = (mark: string) => `${mark} 00005eed 00000001 00000000 00000000 00000000`;

  test("SUCCESS: the results follow; NULL has none", async () => {
    for (const program of [100_003, 100_005, 100_227]) {
      expect(await replyTo(callOf(program, 3, 0))).toBe(`${head("80000018")} 00000000`);
    }
  });

  test("PROG_UNAVAIL: NLM, the portmapper, whatever version and procedure", async () => {
    for (const program of [100_021, 100_000, 0, 0xffff_ffff]) {
      expect(await replyTo(callOf(program, 3, 0))).toBe(`${head("80000018")} 00000001`);
      expect(await replyTo(callOf(program, 9, 99))).toBe(`${head("80000018")} 00000001`);
    }
  });

  test("PROG_MISMATCH: the lowest and the highest version, both 3", async () => {
    for (const program of [100_003, 100_005]) {
      for (const version of [0, 1, 2, 4, 0xffff_ffff]) {
        const reply = await replyTo(callOf(program, version, 0));
        expect(reply).toBe(`${head("80000020")} 00000002 00000003 00000003`);
      }
    }
  });

  test("PROC_UNAVAIL: after COMMIT of NFS and EXPORT of MOUNT", async () => {
    for (const [program, procedure] of [
      [100_003, 22],
      [100_003, 0xffff_ffff],
      [100_005, 6],
    ] as const) {
      expect(await replyTo(callOf(program, 3, procedure))).toBe(`${head("80000018")} 00000003`);
    }
  });

  test("GARBAGE_ARGS: too few or too many", async () => {
    expect(await replyTo(callOf(100_003, 3, 1))).toBe(`${head("80000018")} 00000004`);
    expect(await replyTo(callOf(100_003, 3, 0).u32(0))).toBe(`${head("80000018")} 00000004`);
    expect(await replyTo(callOf(100_005, 3, 1))).toBe(`${head("80000018")} 00000004`);
  });
});

describe("RFC 5531 §9: MSG_DENIED", () => {
  // mark | xid | REPLY | MSG_DENIED
  const head = (mark: string) => `${mark} 00005eed 00000001 00000001`;

  test("RPC_MISMATCH: from 2 to 2, though nothing else of the call is known", async () => {
    const expected = `${head("80000018")} 00000000 00000002 00000002`;
    for (const version of [0, 1, 3]) {
      expect(await replyTo(start(version))).toBe(expected);
      expect(await replyTo(start(version).u32(1).u32(2).u32(3))).toBe(expected);
    }
  });

  test("AUTH_ERROR, AUTH_BADCRED: RPCSEC_GSS, AUTH_DH, or AUTH_SYS that breaks its form", async () => {
    const expected = `${head("80000014")} 00000001 00000001`;
    for (const flavor of [2, 3, 6, 0xffff_ffff]) {
      expect(await replyTo(toNull().u32(flavor).opaque("").u32(0).u32(0))).toBe(expected);
    }
    const gids17 = new Out().u32(0).opaque("node").u32(0).u32(0).u32(17).raw(Buffer.alloc(68));
    expect(await replyTo(toNull().u32(1).opaque(gids17.bytes()).u32(0).u32(0))).toBe(expected);
    expect(await replyTo(toNull().u32(1).opaque("").u32(0).u32(0))).toBe(expected);
  });

  test("AUTH_ERROR, AUTH_BADVERF: what is not AUTH_NONE, or not empty", async () => {
    const expected = `${head("80000014")} 00000001 00000003`;
    expect(await replyTo(toNull().u32(0).u32(0).u32(1).u32(0))).toBe(expected);
    expect(await replyTo(toNull().u32(0).u32(0).u32(0).opaque("x"))).toBe(expected);
  });
});
