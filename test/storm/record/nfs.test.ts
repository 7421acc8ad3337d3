import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Writer } from "../../../src/bytes/writer.ts";
import { writeString } from "../../../src/rpc/xdr.ts";
import type { Event } from "../../../src/storm/record/event.ts";
import { FileTable } from "../../../src/storm/record/file-table.ts";
import { mountEventsOf } from "../../../src/storm/record/mount.ts";
import { nfsEventsOf } from "../../../src/storm/record/nfs.ts";
import type { NfsCall, TraceFile } from "../../../src/storm/trace/trace.ts";
import { lackingOf, title } from "../../needs.ts";
import { streamOf, streamsOf, tsharkFields } from "./recorded.ts";

/** Real boots' calls, against another decoder's list (fixtures/traces) and tshark; what those have not, by hand from RFC 1813. */

interface Recorded {
  readonly events: readonly Event[];
  readonly files: readonly TraceFile[];
}

function recordedIn(capture: string): Recorded {
  const files = new FileTable();
  const streams = streamsOf(capture);
  for (const stream of streams) mountEventsOf(stream, files, () => {});
  const events = streams.flatMap((stream) => nfsEventsOf(stream, files));
  return { events, files: files.files };
}

function nfsCalls(events: readonly Event[]): NfsCall[] {
  return events.flatMap(({ deed }) => (deed.kind === "nfs" ? [deed.call] : []));
}

interface Row {
  readonly at: number;
  readonly took: number;
  readonly op: string;
  readonly path: string;
  readonly isMissing: boolean;
  readonly part: string;
}

/** As the other decoder wrote them: `nfs LOOKUP /etc fstab`. */
function listed(name: string): Row[] {
  const file = new URL(`../../../fixtures/traces/${name}.nfs.tsv`, import.meta.url);
  const [, ...lines] = readFileSync(fileURLToPath(file), "utf8").trimEnd().split("\n");
  return lines.flatMap((line) => {
    const [t, program, op, , above = "", child = "", off, cnt, , , status, , took] =
      line.split("\t");
    if (program !== "nfs" && program !== "nfsacl") return [];
    const path = [...above.split("/"), child].filter((part) => part !== "").join("/");
    return {
      at: Number(t) * 1e6,
      took: Number(took),
      op: program === "nfsacl" && op === "NULL" ? "acl-null" : (op ?? "").toLowerCase(),
      path,
      isMissing: op === "LOOKUP" && status !== "0",
      part: op === "READ" ? `${off}+${cnt}` : "",
    };
  });
}

describe("calls of real boots", () => {
  test.each(["a-bios-tmpfs", "b1-bios-iscsi", "e1-nocto-noacl", "k-fast"])(
    "%s: operation, file, range and time of each call are what another decoder found",
    (name) => {
      const { events, files } = recordedIn(`boots/${name}`);
      const rows = listed(name).slice(0, events.length);
      const [begun = 0, origin = 0] = [events[0]?.sentAt, rows[0]?.at];
      const found = events.map(({ sentAt, endedAt, deed }) => {
        const call = deed.kind === "nfs" ? deed.call : undefined;
        const file = files[call?.file ?? -1];
        return {
          at: sentAt - begun,
          took: endedAt - sentAt,
          op: call?.op ?? "",
          path: file?.path ?? "?",
          isMissing: file?.type === "missing",
          part: call?.op === "read" ? `${call.offset}+${call.count}` : "",
        };
      });
      expect(found.length).toBeGreaterThan(70);
      const near = (value: number): number => expect.closeTo(value, -0.5);
      expect(found).toEqual(
        rows.map((row) => ({ ...row, at: near(row.at - origin), took: near(row.took) })),
      );
    },
  );

  test("what was found is told by its attributes", () => {
    const { files } = recordedIn("boots/k-fast");
    expect(files).toContainEqual({ path: "etc/fstab", type: "file", size: 37 });
    expect(files).toContainEqual({ path: "", type: "directory", size: expect.any(Number) });
    expect(files).toContainEqual({ path: "etc/hostname", type: "missing", size: 0 });
    const links = files.filter(({ type }) => type === "link");
    expect(links).toContainEqual({ path: "sbin", type: "link", size: "usr/sbin".length });
  });

  test("a server without NFSACL was asked for it all the same", () => {
    expect(nfsCalls(recordedIn("boots/m-noacl-server").events)).toContainEqual({
      op: "acl-null",
      file: expect.any(Number),
    });
  });

  const lacking = lackingOf("tshark");
  test.skipIf(lacking !== undefined)(
    title("tshark finds the same counts and masks", lacking),
    () => {
      const capture = "boots/b1-bios-iscsi";
      const calls = nfsCalls(recordedIn(capture).events);
      const [procedures = []] = tsharkFields(capture, "rpc.msgtyp == 0 && nfs", "nfs.procedure_v3");
      const [masks = []] = tsharkFields(
        capture,
        "rpc.msgtyp == 0 && nfs.procedure_v3 == 4",
        "nfs.access_check",
      );
      const of = (op: NfsCall["op"], number: string): number[] => [
        calls.filter((call) => call.op === op).length,
        procedures.filter((procedure) => procedure === number).length,
      ];
      for (const [op, number] of [
        ["getattr", "1"],
        ["lookup", "3"],
        ["access", "4"],
        ["readlink", "5"],
        ["read", "6"],
      ] as const) {
        const [ours, theirs] = of(op, number);
        expect(ours, op).toBe(theirs);
      }
      const asked = calls.flatMap((call) => (call.op === "access" ? [call.access] : []));
      expect(asked).toEqual(masks.map(Number));
    },
  );
});

