import { describe, expect, test } from "vitest";
import { STORM_JUKEBOX_MS } from "../../../src/limits.ts";
import type { NfsCall, TraceFile } from "../../../src/storm/trace/trace.ts";
import { Out } from "../../nfs/client.ts";
import { mutated } from "../../nfs/mutation.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { FakeServer, marked, settle, success } from "../rpc/fake.ts";
import { NfsNode } from "./room.ts";

/** Answers by hand from RFC 1813: what servers say that ours does not, and what none should. */

const files: readonly TraceFile[] = [
  { path: "", type: "directory", size: 0 },
  { path: "file", type: "file", size: 200_000 },
  { path: "link", type: "link", size: 4 },
];
const [ROOT, FILE, LINK] = [0, 1, 2] as const;
const HANDLE = Buffer.alloc(32, 7);

const attributes = (type: number, size = 0n): Out =>
  new Out().u32(type).u32(0o644).u32(1).u32(0).u32(0).u64(size).raw(Buffer.alloc(56));
const postOp = (type: number): Buffer => new Out().u32(1).raw(attributes(type).bytes()).bytes();
const nothing = Buffer.alloc(4);

function data(bytes: Uint8Array, isAtEnd: boolean, count = bytes.length): Out {
  const head = new Out()
    .u32(0)
    .raw(postOp(1))
    .u32(count)
    .u32(isAtEnd ? 1 : 0);
  return head.opaque(bytes);
}

/** Good answers by procedure. */
function goodResults(procedure: number, args: Buffer): Out {
  const ok = new Out().u32(0);
  switch (procedure) {
    case 1:
      return ok.raw(attributes(2).bytes());
    case 3: {
      const type = args.toString("latin1").includes("link") ? 5 : 1;
      return ok.opaque(HANDLE).raw(postOp(type)).raw(nothing);
    }
    case 4:
      return ok.raw(nothing).u32(31);
    case 5:
      return ok.raw(nothing).opaque("file");
    case 6: {
      const count = args.readUInt32BE(args.length - 4);
      return data(Buffer.alloc(count, 1), false);
    }
    case 16:
    case 17: {
      const entries = ok.raw(nothing).u64(0n);
      for (const [at, name] of ["file", "link"].entries()) {
        entries.u32(1).u64(BigInt(at)).opaque(name).u64(BigInt(at));
        if (procedure === 17) entries.raw(postOp(1)).u32(1).opaque(HANDLE);
      }
      return entries.u32(0).u32(1);
    }
    case 18:
      return ok.raw(nothing).raw(Buffer.alloc(52));
    case 19:
      return ok.raw(nothing).raw(Buffer.alloc(48));
    default:
      return ok.raw(nothing).raw(Buffer.alloc(24));
  }
}

const PROGRAM_AT = 12;

function argsOf(call: Buffer): Buffer {
  return call.subarray(24 + 8 + call.readUInt32BE(28) + 8);
}

/** A node that has mounted, before a server that answers by hand. */
async function mounted(
  answer: (procedure: number, args: Buffer, call: Buffer) => Uint8Array | undefined,
): Promise<{ node: NfsNode; server: FakeServer; clock: VirtualClock }> {
  const server = new FakeServer();
  const clock = new VirtualClock();
  server.answer = (call) => {
    const isMount = call.readUInt32BE(PROGRAM_AT) === 100_005;
    if (isMount) return success(call, new Out().u32(0).opaque(HANDLE).u32(0).bytes());
    return answer(call.readUInt32BE(20), argsOf(call), call);
  };
  const node = new NfsNode({ files, port: 2049, clock, connect: server.connect });
  expect(await node.mount()).toBe(undefined);
  return { node, server, clock };
}

const good = (procedure: number, args: Buffer, call: Buffer): Buffer =>
  success(call, goodResults(procedure, args).bytes());

const calls: readonly NfsCall[] = [
  { op: "getattr", file: ROOT },
  { op: "lookup", file: FILE },
  { op: "lookup", file: LINK },
  { op: "access", file: ROOT, access: 31 },
  { op: "readlink", file: LINK },
  { op: "read", file: FILE, offset: 0, count: 4096 },
  { op: "read", file: FILE, offset: 0, count: 100_000 },
  { op: "readdir", file: ROOT, continues: false, dircount: 512, maxcount: 512 },
  { op: "readdirplus", file: ROOT, continues: false, dircount: 512, maxcount: 512 },
  { op: "fsstat", file: ROOT },
  { op: "fsinfo", file: ROOT },
  { op: "pathconf", file: ROOT },
];

