import { describe, expect, test } from "vitest";
import { Additional } from "../../src/scsi/sense.ts";
import { hex, one, run, smallUnit, told, two } from "./small-unit.ts";

describe("REPORT LUNS", () => {
  test("SPC-4 §6.33: logical unit 0, no well-known one", () => {
    const unit = smallUnit();
    expect(hex(run(unit, "a0 00 00 000000 00001000 00 00"))).toBe(
      "00000008000000000000000000000000",
    );
    expect(hex(run(unit, "a0 00 02 000000 00001000 00 00"))).toBe(
      "00000008000000000000000000000000",
    );
    expect(hex(run(unit, "a0 00 01 000000 00001000 00 00"))).toBe("0000000000000000");
    expect(told(run(unit, "a0 00 03 000000 00001000 00 00"))).toBe("02 5/24/00 c2");
  });

  test("SPC-4 §4.3.5.6: cut to the allocation length", () => {
    expect(hex(run(smallUnit(), "a0 00 00 000000 00000008 00 00"))).toBe("0000000800000000");
    expect(run(smallUnit(), "a0 00 00 000000 00000000 00 00").dataInBytes).toBe(0);
  });
});

describe("REQUEST SENSE", () => {
  test("SPC-4 §6.39: nothing, in both formats", () => {
    expect(hex(run(smallUnit(), "03 00 00 00 ff 00"))).toBe(`700000000000000a${"00".repeat(10)}`);
    expect(hex(run(smallUnit(), "03 01 00 00 ff 00"))).toBe("7200000000000000");
    expect(run(smallUnit(), "03 00 00 00 04 00").dataInBytes).toBe(4);
  });

  test("SPC-4 §6.39: what waits for this nexus is told as data, once", () => {
    const unit = smallUnit();
    unit.attentions.establish(one, Additional.CAPACITY_DATA_HAS_CHANGED);
    expect(hex(run(unit, "03 01 00 00 ff 00", { nexus: two }))).toBe("7200000000000000");
    expect(hex(run(unit, "03 01 00 00 ff 00"))).toBe("72062a0900000000");
    expect(hex(run(unit, "03 01 00 00 ff 00"))).toBe("7200000000000000");
  });

  test("SPC-4 §6.39: of a stopped unit, and of one that is not there", () => {
    const unit = smallUnit();
    unit.state.isStopped = true;
    expect(hex(run(unit, "03 01 00 00 ff 00"))).toBe("7202040200000000");
    expect(hex(run(unit, "03 01 00 00 ff 00", { lun: 1 }))).toBe("7205250000000000");
  });
});

describe("START STOP UNIT and TEST UNIT READY", () => {
  test("SBC-3 §5.25: stopped until it is started, and all is on disk before", () => {
    const unit = smallUnit();
    expect(told(run(unit, "00 00 00 00 00 00"))).toBe("00");
    expect(told(run(unit, "1b 00 00 00 00 00"))).toBe("00");
    expect(unit.volume.flushes).toBe(1);
    expect(told(run(unit, "00 00 00 00 00 00"))).toBe("02 2/04/02");
    expect(told(run(unit, "1b 00 00 00 01 00"))).toBe("00");
    expect(told(run(unit, "00 00 00 00 00 00"))).toBe("00");
  });

  test("SBC-3 §5.25: NO_FLUSH flushes nothing, IMMED does", () => {
    const unit = smallUnit();
    expect(told(run(unit, "1b 00 00 00 04 00"))).toBe("00");
    expect(unit.volume.flushes).toBe(0);
    expect(told(run(unit, "1b 01 00 00 00 00"))).toBe("00");
    expect(unit.volume.flushes).toBe(1);
  });

  test("a unit whose data cannot be written stays started", () => {
    const unit = smallUnit();
    unit.volume.error = "io";
    expect(told(run(unit, "1b 00 00 00 00 00"))).toBe("02 3/0c/00");
    expect(told(run(unit, "00 00 00 00 00 00"))).toBe("00");
  });

  test("SBC-3 table 105: active is as started; there is no idle, no standby, nothing to eject", () => {
    const unit = smallUnit();
    run(unit, "1b 00 00 00 00 00");
    expect(told(run(unit, "1b 00 00 00 10 00"))).toBe("00");
    expect(unit.state.isStopped).toBe(false);
    for (let condition = 2; condition < 16; condition += 1) {
      const cdb = Uint8Array.of(0x1b, 0, 0, 0, condition << 4, 0);
      expect(told(run(unit, cdb))).toBe("02 5/24/00 c4.7");
    }
    expect(told(run(unit, "1b 00 00 00 02 00"))).toBe("02 5/24/00 c4.1");
    expect(told(run(unit, "1b 00 00 00 03 00"))).toBe("02 5/24/00 c4.1");
    expect(unit.state.isStopped).toBe(false);
  });

  test("SBC-3 table 13: starting is anyone's, stopping is theirs whom a reservation lets in", () => {
    const unit = smallUnit();
    unit.reservations.register(one.initiatorPort, 0n, 1n);
    unit.reservations.reservePersistently(one.initiatorPort, 1n, 1);
    expect(told(run(unit, "1b 00 00 00 01 00", { nexus: two }))).toBe("00");
    expect(told(run(unit, "1b 00 00 00 00 00", { nexus: two }))).toBe("18");
    expect(told(run(unit, "1b 00 00 00 00 00", { nexus: one }))).toBe("00");
  });
});

test("SPC-4 §6.18: removal is allowed, and prevented where the disk is not another's", () => {
  const unit = smallUnit();
  expect(told(run(unit, "1e 00 00 00 00 00"))).toBe("00");
  expect(told(run(unit, "1e 00 00 00 01 00"))).toBe("00");
  expect(told(run(unit, "1e 00 00 00 02 00"))).toBe("02 5/24/00 c4.1");
  unit.reservations.register(one.initiatorPort, 0n, 1n);
  unit.reservations.reservePersistently(one.initiatorPort, 1n, 1);
  expect(told(run(unit, "1e 00 00 00 01 00", { nexus: two }))).toBe("18");
  expect(told(run(unit, "1e 00 00 00 00 00", { nexus: two }))).toBe("00");
});
