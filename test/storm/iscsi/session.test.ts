import { describe, expect, test } from "vitest";
import { NO_TAG, Opcode } from "../../../src/iscsi/pdus/header.ts";
import { STORM_ISCSI_ATTENTIONS_MAX, STORM_ISCSI_QUESTIONS_MAX } from "../../../src/limits.ts";
import { Wire } from "./wire.ts";

const GOOD = 0;
const CHECK_CONDITION = 2;
const BUSY = 8;
const UNIT_ATTENTION = 6;
const MEDIUM_ERROR = 3;

describe("a node's iSCSI session", () => {
  test("a write: immediate data, what may come unasked, then what is asked for (RFC 7143 §4.2.5.2)", async () => {
    const wire = await Wire.ready("InitialR2T=No\0ImmediateData=Yes\0");
    const done = wire.node.write(8, 8);
    const sent = wire.sent();
    const [command, unasked] = sent;
    expect(sent).toHaveLength(2);
    expect(command).toMatchObject({
      ...{ opcode: Opcode.SCSI_COMMAND, final: false, write: true, read: false },
      ...{ expectedBytes: 4096, cmdSn: 3 },
    });
    expect(unasked).toMatchObject({
      ...{
        opcode: Opcode.DATA_OUT,
        final: true,
        targetTransferTag: NO_TAG,
        offset: 1024,
        dataSn: 0,
      },
    });
    const tag = command?.opcode === Opcode.SCSI_COMMAND ? command.initiatorTaskTag : NO_TAG;
    wire.r2t(tag, 0, 2048, 2048);
    expect(wire.sent()).toMatchObject([
      { opcode: Opcode.DATA_OUT, final: false, targetTransferTag: 7, offset: 2048, dataSn: 0 },
      { opcode: Opcode.DATA_OUT, final: true, targetTransferTag: 7, offset: 3072, dataSn: 1 },
    ]);
    wire.respond(tag, GOOD);
    expect(await done).toBeUndefined();
  });

  test("a target that wants to ask first gets nothing before", async () => {
    const wire = await Wire.ready("InitialR2T=Yes\0ImmediateData=No\0");
    const done = wire.node.write(8, 2);
    const [command, ...more] = wire.sent();
    expect(command).toMatchObject({ final: true, data: [] });
    expect(more).toEqual([]);
    const tag = command?.opcode === Opcode.SCSI_COMMAND ? command.initiatorTaskTag : NO_TAG;
    wire.r2t(tag, 0, 0, 1024);
    expect(wire.sent()).toHaveLength(1);
    wire.respond(tag, GOOD);
    expect(await done).toBeUndefined();
  });

  test("commands wait for the window that the target gives (RFC 7143 §4.2.2.1)", async () => {
    const wire = await Wire.ready();
    wire.maxCmdSn = 64;
    for (let lba = 0; lba < 100; lba += 1) void wire.node.read(lba, 1);
    const sent = wire.sent();
    // Two commands were before.
    expect(sent).toHaveLength(62);
    expect(sent.at(-1)).toMatchObject({ cmdSn: 64 });
    wire.maxCmdSn = 67;
    const [first] = sent;
    if (first?.opcode === Opcode.SCSI_COMMAND) {
      wire.dataIn(first.initiatorTaskTag, 0, Buffer.alloc(512), GOOD);
    }
    expect(wire.sent()).toHaveLength(3);
  });

  test("a ping is answered with its own tag and data (RFC 7143 §11.19)", async () => {
    const wire = await Wire.ready();
    const ping = { opcode: Opcode.NOP_IN, lun: 5n, targetTransferTag: 9, data: Buffer.from("ab") };
    wire.answer({ ...ping, initiatorTaskTag: NO_TAG, ...wire.numbers() });
    expect(wire.sent()).toMatchObject([
      {
        ...{ opcode: Opcode.NOP_OUT, immediate: true, initiatorTaskTag: NO_TAG, cmdSn: 3 },
        ...{ targetTransferTag: 9, lun: 5n, data: new Uint8Array(Buffer.from("ab")) },
      },
    ]);
  });

  test("a unit attention is no answer: it is sent again, but for TEST UNIT READY", async () => {
    const wire = await Wire.ready();
    const done = wire.node.read(0, 1);
    wire.respond(wire.tag(), CHECK_CONDITION, UNIT_ATTENTION);
    wire.dataIn(wire.tag(), 0, Buffer.alloc(512), GOOD);
    expect(await done).toBeUndefined();
    const ready = wire.node.command("000000000000");
    wire.respond(wire.tag(), CHECK_CONDITION, UNIT_ATTENTION);
    expect(await ready).toBeUndefined();
    expect(wire.sent()).toEqual([]);
  });

  test("one that never ends is a failure", async () => {
    const wire = await Wire.ready();
    const done = wire.node.read(0, 1);
    for (let time = 0; time <= STORM_ISCSI_ATTENTIONS_MAX; time += 1) {
      wire.respond(wire.tag(), CHECK_CONDITION, UNIT_ATTENTION);
    }
    expect(await done).toBe("iSCSI: READ(10) failed with sense key 6, ASC 00h");
  });

  test("a busy target is asked again a while later, until patience ends", async () => {
    const wire = await Wire.ready();
    const done = wire.node.read(0, 1);
    wire.respond(wire.tag(), BUSY);
    expect(wire.sent()).toEqual([]);
    wire.clock.advance(100);
    wire.respond(wire.tag(), BUSY);
    for (let second = 0; second < 70; second += 1) {
      wire.clock.advance(1000);
      const tag = wire.tag();
      if (tag !== NO_TAG && wire.isOpen) wire.respond(tag, BUSY);
    }
    expect(await done).toBe("iSCSI: no answer for 60 s");
  });

  test("what cannot be read is a failure of the node; what another target does not know is none", async () => {
    const wire = await Wire.ready();
    const read = wire.node.read(0, 1);
    wire.respond(wire.tag(), CHECK_CONDITION, MEDIUM_ERROR);
    expect(await read).toBe("iSCSI: READ(10) failed with sense key 3, ASC 00h");
    const page = wire.node.command("1a003f000400", "in", 4);
    wire.respond(wire.tag(), CHECK_CONDITION, 5);
    expect(await page).toBeUndefined();
  });

  test("a broken connection is made anew, with the same ISID; what was not answered is sent again", async () => {
    const wire = await Wire.ready();
    const reading = [wire.node.read(0, 1), wire.node.read(8, 1)];
    wire.sent();
    wire.handler?.closed("ECONNRESET");
    wire.clock.advance(0);
    expect(wire.connections).toBe(2);
    wire.handler?.opened();
    expect(wire.sent()).toMatchObject([
      { opcode: Opcode.LOGIN_REQUEST, isid: "800000000001", tsih: 0 },
    ]);
    wire.login(0, 1, "AuthMethod=None\0");
    wire.login(1, 3, "");
    const again = wire.sent().filter(({ opcode }) => opcode === Opcode.SCSI_COMMAND);
    expect(again).toMatchObject([{ cmdSn: 1 }, { cmdSn: 2 }]);
    for (const pdu of again) {
      if (pdu.opcode === Opcode.SCSI_COMMAND) {
        wire.dataIn(pdu.initiatorTaskTag, 0, Buffer.alloc(512), GOOD);
      }
    }
    expect(await Promise.all(reading)).toEqual([undefined, undefined]);
    expect(wire.node.tally.retransmits).toBe(3);
  });

  test("tries to connect become fewer, and end with patience", async () => {
    const wire = new Wire(20_000);
    const done = wire.node.login();
    for (let tries = 0; tries < 100; tries += 1) {
      wire.handler?.closed("ECONNREFUSED");
      wire.clock.advance(wire.connections === 100 ? 0 : 250);
    }
    wire.clock.advance(20_000);
    expect(await done).toBe("iSCSI: no answer for 20 s");
    expect(wire.connections).toBeLessThan(15);
  });

  test("silence is broken with a ping, so that a target that is gone says so", async () => {
    const wire = await Wire.ready();
    void wire.node.read(0, 1);
    wire.sent();
    wire.clock.advance(5000);
    expect(wire.sent()).toMatchObject([{ opcode: Opcode.NOP_OUT, targetTransferTag: NO_TAG }]);
  });

  test("nothing is asked, and nothing is sent, after it is closed", async () => {
    const wire = await Wire.ready();
    void wire.node.read(0, 1);
    wire.sent();
    wire.node.client.close();
    wire.clock.advance(600_000);
    expect(wire.sent()).toEqual([]);
    expect(wire.isOpen).toBe(false);
    expect(wire.connections).toBe(1);
    expect(await wire.node.read(0, 1)).toBe("iSCSI: the session is over");
  });

  describe("what a target must not do costs it the connection, and is counted", () => {
    test.each<[string, (wire: Wire, read: number, write: number) => void]>([
      [
        "data for no command that reads",
        (wire, _, write) => wire.dataIn(write, 0, Buffer.alloc(4)),
      ],
      ["data out of order", (wire, read) => wire.dataIn(read, 512, Buffer.alloc(4))],
      ["more data than was asked for", (wire, read) => wire.dataIn(read, 0, Buffer.alloc(4096))],
      ["an answer without all of its data", (wire, read) => wire.respond(read, GOOD)],
      ["an answer to nothing", (wire) => wire.respond(12_345, GOOD)],
      ["data is asked for of no command that writes", (wire, read) => wire.r2t(read, 0, 0, 512)],
      ["other data is asked for than there is", (wire, _, write) => wire.r2t(write, 0, 4096, 8192)],
      ["other data is asked for than there is", (wire, _, write) => wire.r2t(write, 1, 2048, 512)],
      ["other data is asked for than there is", (wire, _, write) => wire.r2t(write, 0, 2048, 0)],
      ["a longer segment than agreed on", (wire) => wire.receive(header(0x25, 0xff_ffff))],
      ["additional headers", (wire) => wire.receive(header(0x25, 0x100_0000))],
      ["a PDU of initiators", (wire) => wire.receive(header(0x01, 0))],
      ["an unknown PDU", (wire) => wire.receive(header(0x3a, 0))],
      [
        "questions without an end",
        (wire) => {
          const ping = { opcode: Opcode.NOP_IN, lun: 0n, initiatorTaskTag: NO_TAG } as const;
          for (let time = 0; time <= STORM_ISCSI_QUESTIONS_MAX; time += 1) {
            const data = new Uint8Array(0);
            wire.answer({ ...ping, targetTransferTag: time, data, ...wire.numbers() });
          }
        },
      ],
    ])("%s", async (why, act) => {
      const wire = await Wire.ready("InitialR2T=No\0ImmediateData=Yes\0");
      void wire.node.read(0, 2);
      const read = wire.tag();
      void wire.node.write(0, 8);
      const write = wire.tag();
      act(wire, read, write);
      expect(wire.node.tally.complaints).toEqual([`iscsi: ${why}`]);
      wire.clock.advance(0);
      expect(wire.connections).toBe(2);
    });
  });

  test("a reject of a command is a failure of the node (RFC 7143 §11.17)", async () => {
    const wire = await Wire.ready();
    const done = wire.node.read(0, 1);
    const data = Buffer.alloc(48);
    data.writeUInt32BE(wire.tag(), 16);
    wire.answer({ opcode: Opcode.REJECT, reason: 4, dataSn: 0, data, ...wire.numbers() });
    expect(await done).toBe("iSCSI: READ(10) was rejected with reason 04");
  });

  test("a disk that is smaller than a command is none for this trace", async () => {
    const small = await Wire.ready("", 4);
    expect(await small.node.read(0, 8)).toBe(
      "iSCSI: the volume is smaller than one command of the trace",
    );
  });

  test("a disk with other blocks than the recorded one's is none for this trace", async () => {
    const wire = new Wire();
    const login = wire.node.login();
    wire.accept();
    await login;
    const done = wire.node.read(0, 8);
    const units = Buffer.alloc(16);
    units[3] = 8;
    wire.answerShort(units);
    wire.answerShort(Buffer.alloc(36));
    const capacity = Buffer.alloc(32);
    capacity.writeUInt32BE(1000, 4);
    capacity.writeUInt32BE(4096, 8);
    wire.answerShort(capacity);
    expect(await done).toBe("iSCSI: the target has no disk of 512-byte blocks");
  });
});

/** RFC 7143 §11.2.1 */
function header(opcode: number, lengths: number): Buffer {
  const bytes = Buffer.alloc(48);
  bytes[0] = opcode;
  bytes.writeUInt32BE(lengths, 4);
  return bytes;
}