const ROOT = Uint8Array.from([1, 1, 1, 1]);
const handleOf = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);
type Put = (writer: Writer) => void;

function xdr(put: Put): Uint8Array {
  const bytes = new Uint8Array(4096);
  const writer = new Writer(bytes);
  put(writer);
  return bytes.subarray(0, writer.offset);
}

function opaque(writer: Writer, bytes: Uint8Array): void {
  writer.u32(bytes.length).put(bytes);
}

/** RFC 1813 §2.6: fattr3. */
function attributes(writer: Writer, type: number, size: number): void {
  writer.u32(type).u32(0o644).u32(1).u32(0).u32(0);
  writer
    .size64(size)
    .size64(size)
    .zeros(8 + 8 + 8 + 24);
}

/** RFC 5531 §9, §11. */
function call(xid: number, procedure: number, args: Put, program = 100_003): Uint8Array {
  return marked((writer) => {
    writer.u32(xid).u32(0).u32(2).u32(program).u32(3).u32(procedure);
    // AUTH_SYS of five words, and no verifier.
    writer.u32(1).u32(20).zeros(20).zeros(8);
    args(writer);
  });
}

function reply(xid: number, results: Put): Uint8Array {
  return marked((writer) => {
    writer.u32(xid).u32(1).u32(0).zeros(8).u32(0);
    results(writer);
  });
}

function marked(put: Put): Uint8Array {
  const body = xdr(put);
  return xdr((writer) => writer.u32(0x8000_0000 + body.length).put(body));
}

const noAttributes: Put = (writer) => void writer.u32(0).u32(0);

interface Said {
  readonly sent: readonly Uint8Array[];
  readonly received: readonly Uint8Array[];
}

function recorded({ sent, received }: Said): Recorded {
  const files = new FileTable();
  files.root(ROOT);
  const events = nfsEventsOf(streamOf(Buffer.concat(sent), Buffer.concat(received)), files);
  return { events, files: files.files };
}

/** One directory is listed, in two parts; then its entries are named by what the list told. */
const listing: Said = {
  sent: [
    call(1, 17, (w) => {
      opaque(w, ROOT);
      w.zeros(16).u32(512).u32(4096);
    }),
    call(2, 17, (w) => {
      opaque(w, ROOT);
      w.zeros(4).u32(9).zeros(8).u32(512).u32(4096);
    }),
    call(3, 16, (w) => {
      opaque(w, handleOf(2));
      w.zeros(16).u32(1000);
    }),
    call(4, 1, (w) => opaque(w, handleOf(3))),
    call(5, 3, (w) => {
      opaque(w, handleOf(2));
      writeString(w, "..");
    }),
    call(6, 6, (w) => {
      opaque(w, handleOf(3));
      w.size64(2 ** 33).u32(65_536);
    }),
  ],
  received: [
    reply(1, (w) => {
      w.u32(0).u32(1);
      attributes(w, 2, 99);
      w.zeros(8);
      w.u32(1).zeros(8);
      writeString(w, "dir");
      w.zeros(8).u32(1);
      attributes(w, 2, 100);
      w.u32(1);
      opaque(w, handleOf(2));
      w.u32(0).u32(0);
    }),
    reply(2, (w) => {
      w.u32(0).u32(0).zeros(8);
      w.u32(1).zeros(8);
      writeString(w, "big");
      w.zeros(8).u32(1);
      attributes(w, 1, 2 ** 34);
      w.u32(1);
      opaque(w, handleOf(3));
      w.u32(1).zeros(8);
      writeString(w, "nobody names it");
      w.zeros(8).u32(0).u32(0);
      w.u32(0).u32(1);
    }),
    reply(3, noAttributes),
    reply(4, (w) => {
      w.u32(0);
      attributes(w, 1, 2 ** 34);
    }),
    reply(5, (w) => {
      w.u32(0);
      opaque(w, ROOT);
      w.u32(0).u32(0);
    }),
    reply(6, noAttributes),
  ],
};