describe("answers that servers may give (RFC 1813)", () => {
  test("the ones by hand are taken", async () => {
    const { node } = await mounted(good);
    for (const call of calls) expect(await node.call(call)).toBe(undefined);
    expect(node.told.complaints).toEqual([]);
    expect(node.told.differences).toEqual([]);
    expect(node.told.bytes).toBe(104_096);
  });

  test("NFS3ERR_JUKEBOX: asked again later, with another xid", async () => {
    let refusals = 2;
    const { node, server, clock } = await mounted((procedure, args, call) => {
      if (procedure !== 6 || refusals === 0) return good(procedure, args, call);
      refusals -= 1;
      return success(call, new Out().u32(10_008).raw(nothing).bytes());
    });
    let isDone = false;
    node.client.call({ op: "read", file: FILE, offset: 0, count: 512 }, () => {
      isDone = true;
    });
    for (let times = 0; times < 2; times += 1) {
      await settle();
      clock.advance(STORM_JUKEBOX_MS - 1);
      expect(isDone).toBe(false);
      clock.advance(1);
    }
    await settle();
    expect(isDone).toBe(true);
    const reads = server.last.calls.filter((call) => call.readUInt32BE(20) === 6);
    expect(new Set(reads.map((call) => call.readUInt32BE(0))).size).toBe(3);
    expect(node.told.repeated).toBe(2);
    expect(node.told.complaints).toEqual([]);
  });

  test("NFS3ERR_JUKEBOX without end: the node gives up after its patience, the call being no other's", async () => {
    const later = new Out().u32(10_008).raw(nothing).bytes();
    const { node, clock } = await mounted((procedure, args, call) =>
      procedure === 6 ? success(call, later) : good(procedure, args, call),
    );
    const ends: (string | undefined)[] = [];
    const read = { op: "read", file: FILE, offset: 0, count: 512 } as const;
    node.client.call(read, (failure) => ends.push(failure));
    // Others are answered meanwhile: the connection is well.
    for (let waited = 0; waited < 20_000; waited += STORM_JUKEBOX_MS) {
      expect(ends).toEqual([]);
      await settle();
      clock.advance(STORM_JUKEBOX_MS);
      await settle();
      expect(await node.call({ op: "getattr", file: ROOT })).toBe(undefined);
    }
    expect(ends).toEqual(["NFS: asked to come back later, again and again (NFS3ERR_JUKEBOX)"]);
    // The next call in its place has all of the patience again.
    node.client.call(read, (failure) => ends.push(failure));
    await settle();
    clock.advance(STORM_JUKEBOX_MS);
    await settle();
    expect(ends).toHaveLength(1);
  });

  test("a READDIR that failed is not under way: the next one is compared again", async () => {
    let isWell = false;
    const { node } = await mounted((procedure, args, call) => {
      if (procedure !== 16 || isWell) return good(procedure, args, call);
      return success(call, new Out().u32(5).raw(nothing).bytes());
    });
    const readdir = { op: "readdir", file: ROOT, dircount: 512, maxcount: 512 } as const;
    await node.call({ ...readdir, continues: false });
    expect(node.told.complaints).toEqual(["nfs READDIR: NFS3ERR_IO"]);
    node.expectations.checkCrc("nfs-names ", 0, 0, 1);
    isWell = true;
    await node.call({ ...readdir, continues: true });
    expect(node.told.differences).toEqual(["names in "]);
  });

  test("a server that reads less at once is asked for the rest", async () => {
    const { node } = await mounted((procedure, args, call) => {
      if (procedure !== 6) return good(procedure, args, call);
      const offset = args.readUInt32BE(args.length - 8);
      const count = Math.min(32_768, args.readUInt32BE(args.length - 4));
      return success(call, data(Buffer.alloc(count, offset >> 12), false).bytes());
    });
    await node.call({ op: "read", file: FILE, offset: 0, count: 100_000 });
    expect(node.told.calls.filter((name) => name === "READ")).toHaveLength(4);
    expect(node.told.bytes).toBe(100_000);
    expect(node.told.complaints).toEqual([]);
  });

  test("an end before the file's, and nothing at all, are short", async () => {
    for (const [bytes, isAtEnd] of [
      [100, true],
      [0, false],
      [0, true],
    ] as const) {
      const { node } = await mounted((procedure, args, call) => {
        if (procedure !== 6) return good(procedure, args, call);
        return success(call, data(Buffer.alloc(bytes), isAtEnd).bytes());
      });
      await node.call({ op: "read", file: FILE, offset: 0, count: 4096 });
      expect(node.told.complaints).toEqual(["nfs READ: short"]);
      expect(node.told.differences).toEqual(["READ: short, file"]);
    }
  });

  test("what is there and cannot be read is a difference", async () => {
    const { node } = await mounted((procedure, args, call) => {
      if (procedure !== 6 && procedure !== 5) return good(procedure, args, call);
      return success(call, new Out().u32(5).raw(nothing).bytes());
    });
    expect(await node.call({ op: "read", file: FILE, offset: 0, count: 4096 })).toBe(undefined);
    expect(await node.call({ op: "readlink", file: LINK })).toBe(undefined);
    expect(node.told.complaints).toEqual(["nfs READ: NFS3ERR_IO", "nfs READLINK: NFS3ERR_IO"]);
    expect(node.told.differences).toEqual(["READ: NFS3ERR_IO, file", "READLINK: NFS3ERR_IO, link"]);
  });

  test("what is in the tree and is not found is a difference", async () => {
    const { node } = await mounted((_, __, call) =>
      success(call, new Out().u32(2).raw(nothing).bytes()),
    );
    expect(await node.call({ op: "read", file: FILE, offset: 0, count: 4096 })).toBe(undefined);
    expect(node.told.differences).toEqual(["LOOKUP: NFS3ERR_NOENT, file"]);
  });

  test("no NFSACL: refused once, and asked for no more", async () => {
    const { node } = await mounted((procedure, args, call) => {
      const isAcl = call.readUInt32BE(PROGRAM_AT) === 100_227;
      return isAcl ? success(call, Buffer.alloc(0), 1) : good(procedure, args, call);
    });
    await node.call({ op: "acl-null", file: ROOT });
    await node.call({ op: "getacl", file: ROOT });
    expect(node.told.calls).toEqual(["MNT", "NFSACL NULL"]);
    expect(node.told.complaints).toEqual([]);
  });

  test("credentials that are refused end the node's way", async () => {
    const { node } = await mounted((_, __, call) => {
      const denied = new Out().u32(call.readUInt32BE(0)).u32(1).u32(1).u32(1).u32(1);
      return marked(denied.bytes());
    });
    expect(await node.call({ op: "getattr", file: ROOT })).toBe("NFS: calls are denied");
  });

  test("a file of another kind is a difference", async () => {
    const { node } = await mounted((procedure, args, call) => {
      if (procedure !== 1) return good(procedure, args, call);
      return success(call, new Out().u32(0).raw(attributes(1).bytes()).bytes());
    });
    await node.call({ op: "getattr", file: ROOT });
    expect(node.told.differences).toEqual(["type of "]);
  });
});

