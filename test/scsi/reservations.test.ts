import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SCSI_REGISTRATIONS_MAX } from "../../src/limits.ts";
import type { Nexus } from "../../src/scsi/command.ts";
import type { Access } from "../../src/scsi/operation.ts";
import type { Unit } from "../../src/scsi/unit.ts";
import { bytes, hex, one, run, smallUnit, three, told, two } from "./small-unit.ts";

/** Service actions of PERSISTENT RESERVE OUT, SPC-4 table 219. */
const REGISTER = 0;
const RESERVE = 1;
const RELEASE = 2;
const CLEAR = 3;
const PREEMPT = 4;
const PREEMPT_AND_ABORT = 5;
const REGISTER_AND_IGNORE = 6;

const KEY = { one: 0x11n, two: 0x22n, three: 0x33n } as const;

interface Out {
  readonly key?: bigint;
  readonly actionKey?: bigint;
  readonly type?: number;
  readonly flags?: number;
}

function list({ key = 0n, actionKey = 0n, flags = 0 }: Out): Uint8Array {
  const data = Buffer.alloc(24);
  data.writeBigUInt64BE(key, 0);
  data.writeBigUInt64BE(actionKey, 8);
  data[20] = flags;
  return data;
}

function out(unit: Unit, nexus: Nexus, action: number, asked: Out): string {
  const cdb = Uint8Array.of(0x5f, action, asked.type ?? 0, 0, 0, 0, 0, 0, 24, 0);
  return told(run(unit, cdb, { nexus, data: list(asked) }));
}

const readKeys = (unit: Unit): string => hex(run(unit, "5e 00 0000000000 2000 00"));
const readReservation = (unit: Unit): string => hex(run(unit, "5e 01 0000000000 2000 00"));

/** All three registered, the first with a reservation. */
function reserved(type: number): Unit {
  const unit = smallUnit();
  out(unit, one, REGISTER, { actionKey: KEY.one });
  out(unit, two, REGISTER, { actionKey: KEY.two });
  out(unit, one, RESERVE, { key: KEY.one, type });
  return unit;
}

function attentions(unit: Unit): Record<string, string> {
  const all = Object.entries({ one, two, three }).map(([name, nexus]) => {
    const told: string[] = [];
    for (let next = unit.attentions.next(nexus); next; next = unit.attentions.next(nexus)) {
      told.push(next.map((byte) => byte.toString(16).padStart(2, "0")).join("/"));
    }
    return [name, told.join(" ")];
  });
  return Object.fromEntries(all.filter(([, text]) => text !== ""));
}