describe("what those boots have not", () => {
  test("files are known by what READDIRPLUS told, and parents by ..", () => {
    const { events, files } = recorded(listing);
    expect(files).toEqual([
      { path: "", type: "directory", size: 99 },
      { path: "dir", type: "directory", size: 100 },
      { path: "big", type: "file", size: 2 ** 34 },
    ]);
    expect(nfsCalls(events)).toEqual([
      { op: "readdirplus", file: 0, continues: false, dircount: 512, maxcount: 4096 },
      { op: "readdirplus", file: 0, continues: true, dircount: 512, maxcount: 4096 },
      { op: "readdir", file: 1, continues: false, dircount: 1000, maxcount: 1000 },
      { op: "getattr", file: 2 },
      { op: "lookup", file: 0 },
      { op: "read", file: 2, offset: 2 ** 33, count: 65_536 },
    ]);
  });

  test("an event is from the first byte of the call to the last of its reply, in whatever order replies come", () => {
    const sent = [call(7, 0, () => {}), call(8, 19, (w) => opaque(w, ROOT))];
    const received = [reply(8, noAttributes), reply(7, () => {})];
    const { events } = recorded({ sent, received });
    const [first = 0, second = 0] = received.map((bytes) => bytes.length);
    expect(events).toEqual([
      {
        sentAt: 0,
        endedAt: first + second - 1,
        deed: { kind: "nfs", call: { op: "null", file: 0 } },
      },
      {
        sentAt: sent[0]?.length,
        endedAt: first - 1,
        deed: { kind: "nfs", call: { op: "fsinfo", file: 0 } },
      },
    ]);
  });

  test("a message in several fragments is one, and a call sent again is one", () => {
    const getattr = call(4, 1, (w) => opaque(w, ROOT)).subarray(4);
    const fragments = xdr((w) => {
      w.u32(10).put(getattr.subarray(0, 10));
      w.u32(0x8000_0000 + getattr.length - 10).put(getattr.subarray(10));
    });
    const answer = reply(4, (w) => {
      w.u32(0);
      attributes(w, 2, 5);
    });
    const { events, files } = recorded({
      sent: [fragments, fragments],
      received: [answer, answer],
    });
    expect(nfsCalls(events)).toEqual([{ op: "getattr", file: 0 }]);
    expect(files).toEqual([{ path: "", type: "directory", size: 5 }]);
  });

  test.each([
    ["what was not answered", [call(1, 1, (w) => opaque(w, ROOT))], []],
    ["what writes", [call(1, 7, (w) => opaque(w, ROOT))], [reply(1, noAttributes)]],
    [
      "a file that nothing told of",
      [call(1, 1, (w) => opaque(w, handleOf(9)))],
      [reply(1, (w) => w.u32(70))],
    ],
    [
      "names that are none",
      ["a/b", "", "a\0b"].map((name, xid) =>
        call(xid, 3, (w) => {
          opaque(w, ROOT);
          writeString(w, name);
        }),
      ),
      [0, 1, 2].map((xid) => reply(xid, noAttributes)),
    ],
    ["another version", [call(1, 0, () => {}, 100_000)], [reply(1, () => {})]],
  ])("left out: %s", (_, sent, received) => {
    expect(recorded({ sent, received })).toEqual({ events: [], files: [] });
  });

  test("a lookup that fails is of a missing file, until it is found", () => {
    const lookup = (xid: number): Uint8Array =>
      call(xid, 3, (w) => {
        opaque(w, ROOT);
        writeString(w, "late");
      });
    const missing = reply(1, (w) => w.u32(2).u32(0));
    const found = reply(2, (w) => {
      w.u32(0);
      opaque(w, handleOf(2));
      w.u32(0).u32(0);
    });
    const once = recorded({ sent: [lookup(1)], received: [missing] });
    expect(once.files).toEqual([{ path: "late", type: "missing", size: 0 }]);
    const twice = recorded({ sent: [lookup(1), lookup(2)], received: [missing, found] });
    expect(twice.files).toEqual([{ path: "late", type: "other", size: 0 }]);
    expect(nfsCalls(twice.events)).toHaveLength(2);
  });
});

test("where the recording has a gap, what is whole before it is told", () => {
  const calls = [
    call(1, 19, (w) => opaque(w, ROOT)),
    new Uint8Array(64),
    call(2, 19, (w) => opaque(w, ROOT)),
  ];
  const { events } = recorded({
    sent: calls,
    received: [reply(1, noAttributes), reply(2, noAttributes)],
  });
  expect(events).toHaveLength(1);
});

describe("hostile bytes", () => {
  const sent = Buffer.concat(listing.sent);
  const received = Buffer.concat(listing.received);

  test("any end of a connection leaves what was whole before it", () => {
    const counts = [...sent.keys(), sent.length].map(
      (end) => recorded({ sent: [sent.subarray(0, end)], received: [received] }).events.length,
    );
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBe(6);
    for (const end of received.keys()) {
      recorded({ sent: [sent], received: [received.subarray(0, end)] });
    }
  });

  test("mutated bytes break nothing", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    const changed = (bytes: Uint8Array, at: readonly (readonly [number, number])[]): Uint8Array => {
      const copy = Uint8Array.from(bytes);
      for (const [offset, value] of at) copy[offset % copy.length] = value;
      return copy;
    };
    fc.assert(
      fc.property(changes, changes, (inSent, inReceived) => {
        const { events, files } = recorded({
          sent: [changed(sent, inSent)],
          received: [changed(received, inReceived)],
        });
        expect(nfsCalls(events).every(({ file }) => files[file] !== undefined)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
