import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { systemClock } from "../../src/net/clock.ts";
import { aclProgram } from "../../src/nfs/acl.ts";
import { servedExports } from "../../src/nfs/exports.ts";
import { mountProgram } from "../../src/nfs/mount.ts";
import { Mounts } from "../../src/nfs/mounts.ts";
import { nfsProgram } from "../../src/nfs/program.ts";
import { Uses } from "../../src/nfs/uses.ts";
import { Credentials } from "../../src/rpc/credentials.ts";
import { piecesOf } from "../../src/rpc/message.ts";
import { answerRecord, type RpcService } from "../../src/rpc/program.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import { callBytes, In, Out, parseReply } from "./client.ts";
import { conversations, type Handles, withHandle } from "./conversations.ts";
import { checkForm } from "./results.ts";
import { loopback, temporaryDirectory } from "./served.ts";

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());

let service: RpcService;
let handles: Handles;

/** Our reply to a record, without its mark. */
async function answer(record: Uint8Array): Promise<Buffer> {
  const client = { address: LOOPBACK_ADDRESS, credentials: new Credentials(), expect: () => {} };
  const reply = await answerRecord(service, new Reader(record), client);
  if (isMalformed(reply)) throw new Error("no call");
  const bytes = Buffer.concat(piecesOf(reply));
  expect(bytes.readUInt32BE(0)).toBe(0x8000_0000 + bytes.length - 4);
  return bytes.subarray(4);
}

beforeAll(async () => {
  const path = await temporaryDirectory(cleanup);
  await mkdir(join(path, "usr"));
  await writeFile(join(path, "file"), Buffer.alloc(100_000, 1));
  await symlink("usr/bin", join(path, "bin"));
  const tree = cleanup.use(
    await openDirectory(path, { clock: systemClock, cache: BlockCache.create(16 << 20) }),
  );
  const list = [{ name: "refboot", path: "/srv/nfsroot/tree", tree, clients: [loopback] }];
  const exports = servedExports(() => list, new Uses());
  service = {
    protocol: "nfs",
    programs: [
      nfsProgram(exports, () => {}),
      aclProgram(exports, () => {}),
      mountProgram({ exports, mounts: new Mounts(), tell: () => {} }),
    ],
    tell: () => {},
    report: (_, error) => {
      throw error;
    },
  };
  const ask = async (program: number, procedure: number, args: Out) => {
    const call = callBytes(1, { program, version: 3, procedure }, args.bytes());
    const reply = parseReply(await answer(call.subarray(4)));
    if (!("accepted" in reply) || reply.results.u32() !== 0) throw new Error("not answered");
    return reply.results.opaque();
  };
  const directory = await ask(100_005, 1, new Out().opaque("/srv/nfsroot/tree"));
  const lookup = (name: string) => ask(100_003, 3, new Out().opaque(directory).opaque(name));
  handles = { directory, file: await lookup("file"), link: await lookup("bin") };
});