describe("registration", () => {
  test("SPC-4 §5.12.7: with a key, with another, and not any more", () => {
    const unit = smallUnit();
    expect(readKeys(unit)).toBe("0000000000000000");
    expect(out(unit, one, REGISTER, { actionKey: 0xabcdefn })).toBe("00");
    expect(readKeys(unit)).toBe("00000001 00000008 0000000000abcdef".replaceAll(" ", ""));
    expect(out(unit, one, REGISTER, { key: 0xabcdefn, actionKey: 2n })).toBe("00");
    expect(out(unit, two, REGISTER, { actionKey: 3n })).toBe("00");
    expect(readKeys(unit)).toBe(
      "00000003 00000010 0000000000000002 0000000000000003".replaceAll(" ", ""),
    );
    expect(out(unit, one, REGISTER, { key: 2n, actionKey: 0n })).toBe("00");
    expect(readKeys(unit)).toBe("00000004 00000008 0000000000000003".replaceAll(" ", ""));
  });

  test("SPC-4 table 222: another key than the one registered is a conflict", () => {
    const unit = smallUnit();
    expect(out(unit, one, REGISTER, { key: 1n, actionKey: 2n })).toBe("18");
    expect(out(unit, one, REGISTER, { actionKey: 1n })).toBe("00");
    expect(out(unit, one, REGISTER, { actionKey: 2n })).toBe("18");
    expect(out(unit, one, REGISTER, { key: 3n, actionKey: 0n })).toBe("18");
    expect(readKeys(unit).slice(0, 16)).toBe("0000000100000008");
  });

  test("SPC-4 table 223: REGISTER AND IGNORE EXISTING KEY, whatever it was", () => {
    const unit = smallUnit();
    expect(out(unit, one, REGISTER_AND_IGNORE, { key: 9n, actionKey: 1n })).toBe("00");
    expect(out(unit, one, REGISTER_AND_IGNORE, { key: 9n, actionKey: 2n })).toBe("00");
    expect(readKeys(unit)).toBe("00000002000000080000000000000002");
    expect(out(unit, one, REGISTER_AND_IGNORE, { actionKey: 0n })).toBe("00");
    expect(readKeys(unit)).toBe("0000000300000000");
  });

  test("SPC-4 table 222: who is not registered and does not want to be is told GOOD", () => {
    const unit = smallUnit();
    expect(out(unit, one, REGISTER, {})).toBe("00");
    expect(out(unit, one, REGISTER_AND_IGNORE, {})).toBe("00");
    expect(readKeys(unit)).toBe("0000000000000000");
  });

  test("bounded: an invented initiator port more is refused, those registered go on", () => {
    const unit = smallUnit();
    const port = (at: number): Nexus => ({ initiatorPort: `iqn.invented:${at},i,0x1` });
    for (let at = 0; at < SCSI_REGISTRATIONS_MAX; at += 1) {
      expect(out(unit, port(at), REGISTER, { actionKey: 1n })).toBe("00");
    }
    expect(out(unit, one, REGISTER, { actionKey: 1n })).toBe("02 5/55/04");
    expect(out(unit, port(0), REGISTER, { key: 1n, actionKey: 2n })).toBe("00");
    expect(out(unit, port(0), REGISTER, { key: 2n })).toBe("00");
    expect(out(unit, one, REGISTER, { actionKey: 1n })).toBe("00");
  });

  test("SPC-4 §5.12.1: it is the initiator port's, whatever becomes of its sessions", () => {
    const unit = reserved(3);
    unit.reservations.detach(one);
    unit.reservations.reset();
    expect(unit.reservations.permits({ ...one }, "write")).toBe(true);
    expect(unit.reservations.permits(two, "read")).toBe(false);
  });

  test("SPC-4 §6.16.3: lists of another length, and what is not kept over restarts, are refused", () => {
    const unit = smallUnit();
    const short = run(unit, "5f 06 00 0000 00000017 00", { data: list({}).subarray(1) });
    expect(told(short)).toBe("02 5/1a/00");
    expect(short.dataOutWanted).toBe(0);
    const long = new Uint8Array(64);
    expect(told(run(unit, "5f 06 00 0000 00000040 00", { data: long }))).toBe("02 5/1a/00");
    const less = run(unit, "5f 06 00 0000 00000018 00", { data: list({}).subarray(8) });
    expect(told(less)).toBe("02 5/1a/00");
    expect(less.dataOutWanted).toBe(24);
    expect(out(unit, one, REGISTER, { actionKey: 1n, flags: 0x01 })).toBe("02 5/26/00 p20.0");
    expect(out(unit, one, REGISTER, { actionKey: 1n, flags: 0x08 })).toBe("02 5/26/00 p20.3");
    expect(readKeys(unit)).toBe("0000000000000000");
    expect(out(unit, one, REGISTER, { actionKey: 1n, flags: 0x04 })).toBe("00");
  });
});

/** SPC-4 table 66 and SBC-3 table 13: what runs for holder, registered, not registered. */
const mayRun = {
  1: { registered: "read", stranger: "read" },
  3: { registered: "", stranger: "" },
  5: { registered: "read write manage", stranger: "read" },
  6: { registered: "read write manage", stranger: "" },
  7: { registered: "read write manage", stranger: "read" },
  8: { registered: "read write manage", stranger: "" },
} as const;