describe("answers that no server should give", () => {
  test("more than was asked for, and lengths that disagree", async () => {
    for (const results of [
      data(Buffer.alloc(5000), false),
      data(Buffer.alloc(4096), false, 4095),
      data(Buffer.alloc(4096), false).u32(0),
    ]) {
      const { node } = await mounted((procedure, args, call) =>
        procedure === 6 ? success(call, results.bytes()) : good(procedure, args, call),
      );
      await node.call({ op: "read", file: FILE, offset: 0, count: 4096 });
      expect(node.told.complaints).toContain("nfs READ: malformed");
      expect([node.told.bytes, node.told.differences]).toEqual([0, ["file"]]);
    }
  });

  test("cut short anywhere, the node complains, and goes on", async () => {
    const cut = { at: 0 };
    for (const wanted of calls) {
      const { node } = await mounted((procedure, args, call) => {
        const results = goodResults(procedure, args).bytes();
        const isIt = node.told.calls.length >= before;
        return success(call, isIt ? results.subarray(0, cut.at) : results);
      });
      // What it takes to know the file is asked for first.
      let before = Number.POSITIVE_INFINITY;
      if (wanted.op !== "lookup" && wanted.file !== ROOT) {
        await node.call({ op: "lookup", file: wanted.file });
      }
      before = node.told.calls.length;
      const length = 4 * 60;
      for (cut.at = 0; cut.at < length; cut.at += 4) {
        before = node.told.calls.length;
        const complaints = node.told.complaints.length;
        const again = "continues" in wanted ? { ...wanted, continues: false } : wanted;
        expect(await node.call(again)).toBe(undefined);
        const isWhole = cut.at >= goodResults(procedureOf(wanted), Buffer.alloc(4)).bytes().length;
        if (!isWhole) expect(node.told.complaints.length).toBeGreaterThan(complaints);
      }
    }
  });

  test("changed anyhow, nothing throws, and every call ends or is asked again", async () => {
    const random = new SeededRandom(7);
    for (let round = 0; round < 40; round += 1) {
      const { node, server, clock } = await mounted((procedure, args, call) => {
        const reply = good(procedure, args, call);
        const record = mutated(reply.subarray(4), reply.subarray(4), random);
        // The xid stays: otherwise nearly all would be replies to no call.
        if (record.length >= 4) call.copy(record, 0, 0, 4);
        return random.below(20) === 0 ? record : marked(record);
      });
      let ended = 0;
      for (const wanted of [...calls, ...calls]) {
        node.client.call(wanted, () => {
          ended += 1;
        });
        await settle();
      }
      server.answer = (call) => good(call.readUInt32BE(20), argsOf(call), call);
      for (let minutes = 0; minutes < 3 && ended < 2 * calls.length; minutes += 1) {
        clock.advance(15_000);
        server.break();
        await settle();
        clock.advance(0);
        await settle();
      }
      expect(ended).toBe(2 * calls.length);
      node[Symbol.dispose]();
    }
  });
});

function procedureOf({ op }: NfsCall): number {
  const procedures: Partial<Record<NfsCall["op"], number>> = {
    getattr: 1,
    lookup: 3,
    access: 4,
    readlink: 5,
    read: 6,
    readdir: 16,
    readdirplus: 17,
    fsstat: 18,
    fsinfo: 19,
    pathconf: 20,
  };
  return procedures[op] ?? 0;
}