describe("RFC 1813: calls of Linux clients, and what nfs-ganesha answered", () => {
  test("ganesha's replies have the form that this test reads", () => {
    const seen = new Map<number, number>();
    for (const { program, procedure, results } of conversations()) {
      if (program !== 100_003) continue;
      checkForm(procedure, new In(results));
      seen.set(procedure, (seen.get(procedure) ?? 0) + 1);
    }
    expect([...seen.keys()].sort((a, b) => a - b)).toEqual([0, 1, 3, 4, 5, 6, 18, 19]);
  });

  test("every call is understood; with a handle of another server it gets BADHANDLE", async () => {
    for (const conversation of conversations()) {
      const reply = parseReply(await answer(conversation.call));
      if (!("accepted" in reply)) throw new Error("denied");
      expect(reply.accepted).toBe(0);
      if (conversation.program === 100_003) {
        const status = checkForm(conversation.procedure, reply.results);
        expect(status).toBe(conversation.procedure === 0 ? 0 : 10_001);
      }
    }
  });

  test("on an object of ours, every call gets a reply of the same form, or an error that fits", async () => {
    const counts = { same: 0, failed: 0 };
    for (const conversation of conversations()) {
      if (conversation.program !== 100_003) continue;
      const { procedure, results } = conversation;
      const reply = parseReply(await answer(withHandle(conversation, handles)));
      if (!("accepted" in reply)) throw new Error("denied");
      expect(reply.accepted).toBe(0);
      const status = checkForm(procedure, reply.results);
      if (procedure === 3) expect([0, 2]).toContain(status);
      else expect(status).toBe(0);
      if (status === 0 && procedure !== 0 && results.readUInt32BE(0) === 0) counts.same += 1;
      else counts.failed += 1;
    }
    expect(counts.same).toBeGreaterThan(300);
  });

  test("FSINFO, FSSTAT and GETATTR replies are as long as ganesha's", async () => {
    for (const conversation of conversations()) {
      if (conversation.program !== 100_003) continue;
      if (![1, 18, 19].includes(conversation.procedure)) continue;
      const reply = await answer(withHandle(conversation, handles));
      expect(reply.length - 24).toBe(conversation.results.length);
    }
  });

  test("NULL is answered as by ganesha", async () => {
    let compared = 0;
    for (const { procedure, call, accepted, results } of conversations()) {
      if (procedure !== 0 || accepted !== 0) continue;
      expect(parseReply(await answer(call))).toMatchObject({ accepted: 0 });
      expect((await answer(call)).length - 24).toBe(results.length);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(12);
  });

  test("NFSACL GETACL: no file has an ACL, as where ganesha finds none", async () => {
    let compared = 0;
    for (const conversation of conversations()) {
      const { program, procedure, accepted, results } = conversation;
      if (program !== 100_227 || procedure !== 1 || accepted !== 0) continue;
      const ours = (await answer(withHandle(conversation, handles))).subarray(24);
      expect(ours.length).toBe(results.length);
      // Status and whether attributes follow; then, after them, the mask and two empty lists.
      expect(ours.subarray(0, 8)).toEqual(results.subarray(0, 8));
      expect(ours.subarray(-20)).toEqual(results.subarray(-20));
      compared += 1;
    }
    expect(compared).toBeGreaterThan(5);
  });

  test("NFSACL SETACL is refused as every change is", async () => {
    const entry = [1, 0, 7].reduce((out, word) => out.u32(word), new Out().u32(1).u32(1));
    const args = new Out().opaque(handles.file).u32(0xf).raw(entry.bytes()).u32(0).u32(0);
    const call = callBytes(1, { program: 100_227, version: 3, procedure: 2 }, args.bytes());
    const reply = parseReply(await answer(call.subarray(4)));
    if (!("accepted" in reply)) throw new Error("denied");
    expect(reply.results.u32()).toBe(30); // NFS3ERR_ROFS
  });

  test("every truncation of a call's arguments is GARBAGE_ARGS, and so is anything after them", async () => {
    const seen = new Set<number>();
    for (const conversation of conversations()) {
      const { program, procedure, call, args } = conversation;
      if (program !== 100_003 || procedure === 0 || seen.has(procedure)) continue;
      seen.add(procedure);
      const start = call.length - args.length;
      for (let length = start; length < call.length; length += 1) {
        expect(parseReply(await answer(call.subarray(0, length)))).toMatchObject({ accepted: 4 });
      }
      const longer = Buffer.concat([call, Buffer.alloc(4)]);
      expect(parseReply(await answer(longer))).toMatchObject({ accepted: 4 });
    }
    expect(seen.size).toBe(7);
  });
});

describe("RFC 1813 §5: MOUNT calls of klibc and umount.nfs", () => {
  test("MNT, NULL and UMNT are answered as ganesha does, but for the handle", async () => {
    const seen = new Map<number, number>();
    for (const { procedure, call, results } of conversations(20_048)) {
      const reply = parseReply(await answer(call));
      if (!("accepted" in reply)) throw new Error("denied");
      expect(reply.accepted).toBe(0);
      seen.set(procedure, (seen.get(procedure) ?? 0) + 1);
      if (procedure !== 1) {
        reply.results.end();
        expect(results.length).toBe(0);
        continue;
      }
      const theirs = new In(results);
      expect(reply.results.u32()).toBe(theirs.u32());
      expect(reply.results.opaque().length).toBe(28);
      theirs.opaque();
      // auth_flavors: AUTH_SYS is what the kernel asks for.
      expect([reply.results.u32(), reply.results.u32()]).toEqual([1, 1]);
      reply.results.end();
    }
    expect([...seen.keys()].sort()).toEqual([0, 1, 3]);
  });
});