describe("who is kept from what", () => {
  test.each(Object.entries(mayRun))("SPC-4 table 66: type %s", (type, expected) => {
    const unit = reserved(Number(type));
    const allowed = (nexus: Nexus): string =>
      (["read", "write", "manage"] satisfies Access[])
        .filter((access) => unit.reservations.permits(nexus, access))
        .join(" ");
    expect(allowed(one)).toBe("read write manage");
    expect(allowed(two)).toBe(expected.registered);
    expect(allowed(three)).toBe(expected.stranger);
    for (const access of ["identify", "always", "release"] satisfies Access[]) {
      expect(unit.reservations.permits(three, access)).toBe(true);
    }
  });

  test("SPC-2 §5.5.1: RESERVE keeps all others out until RELEASE, a reset, or its session's end", () => {
    const unit = smallUnit();
    const isFree = (): boolean => unit.reservations.permits(two, "always");
    for (const end of [
      () => run(unit, "17 00 00 00 00 00"),
      () => run(unit, "57 00 00 00 00 00 00 00 00 00"),
      () => unit.reservations.reset(),
      () => unit.reservations.detach(one),
    ]) {
      expect(told(run(unit, "16 00 00 00 00 00"))).toBe("00");
      expect(told(run(unit, "56 00 00 00 00 00 00 00 00 00"))).toBe("00");
      expect(told(run(unit, "16 00 00 00 00 00", { nexus: two }))).toBe("18");
      expect(told(run(unit, "17 00 00 00 00 00", { nexus: two }))).toBe("00");
      unit.reservations.detach(two);
      expect(isFree()).toBe(false);
      expect(unit.reservations.permits(two, "identify")).toBe(true);
      expect(unit.reservations.permits(two, "release")).toBe(true);
      expect(unit.reservations.permits(one, "write")).toBe(true);
      end();
      expect(isFree()).toBe(true);
    }
  });

  test("SPC-2 §7.21: third parties and extents are refused", () => {
    expect(told(run(smallUnit(), "16 01 00 00 00 00"))).toBe("02 5/24/00 c1.0");
    expect(told(run(smallUnit(), "17 10 00 00 00 00"))).toBe("02 5/24/00 c1.4");
    expect(told(run(smallUnit(), "56 02 00 00 00 00 00 00 00 00"))).toBe("02 5/24/00 c1.1");
  });

  test("SPC-4 §5.12.3: RESERVE and RELEASE do nothing for those whom a persistent one lets in", () => {
    for (const [type, registered] of [
      [1, "18"],
      [5, "00"],
      [8, "00"],
    ] as const) {
      const unit = reserved(type);
      for (const cdb of ["16 00 00 00 00 00", "17 00 00 00 00 00"]) {
        expect(told(run(unit, cdb, { nexus: one }))).toBe("00");
        expect(told(run(unit, cdb, { nexus: two }))).toBe(registered);
        expect(told(run(unit, cdb, { nexus: three }))).toBe("18");
      }
      expect(unit.reservations.isReserved).toBe(false);
    }
  });

  test("SPC-4 §5.12.3: what RESERVE took is in the way of all that is persistent, even for itself", () => {
    const unit = smallUnit();
    run(unit, "16 00 00 00 00 00");
    expect(out(unit, one, REGISTER, { actionKey: 1n })).toBe("18");
    expect(told(run(unit, "5e 00 0000000000 2000 00"))).toBe("18");
    run(unit, "17 00 00 00 00 00");
    expect(out(unit, one, REGISTER, { actionKey: 1n })).toBe("00");
    expect(told(run(unit, "16 00 00 00 00 00"))).toBe("18");
  });
});

