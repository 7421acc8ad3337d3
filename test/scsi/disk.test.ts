import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SCSI_TASKS_MAX } from "../../src/limits.ts";
import { operations } from "../../src/scsi/operations.ts";
import { be, bench, cdb10, GOOD, Initiator, padded, pattern, taken, told } from "./initiator.ts";

const READ = cdb10(0x28, 0, 0, 1);
const WRITE = cdb10(0x2a, 0, 0, 1);
const TEST_UNIT_READY = [0, 0, 0, 0, 0, 0];
const RESERVE = [0x16, 0, 0, 0, 0, 0];
const RELEASE = [0x17, 0, 0, 0, 0, 0];
const INQUIRY = [0x12, 0, 0, 0, 96, 0];
const REPORT_LUNS = [0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0];
const CONFLICT = "status 18";

describe("SPC-4 §4.3.2: what is asked for", () => {
  test("an opcode that is not known: INVALID COMMAND OPERATION CODE; a service action: INVALID FIELD IN CDB", () => {
    const { initiator, disk } = bench({ blocks: 8 });
    for (const opcode of [0x04, 0x48, 0x7f, 0x9c, 0xff]) {
      expect(told(initiator.send([opcode]))).toBe("5/20/00");
      expect(disk.dataOutWanted(padded([opcode]))).toBe(0);
    }
    for (const cdb of [
      [0x9e, 0x1f],
      [0xa3, 0x1e],
    ]) {
      const result = initiator.send(cdb);
      expect(told(result)).toBe("5/24/00");
      expect([...(result.sense ?? []).slice(15)]).toEqual([0xcc, 0, 1]);
    }
  });

  test("each operation is there once, and its usage data begins with what it is asked by", () => {
    const keys = operations.map(({ opcode, serviceAction }) => `${opcode}/${serviceAction}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { name, opcode, serviceAction = 0, usage } of operations) {
      expect([name, usage[0]]).toEqual([name, opcode]);
      expect([name, (usage[1] ?? 0) & serviceAction]).toEqual([name, serviceAction]);
      const length = [6, 10, 10, 0, 16, 12][opcode >> 5];
      expect([name, usage.length]).toEqual([name, length]);
    }
  });

  test("SBC-3: READ, WRITE and their kind take DPO and FUA, VERIFY takes DPO", () => {
    const flagsOf = (opcode: number): number =>
      operations.find((one) => one.opcode === opcode)?.usage[1] ?? 0;
    for (const opcode of [0x28, 0xa8, 0x88, 0x2a, 0xaa, 0x8a, 0x89, 0x8b]) {
      expect(flagsOf(opcode) & 0x18).toBe(0x18);
    }
    for (const opcode of [0x2f, 0xaf, 0x8f, 0x2e, 0xae, 0x8e]) {
      expect(flagsOf(opcode) & 0x18).toBe(0x10);
    }
  });
});

describe("SPC-4 §5.12, SAM-5 §5.14: what comes before a command runs", () => {
  test("another logical unit: not there, but INQUIRY and REPORT LUNS say so", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    const write = initiator.send(WRITE, { data: pattern(1, 0), lun: 1 });
    expect([told(write), write.dataOutWanted]).toEqual(["5/25/00", 512]);
    expect(taken(initiator.send(INQUIRY, { lun: 5 }))[0]).toBe(0x7f);
    expect(taken(initiator.send(INQUIRY))[0]).toBe(0);
    expect(told(initiator.send(REPORT_LUNS, { lun: 5 }))).toBe(GOOD);
    expect(volume.calls).toEqual([]);
  });

  test("unit attentions first, then reservations; INQUIRY waits for neither", () => {
    const { initiator, disk, volume } = bench({ blocks: 8 });
    const other = new Initiator(disk, "two");
    expect(told(other.send(RESERVE))).toBe(GOOD);
    disk.resized();
    expect(told(initiator.send(INQUIRY))).toBe(GOOD);
    const attention = initiator.send(WRITE, { data: pattern(1, 0) });
    expect([told(attention), attention.dataOutWanted]).toEqual(["6/2a/09", 512]);
    const conflict = initiator.send(WRITE, { data: pattern(1, 0) });
    expect([told(conflict), conflict.dataOutWanted]).toEqual([CONFLICT, 512]);
    expect(told(initiator.send(READ))).toBe(CONFLICT);
    expect(told(initiator.send(INQUIRY))).toBe(GOOD);
    expect(told(initiator.send(RELEASE))).toBe(GOOD);
    expect(volume.calls).toEqual([]);
    expect(told(other.send(READ))).toBe("6/2a/09");
    expect(told(other.send(READ))).toBe(GOOD);
  });

  test("SAM-5 §5.14: who comes is told first that what it set before may be gone", () => {
    const { disk } = bench({ blocks: 8 });
    const nexus = { initiatorPort: "iqn.2026-01.test:new,i,0x00023d000001" };
    const ask = () => {
      const rest = { lun: 0, attribute: "simple", dataOut: [], dataOutBytes: 0 } as const;
      const result = disk.execute({ nexus, cdb: padded([0]), dataInRoom: 0, ...rest });
      if (result instanceof Promise) throw new Error("answered later");
      return told(result);
    };
    for (const _ of ["a session", "the next"]) {
      disk.attach(nexus);
      expect([ask(), ask()]).toEqual(["6/29/01", GOOD]);
      disk.detach(nexus);
    }
  });

  test("SAM-5 §5.2: NACA is refused, wherever the CONTROL byte is", () => {
    const { initiator } = bench({ blocks: 8 });
    for (const [opcode, control] of [
      [0x00, 5],
      [0x28, 9],
      [0xa8, 11],
      [0x88, 15],
    ] as const) {
      const cdb = Array(16).fill(0);
      cdb[0] = opcode;
      cdb[control] = 0x04;
      expect(told(initiator.send(cdb))).toBe("5/24/00");
    }
  });

  test("what RESERVE took is free when its session ends, or with a reset of which the others hear", () => {
    const { initiator, disk } = bench({ blocks: 8 });
    const other = new Initiator(disk, "two");
    expect(told(other.send(RESERVE))).toBe(GOOD);
    disk.detach(other);
    expect(told(initiator.send(READ))).toBe(GOOD);
    const third = new Initiator(disk, "three");
    for (const [cause, sense] of [
      ["lun", "6/29/03"],
      ["target", "6/29/02"],
      ["power-on", "6/29/01"],
    ] as const) {
      expect(told(third.send(RESERVE))).toBe(GOOD);
      disk.reset(initiator, cause);
      expect(told(initiator.send(READ))).toBe(GOOD);
      expect(told(third.send(READ))).toBe(sense);
      expect(told(third.send(READ))).toBe(GOOD);
    }
  });

  test("START STOP UNIT: a disk that was stopped moves nothing until it is started, or reset", () => {
    const { initiator, disk } = bench({ blocks: 8 });
    const stop = [0x1b, 0, 0, 0, 0, 0];
    const start = [0x1b, 0, 0, 0, 1, 0];
    const data = new Uint8Array(512);
    expect(told(initiator.send(stop))).toBe(GOOD);
    for (const cdb of [READ, WRITE, cdb10(0x35, 0, 0, 0), cdb10(0x41, 0, 0, 1)]) {
      expect(told(initiator.send(cdb, { data }))).toBe("2/04/02");
    }
    expect(told(initiator.send(TEST_UNIT_READY))).toBe("2/04/02");
    expect(told(initiator.send(start))).toBe(GOOD);
    expect(told(initiator.send(READ))).toBe(GOOD);
    initiator.send(stop);
    disk.reset(initiator, "lun");
    expect(told(initiator.send(READ))).toBe(GOOD);
  });
});

describe("SPC-4 §7.5.8, SBC-3 §6.5.5: modes", () => {
  const select = [0x15, 0x10, 0, 0, 0, 0];
  const control = (bytes: Record<number, number>): Uint8Array => {
    const page = Array.from({ length: 16 }, (_, at) => bytes[at - 4] ?? 0);
    return Uint8Array.from([...page.slice(0, 4), 0x0a, 10, ...page.slice(6)]);
  };
  const shared = { 3: 0x10, 8: 0xff, 9: 0xff };

  test("D_SENSE: sense data in the descriptor format", () => {
    const { initiator } = bench({ blocks: 8 });
    const data = control({ ...shared, 2: 0x04 });
    expect(told(initiator.send(select.with(4, data.length), { data }))).toBe(GOOD);
    const { sense } = initiator.send(cdb10(0x28, 0, 9, 1));
    expect([...(sense ?? [])].slice(0, 4)).toEqual([0x72, 5, 0x21, 0]);
  });

  test("SWP: writes are refused until it is taken back", () => {
    const { initiator } = bench({ blocks: 8 });
    const data = control({ ...shared, 4: 0x08 });
    expect(told(initiator.send(select.with(4, data.length), { data }))).toBe(GOOD);
    expect(told(initiator.send(WRITE, { data: pattern(1, 0) }))).toBe("7/27/02");
    expect(told(initiator.send(READ))).toBe(GOOD);
    const off = control(shared);
    expect(told(initiator.send(select.with(4, off.length), { data: off }))).toBe(GOOD);
    expect(told(initiator.send(WRITE, { data: pattern(1, 0) }))).toBe(GOOD);
  });

  test("WCE=0: every write is on disk when it is answered", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    const caching = [0, 0, 0, 0, 0x08, 18, ...Array<number>(18).fill(0)];
    const data = Uint8Array.from(caching);
    expect(told(initiator.send(select.with(4, data.length), { data }))).toBe(GOOD);
    volume.calls.length = 0;
    initiator.send(WRITE, { data: pattern(1, 0) });
    expect(volume.calls).toEqual(["write", "flush"]);
  });
});

describe("tasks", () => {
  /** Answers when it is let. */
  function gate(): { readonly later: () => Promise<void>; open: () => Promise<void> } {
    const waiting: (() => void)[] = [];
    return {
      later: () => new Promise((resolve) => waiting.push(resolve)),
      open: async () => {
        for (let turns = 0; turns < 20; turns += 1) {
          for (const go of waiting.splice(0)) go();
          await undefined;
        }
      },
    };
  }

  test("too many: TASK SET FULL", async () => {
    const { later, open } = gate();
    const { initiator } = bench({ blocks: 8, later });
    const running = Array.from({ length: SCSI_TASKS_MAX }, () => initiator.execute(READ));
    expect(told(initiator.send(READ))).toBe("status 28");
    await open();
    for (const result of await Promise.all(running)) expect(told(result)).toBe(GOOD);
  });

  test("ORDERED runs alone: what was sent before it is there, what comes after it waits", async () => {
    const { later, open } = gate();
    const { initiator, volume } = bench({ blocks: 8, later });
    const before = initiator.execute(WRITE, { data: pattern(1, 1) });
    const ordered = initiator.execute(READ, { attribute: "ordered" });
    const after = initiator.execute(WRITE, { data: pattern(1, 2) });
    expect(volume.calls).toEqual(["write"]);
    await open();
    await Promise.all([before, after]);
    expect(taken(await ordered)).toEqual(pattern(1, 1));
    expect(volume.calls).toEqual(["write", "read", "write"]);
  });

  test("those that wait never run when their session ends, another clears them, or a reset comes", async () => {
    const { later, open } = gate();
    const { initiator, disk, volume } = bench({ blocks: 8, later });
    const other = new Initiator(disk, "two");
    const ends = [
      () => disk.detach(other),
      () => disk.tellCleared(other),
      () => disk.reset(initiator, "lun"),
    ];
    for (const end of ends) {
      disk.attach(other);
      const running = initiator.execute(WRITE, { data: pattern(1, 1), attribute: "ordered" });
      const waiting = other.execute(WRITE, { data: pattern(1, 2) });
      end();
      expect(told(await waiting)).toBe("status 40");
      await open();
      expect(told(await running)).toBe(GOOD);
    }
    expect(volume.calls).toEqual(["write", "write", "write"]);
  });

  test("SAM-5 §7.3: whose tasks another cleared is told", () => {
    const { initiator, disk } = bench({ blocks: 8 });
    disk.tellCleared(initiator);
    expect(told(initiator.send(READ))).toBe("6/2f/00");
    expect(told(initiator.send(READ))).toBe(GOOD);
  });

  test("a command that breaks is told as INTERNAL TARGET FAILURE and reported; others go on", async () => {
    const { initiator, volume, reported } = bench({ blocks: 8 });
    const [now, later] = [new Error("now"), new Error("later")];
    const { read, write } = volume;
    volume.read = () => {
      throw now;
    };
    volume.write = () => Promise.reject(later);
    expect(told(initiator.send(READ))).toBe("4/44/00");
    const result = await initiator.execute(WRITE, { data: pattern(1, 0), attribute: "ordered" });
    expect([told(result), result.dataOutWanted]).toEqual(["4/44/00", 512]);
    expect(reported).toEqual([now, later]);
    Object.assign(volume, { read, write });
    expect(told(initiator.send(READ))).toBe(GOOD);
  });
});

test("no CDB and no data break a disk, whatever they hold", () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 16 });
  const known = fc.constantFrom(...operations.map(({ opcode }) => opcode));
  const data = fc.array(fc.uint8Array({ maxLength: 1100 }), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(fc.tuple(known, bytes, data), { maxLength: 30 }), (commands) => {
      const { initiator, disk, reported } = bench({ blocks: 64 });
      for (const [opcode, rest, sent] of commands) {
        const cdb = [opcode, ...rest.subarray(0, 15)];
        const wanted = disk.dataOutWanted(padded(cdb));
        expect(wanted).toBeGreaterThanOrEqual(0);
        const result = initiator.send(cdb, { data: sent });
        const bytesIn = result.dataIn.reduce((sum, part) => sum + part.length, 0);
        expect(bytesIn).toBe(result.dataInBytes);
        result.release?.();
      }
      expect(reported).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("addresses near the ends, of all commands that have one: in range or refused", () => {
  const { initiator, reported } = bench({ blocks: 64 });
  for (const { opcode } of operations.filter((one) => one.opcode >= 0x20)) {
    for (const lba of [0, 1, 63, 64, 65, 0x7fff_ffff, 0xffff_ffff]) {
      for (const count of [0, 1, 2, 64, 65, 0xffff]) {
        const forms = [
          cdb10(opcode, 0, lba, count),
          [opcode, 0, ...be(lba, 4), ...be(count, 4), 0, 0],
          [opcode, opcode === 0x9e ? 0x12 : 0, ...be(lba, 8), ...be(count, 4), 0, 0],
        ];
        for (const cdb of forms) initiator.send(cdb, { data: pattern(2, 0) }).release?.();
      }
    }
  }
  expect(reported).toEqual([]);
});