describe("persistent reservations", () => {
  test.each([1, 3, 5, 6])("SPC-4 §6.15.3: type %d is its holder's", (type) => {
    expect(readReservation(reserved(type))).toBe(
      `00000002 00000010 0000000000000011 00000000 00 0${type} 0000`.replaceAll(" ", ""),
    );
  });

  test.each([7, 8])("SPC-4 §6.15.3: type %d is every registrant's, and shows no key", (type) => {
    expect(readReservation(reserved(type))).toBe(
      `00000002 00000010 0000000000000000 00000000 00 0${type} 0000`.replaceAll(" ", ""),
    );
  });

  test("SPC-4 §5.12.9: only registered, only one, of a type that there is", () => {
    const unit = reserved(1);
    expect(out(unit, three, RESERVE, { key: 0n, type: 1 })).toBe("18");
    expect(out(unit, one, RESERVE, { key: KEY.two, type: 1 })).toBe("18");
    expect(out(unit, one, RESERVE, { key: KEY.one, type: 1 })).toBe("00");
    expect(out(unit, one, RESERVE, { key: KEY.one, type: 3 })).toBe("18");
    expect(out(unit, two, RESERVE, { key: KEY.two, type: 1 })).toBe("18");
    for (const type of [0, 2, 4, 9, 15]) {
      expect(out(unit, one, RESERVE, { key: KEY.one, type })).toBe("02 5/24/00 c2.3");
    }
    expect(out(unit, one, RESERVE, { key: KEY.one, type: 0x21 })).toBe("02 5/24/00 c2.7");
  });

  test("SPC-4 §5.12.11.2: RELEASE by the holder, as it was reserved", () => {
    const unit = reserved(1);
    expect(out(unit, two, RELEASE, { key: KEY.two, type: 1 })).toBe("00");
    expect(out(unit, three, RELEASE, { type: 1 })).toBe("18");
    expect(out(unit, one, RELEASE, { key: KEY.two, type: 1 })).toBe("18");
    expect(out(unit, one, RELEASE, { key: KEY.one, type: 3 })).toBe("02 5/26/04");
    expect(unit.reservations.isHolder(one.initiatorPort)).toBe(true);
    expect(out(unit, one, RELEASE, { key: KEY.one, type: 1 })).toBe("00");
    expect(out(unit, one, RELEASE, { key: KEY.one, type: 1 })).toBe("00");
    expect(readReservation(unit)).toBe("0000000200000000");
    expect(attentions(unit)).toEqual({});
  });

  test.each([5, 6, 7, 8])("SPC-4 §5.12.11.2: of type %d, other registrants are told", (type) => {
    const unit = reserved(type);
    expect(out(unit, one, RELEASE, { key: KEY.one, type })).toBe("00");
    expect(attentions(unit)).toEqual({ two: "2a/04" });
  });

  test("SPC-4 §5.12.11.2: any registrant releases what all of them hold", () => {
    const unit = reserved(7);
    expect(out(unit, two, RELEASE, { key: KEY.two, type: 7 })).toBe("00");
    expect(unit.reservations.reservation).toBeUndefined();
    expect(attentions(unit)).toEqual({ one: "2a/04" });
  });

  test.each([
    [1, undefined, {}],
    [3, undefined, {}],
    [5, undefined, { two: "2a/04" }],
    [6, undefined, { two: "2a/04" }],
    [7, 7, {}],
    [8, 8, {}],
  ])("SPC-4 §5.12.11.3: type %d, when its holder is no longer registered", (type, left, heard) => {
    const unit = reserved(type);
    expect(out(unit, one, REGISTER, { key: KEY.one })).toBe("00");
    expect(unit.reservations.reservation?.type).toBe(left);
    expect(attentions(unit)).toEqual(heard);
    expect(out(unit, two, REGISTER, { key: KEY.two })).toBe("00");
    expect(unit.reservations.reservation).toBeUndefined();
  });

  test("SPC-4 §5.12.11.5: CLEAR takes all away, and tells the others", () => {
    const unit = reserved(3);
    expect(out(unit, two, CLEAR, { key: KEY.one })).toBe("18");
    expect(out(unit, two, CLEAR, { key: KEY.two })).toBe("00");
    expect(readKeys(unit)).toBe("0000000300000000");
    expect(readReservation(unit)).toBe("0000000300000000");
    expect(attentions(unit)).toEqual({ one: "2a/03" });
  });

  test("SPC-4 §6.15.4: what can be done", () => {
    expect(hex(run(smallUnit(), "5e 02 0000000000 2000 00"))).toBe("000814" + "90ea010000");
  });

  test("SPC-4 §6.15.5: full status, with transport ids that end with zeros", () => {
    const unit = reserved(5);
    const id = (name: string): string => {
      const text = Buffer.from(name, "ascii");
      const padded = Buffer.concat([text, Buffer.alloc(4 - (text.length % 4))]);
      return `4500${padded.length.toString(16).padStart(4, "0")}${padded.toString("hex")}`;
    };
    const ids = [one, two].map(({ initiatorPort }) => id(initiatorPort));
    const length = ids.map((text) => (text.length / 2).toString(16).padStart(8, "0"));
    expect(hex(run(unit, "5e 03 0000000000 2000 00"))).toBe(
      [
        "00000002",
        (48 + ids.join("").length / 2).toString(16).padStart(8, "0"),
        `0000000000000011 00000000 01 05 00000000 0001 ${length[0]}${ids[0]}`,
        `0000000000000022 00000000 00 00 00000000 0001 ${length[1]}${ids[1]}`,
      ]
        .join("")
        .replaceAll(" ", ""),
    );
  });

  test("SPC-4 §6.15.2: the length is that of all keys, however few have room", () => {
    const unit = reserved(1);
    expect(hex(run(unit, "5e 00 0000000000 0008 00"))).toBe("0000000200000010");
    expect(hex(run(unit, "5e 00 0000000000 0010 00"))).toBe("00000002000000100000000000000011");
    expect(run(unit, "5e 00 0000000000 0000 00").dataInBytes).toBe(0);
  });
});

describe("PREEMPT", () => {
  test.each([PREEMPT, PREEMPT_AND_ABORT])(
    "SPC-4 §5.12.11.4.3: action %d takes the reservation and the holder's registration",
    (action) => {
      const unit = reserved(3);
      const asked = { key: KEY.two, actionKey: KEY.one, type: 1 };
      expect(out(unit, two, action, asked)).toBe("00");
      expect(unit.reservations.reservation).toEqual({ type: 1, holder: two.initiatorPort });
      expect(readKeys(unit)).toBe("00000003000000080000000000000022");
      expect(attentions(unit)).toEqual({ one: "2a/05" });
      expect(unit.reservations.permits(one, "write")).toBe(false);
    },
  );

  test("SPC-4 §5.12.11.4.3: who stays registered hears that the type is another", () => {
    const unit = reserved(3);
    out(unit, three, REGISTER, { actionKey: KEY.three });
    expect(out(unit, two, PREEMPT, { key: KEY.two, actionKey: KEY.one, type: 5 })).toBe("00");
    expect(attentions(unit)).toEqual({ one: "2a/05", three: "2a/04" });
  });

  test("SPC-4 §5.12.11.4.3: the holder takes it from itself, with another type", () => {
    const unit = reserved(3);
    expect(out(unit, one, PREEMPT, { key: KEY.one, actionKey: KEY.one, type: 6 })).toBe("00");
    expect(unit.reservations.reservation).toEqual({ type: 6, holder: one.initiatorPort });
    expect(unit.reservations.registrations()).toHaveLength(2);
    expect(attentions(unit)).toEqual({ two: "2a/04" });
  });

  test("SPC-4 §5.12.11.4.3: all registrants', with key zero: all others lose it", () => {
    const unit = reserved(8);
    expect(out(unit, two, PREEMPT, { key: KEY.two, actionKey: 0n, type: 3 })).toBe("00");
    expect(unit.reservations.reservation).toEqual({ type: 3, holder: two.initiatorPort });
    expect(unit.reservations.registrations()).toEqual([{ port: two.initiatorPort, key: KEY.two }]);
    expect(attentions(unit)).toEqual({ one: "2a/05" });
  });

  test("SPC-4 §5.12.11.4.4: only registrations, where they are not the holder's", () => {
    const unit = reserved(3);
    out(unit, three, REGISTER, { actionKey: KEY.three });
    expect(out(unit, one, PREEMPT, { key: KEY.one, actionKey: KEY.two, type: 1 })).toBe("00");
    expect(unit.reservations.reservation).toEqual({ type: 3, holder: one.initiatorPort });
    expect(attentions(unit)).toEqual({ two: "2a/05" });
    expect(unit.reservations.registrations().map(({ key }) => key)).toEqual([KEY.one, KEY.three]);
  });

  test("SPC-4 §5.12.11.4.4: without a reservation", () => {
    const unit = smallUnit();
    out(unit, one, REGISTER, { actionKey: KEY.one });
    out(unit, two, REGISTER, { actionKey: KEY.two });
    expect(out(unit, two, PREEMPT, { key: KEY.two, actionKey: KEY.one, type: 3 })).toBe("00");
    expect(readKeys(unit)).toBe("00000003000000080000000000000022");
    expect(unit.reservations.reservation).toBeUndefined();
    expect(attentions(unit)).toEqual({ one: "2a/05" });
  });

  test("SPC-4 §5.12.11.4.4: all registrants' reservation goes with the last of them", () => {
    const unit = smallUnit();
    out(unit, one, REGISTER, { actionKey: KEY.one });
    out(unit, one, RESERVE, { key: KEY.one, type: 7 });
    expect(out(unit, one, PREEMPT, { key: KEY.one, actionKey: KEY.one, type: 7 })).toBe("00");
    expect(unit.reservations.reservation).toBeUndefined();
    expect(unit.reservations.registrations()).toEqual([]);
  });

  test("SPC-4 §5.12.11.4: a key that no one has, none, and one who has none", () => {
    const unit = reserved(3);
    expect(out(unit, two, PREEMPT, { key: KEY.two, actionKey: 0x99n, type: 3 })).toBe("18");
    expect(out(unit, two, PREEMPT, { key: KEY.two, actionKey: 0n, type: 3 })).toBe("02 5/26/00 p8");
    expect(out(unit, three, PREEMPT, { actionKey: KEY.one, type: 3 })).toBe("18");
    expect(readKeys(unit).slice(0, 16)).toBe("0000000200000010");
  });
});

test("SPC-4 §5.12: after any sequence, a holder is registered, and the generation never goes back", () => {
  const step = fc.record({
    nexus: fc.constantFrom(one, two, three),
    action: fc.integer({ min: 0, max: 6 }),
    key: fc.constantFrom(0n, 1n, 2n),
    actionKey: fc.constantFrom(0n, 1n, 2n),
    type: fc.constantFrom(1, 3, 5, 6, 7, 8),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const unit = smallUnit();
      let generation = 0;
      for (const { nexus, action, ...asked } of steps) {
        const before = unit.reservations.registrations();
        const status = out(unit, nexus, action, asked);
        const { reservation } = unit.reservations;
        const ports = unit.reservations.registrations().map(({ port }) => port);
        if (status !== "00") expect(unit.reservations.registrations()).toEqual(before);
        if (reservation !== undefined) {
          expect(ports.length).toBeGreaterThan(0);
          if (reservation.holder !== undefined) expect(ports).toContain(reservation.holder);
          expect(reservation.holder === undefined).toBe(reservation.type >= 7);
        }
        expect(unit.reservations.generation).toBeGreaterThanOrEqual(generation);
        generation = unit.reservations.generation;
      }
      const keys = bytes(readKeys(unit));
      expect(keys.length).toBe(8 + Buffer.from(keys).readUInt32BE(4));
    }),
    { numRuns: 300 },
  );
});
