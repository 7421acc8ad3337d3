import { describe, expect, test } from "vitest";
import { encodePdu, type Pdu } from "../../src/iscsi/packet.ts";
import { NO_TAG, Opcode } from "../../src/iscsi/pdus/header.ts";
import { TaskFunction } from "../../src/iscsi/pdus/task.ts";
import { ISCSI_TURN_MS } from "../../src/limits.ts";
import { Bench, BLOCK, type Initiator, pattern, rw10, settled } from "./initiator.ts";
import { loginRequest, TARGET } from "./logins.ts";

/** The full feature phase: what is no data. */

const TEST_UNIT_READY = { cdb: [0x00] };

function tagsOf(pdus: readonly Pdu[]): number[] {
  return pdus.map((pdu) => ("initiatorTaskTag" in pdu ? pdu.initiatorTaskTag : -1));
}

/** A read that the volume does not answer yet. */
function slowRead(bench: Bench, initiator: Initiator, blocks = 1): number {
  bench.volume.isSlow = true;
  return initiator.read(0, blocks);
}

async function answerAll(bench: Bench): Promise<void> {
  while (bench.volume.waiting.length > 0) {
    bench.volume.waiting.shift()?.();
    await settled();
  }
}

describe("RFC 7143 §4.2.2.1: the command window", () => {
  test("what came too early waits for what is before it", async () => {
    const initiator = await new Bench().login();
    const [a, b, c] = [1, 2, 3].map(() => initiator.commandPdu(TEST_UNIT_READY));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three");
    initiator.send(c, b);
    expect(await initiator.received()).toEqual([]);
    initiator.send(a);
    expect(tagsOf(await initiator.received())).toEqual(tagsOf([a, b, c]));
  });

  test("what came before, or is out of the window, is ignored", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    const command = initiator.commandPdu(TEST_UNIT_READY);
    initiator.send(command, { ...command, cmdSn: command.cmdSn + 65 }, command);
    const [response, ...more] = await initiator.received();
    expect(more).toEqual([]);
    const { cmdSn } = command;
    expect(response).toMatchObject({ expCmdSn: cmdSn + 1, maxCmdSn: cmdSn + 64 });
    expect(bench.refusals).toEqual(["CmdSN out of window", "CmdSN out of window"]);
  });

  test("wraps around", async () => {
    const initiator = new Bench().connect();
    initiator.cmdSn = 0xffff_ffff;
    await initiator.login({}, "00023d000001");
    initiator.cmdSn = 0;
    const tags = [1, 2, 3].map(() => initiator.command(TEST_UNIT_READY));
    expect(tagsOf(await initiator.received())).toEqual(tags);
  });

  test("closes with commands under way, and opens as they end; MaxCmdSN never goes back", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    const reads = Array.from({ length: 65 }, () => slowRead(bench, initiator));
    expect(bench.refusals).toEqual(["CmdSN out of window"]);
    initiator.nop();
    const [nop] = await initiator.received();
    expect(nop).toMatchObject({ expCmdSn: initiator.cmdSn - 1, maxCmdSn: initiator.cmdSn - 2 });
    await answerAll(bench);
    const pdus = await initiator.received();
    expect(tagsOf(pdus)).toEqual(reads.slice(0, 64));
    const numbers = pdus.map((pdu) => ("maxCmdSn" in pdu ? pdu.maxCmdSn : -1));
    expect(numbers).toEqual(numbers.map((_, at) => initiator.cmdSn - 1 + at));
  });

  test("immediate commands are bounded", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    bench.volume.isSlow = true;
    for (let count = 0; count < 17; count += 1) initiator.read(0, 1, { immediate: true });
    expect(await initiator.received()).toMatchObject([{ opcode: 0x3f, reason: 6 }]);
  });

  test("a task tag that is in use is rejected, with the header", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    const initiatorTaskTag = slowRead(bench, initiator);
    const again = { ...initiator.commandPdu(TEST_UNIT_READY), initiatorTaskTag };
    initiator.send(again);
    const data = encodePdu(again);
    expect(await initiator.received()).toMatchObject([{ opcode: 0x3f, reason: 7, data }]);
  });

  test("§11.17.1: what was rejected leaves a gap, which another command of that number fills", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    const initiatorTaskTag = slowRead(bench, initiator);
    const { cmdSn } = initiator;
    initiator.command({ cdb: rw10(0x28, 0, 1), read: true, expectedBytes: 512, initiatorTaskTag });
    expect(await initiator.received()).toMatchObject([{ opcode: 0x3f, expCmdSn: cmdSn }]);
    initiator.cmdSn = cmdSn;
    initiator.command({ cdb: [0] });
    expect(await initiator.received()).toMatchObject([{ opcode: 0x21, status: 0 }]);
    expect(bench.refusals).not.toContain("CmdSN out of window");
  });

  test("StatSN counts responses", async () => {
    const initiator = await new Bench().login();
    initiator.command(TEST_UNIT_READY);
    initiator.read(0, 1);
    initiator.nop();
    const numbers = (await initiator.received()).map((pdu) => "statSn" in pdu && pdu.statSn);
    expect(numbers).toEqual([2, 3, 4]);
  });
});

describe("SAM-5 §8.9: task attributes", () => {
  test("an ordered command waits for those before it, also for their data; those after it wait too", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    const write = initiator.write(0, 1);
    const [r2t] = await initiator.received();
    const ordered = initiator.read(0, 1, { attribute: 2 });
    const after = initiator.read(0, 1);
    const head = initiator.read(8, 1, { attribute: 3 });
    expect(tagsOf(await initiator.received())).toEqual([head]);
    if (r2t?.opcode !== Opcode.R2T) throw new Error("no R2T");
    initiator.dataOut(write, { targetTransferTag: r2t.targetTransferTag }, pattern(512));
    const pdus = await initiator.received();
    expect(tagsOf(pdus)).toEqual([write, ordered, after]);
    const [, read] = pdus;
    expect(read?.opcode === Opcode.DATA_IN && read.data[0]).toEqual(pattern(512));
  });
});

describe("RFC 7143 §11.5 task management", () => {
  const { ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, CLEAR_TASK_SET } = TaskFunction;
  const { LOGICAL_UNIT_RESET, TARGET_WARM_RESET, TARGET_COLD_RESET, TASK_REASSIGN } = TaskFunction;

  test.each([
    ["ABORT TASK", ABORT_TASK],
    ["ABORT TASK SET", ABORT_TASK_SET],
    ["CLEAR TASK SET", CLEAR_TASK_SET],
    ["LOGICAL UNIT RESET", LOGICAL_UNIT_RESET],
    ["TARGET WARM RESET", TARGET_WARM_RESET],
  ])("%s: answered when the task has ended, of which nothing is heard", async (_, code) => {
    const bench = new Bench();
    const initiator = await bench.login();
    const referencedTaskTag = slowRead(bench, initiator);
    initiator.manage(code, { referencedTaskTag });
    expect(await initiator.received()).toEqual([]);
    await answerAll(bench);
    expect(await initiator.received()).toMatchObject([
      { opcode: 0x22, response: 0, initiatorTaskTag: 0x7777 },
    ]);
    expect(bench.reports).toEqual([]);
  });

  test("a command that waits for data ends with it, and its data is passed over", async () => {
    const initiator = await new Bench().login();
    const tag = initiator.write(0, 1);
    const [r2t] = await initiator.received();
    initiator.manage(ABORT_TASK, { referencedTaskTag: tag });
    expect(await initiator.received()).toMatchObject([{ opcode: 0x22, response: 0 }]);
    if (r2t?.opcode !== Opcode.R2T) throw new Error("no R2T");
    initiator.dataOut(tag, { targetTransferTag: r2t.targetTransferTag }, pattern(512));
    initiator.nop();
    expect(await initiator.received()).toMatchObject([{ opcode: 0x20 }]);
  });

  test("§11.6.1: ABORT TASK of a task that is not there, and of one that is still to come", async () => {
    const initiator = await new Bench().login();
    initiator.manage(ABORT_TASK, { referencedTaskTag: 1, refCmdSn: initiator.cmdSn - 1 });
    expect(await initiator.received()).toMatchObject([{ response: 1 }]);
    const lost = initiator.commandPdu(TEST_UNIT_READY);
    const next = initiator.command(TEST_UNIT_READY);
    const { initiatorTaskTag: referencedTaskTag, cmdSn: refCmdSn } = lost;
    initiator.manage(ABORT_TASK, { referencedTaskTag, refCmdSn });
    const pdus = await initiator.received();
    expect(tagsOf(pdus)).toEqual([next, 0x7777]);
    expect(pdus[1]).toMatchObject({ response: 0 });
    initiator.send(lost);
    expect(await initiator.received()).toEqual([]);
  });

  test.each([
    ["CLEAR ACA", CLEAR_ACA, 5],
    ["TASK REASSIGN", TASK_REASSIGN, 4],
    ["none", 0x7f, 5],
  ])("%s is not done", async (_, code, response) => {
    const initiator = await new Bench().login();
    initiator.manage(code);
    expect(await initiator.received()).toMatchObject([{ opcode: 0x22, response }]);
  });

  test("another logical unit is not there", async () => {
    const initiator = await new Bench().login();
    for (const code of [ABORT_TASK, ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET]) {
      initiator.manage(code, { lun: 0x0001_0000_0000_0000n });
      expect(await initiator.received()).toMatchObject([{ response: 2 }]);
    }
  });

  test("CLEAR TASK SET ends what other initiators have there, and they are told", async () => {
    const bench = new Bench();
    const [one, other] = [await bench.login(), await bench.login({}, "00023d000002")];
    slowRead(bench, other);
    one.manage(CLEAR_TASK_SET);
    expect(await one.received()).toEqual([]);
    await answerAll(bench);
    expect(await one.received()).toMatchObject([{ opcode: 0x22, response: 0 }]);
    expect(await other.received()).toEqual([]);
    other.command(TEST_UNIT_READY);
    const [attention] = await other.received();
    expect(attention?.opcode === Opcode.SCSI_RESPONSE && [...attention.data]).toMatchObject(
      expect.objectContaining({ 4: 6, 14: 0x2f, 15: 0 }),
    );
  });

  test("TARGET COLD RESET ends all sessions with the target after the answer", async () => {
    const bench = new Bench();
    const [one, other] = [await bench.login(), await bench.login({}, "00023d000002")];
    one.manage(TARGET_COLD_RESET);
    expect(await one.received()).toMatchObject([{ opcode: 0x22, response: 0 }]);
    expect([one.wire.isOpen, other.wire.isOpen, bench.opened]).toEqual([false, false, 0]);
  });
});

describe("RFC 7143: everything else", () => {
  test("§11.18: a ping is answered with its data, once", async () => {
    const initiator = await new Bench().login();
    initiator.nop({ data: pattern(100) });
    initiator.nop({ initiatorTaskTag: NO_TAG });
    expect(await initiator.received()).toMatchObject([
      { opcode: 0x20, initiatorTaskTag: 0x5555, targetTransferTag: NO_TAG, data: pattern(100) },
    ]);
  });

  test("§11.19: a silent initiator is asked, and given up; one that answers is kept", async () => {
    const bench = new Bench();
    const [alive, dead] = [await bench.login(), await bench.login({}, "00023d000002")];
    for (let round = 0; round < 5; round += 1) {
      bench.clock.advance(30_000);
      for (const ping of await alive.received()) {
        if (ping.opcode !== Opcode.NOP_IN) throw new Error("no ping");
        expect(ping.initiatorTaskTag).toBe(NO_TAG);
        alive.nop({ initiatorTaskTag: NO_TAG, targetTransferTag: ping.targetTransferTag });
      }
    }
    expect([alive.wire.isOpen, dead.wire.isOpen]).toEqual([true, false]);
    expect(bench.refusals).toEqual(["initiator is silent"]);
    expect(bench.opened).toBe(1);
  });

  test.each([
    ["the session", 0, 9, 0, true],
    ["its connection", 1, 0, 0, true],
    ["another connection", 1, 9, 1, false],
    ["for recovery", 2, 0, 2, false],
  ])("§11.14 logout of %s", async (_, reason, cid, response, isEnding) => {
    const bench = new Bench();
    const initiator = await bench.login();
    initiator.logout({ reason, cid });
    expect(await initiator.received()).toMatchObject([{ opcode: 0x26, response }]);
    expect(initiator.wire.isOpen).toBe(!isEnding);
    expect(bench.opened).toBe(isEnding ? 0 : 1);
  });

  test("§11.14: a logout waits for tasks, whose answers are lost", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    slowRead(bench, initiator);
    initiator.logout();
    expect(await initiator.received()).toEqual([]);
    await answerAll(bench);
    expect(await initiator.received()).toMatchObject([{ opcode: 0x26, response: 0 }]);
  });

  test("§11.10: texts", async () => {
    const initiator = await new Bench().login();
    initiator.text({ SendTargets: "" });
    const [answer] = await initiator.received();
    const text = answer?.opcode === Opcode.TEXT_RESPONSE ? Buffer.from(answer.data) : "";
    expect(text.toString()).toContain(`TargetName=${TARGET}\0TargetAddress=127.0.0.1:3260,1\0`);
    initiator.text({ MaxRecvDataSegmentLength: "512" });
    initiator.read(0, 2);
    expect(await initiator.received()).toHaveLength(3);
  });

  test("a discovery session has no commands", async () => {
    const initiator = await new Bench().login({ SessionType: "Discovery" });
    initiator.command(TEST_UNIT_READY);
    initiator.manage(TaskFunction.ABORT_TASK_SET);
    initiator.text({ SendTargets: "All" });
    const pdus = await initiator.received();
    expect(pdus).toMatchObject([{ reason: 4 }, { reason: 4 }, { opcode: 0x24, final: true }]);
  });

  test("§11.17: SNACK and unknown opcodes are rejected", async () => {
    const initiator = await new Bench().login();
    const snack = Uint8Array.fromHex(`1081${"00".repeat(46)}`);
    const unknown = Uint8Array.fromHex(`1c80${"00".repeat(46)}`);
    initiator.push(snack, unknown);
    initiator.nop();
    expect(await initiator.received()).toMatchObject([
      { opcode: 0x3f, reason: 3 },
      { opcode: 0x3f, reason: 5, data: unknown },
      { opcode: 0x20 },
    ]);
  });

  test("a login, or what only targets send, ends the session", async () => {
    for (const pdu of [loginRequest({}), { ...loginRequest({}), opcode: Opcode.LOGIN_REQUEST }]) {
      const initiator = await new Bench().login();
      initiator.send(pdu);
      expect(await initiator.received()).toMatchObject([{ opcode: 0x3f, reason: 4 }]);
      expect(initiator.wire.isOpen).toBe(false);
    }
  });

  test("§7.8: a wrong data digest is rejected, and ends the session", async () => {
    const initiator = await new Bench().login({ DataDigest: "CRC32C" });
    initiator.push(Uint8Array.fromHex(`4080000000000004${"00".repeat(40)}0102030400000000`));
    expect(await initiator.received()).toMatchObject([{ opcode: 0x3f, reason: 2 }]);
    expect(initiator.wire.isOpen).toBe(false);
  });

  test("§6.3.5 session reinstatement: the old session ends, and its tasks, before the new one is answered", async () => {
    const bench = new Bench();
    const old = await bench.login();
    slowRead(bench, old);
    const again = bench.connect();
    const who = { InitiatorName: "iqn.2013-04.zone.sidus.initiator:sidus1", TargetName: TARGET };
    again.send(loginRequest(who));
    expect(await again.received()).toEqual([]);
    expect(old.wire.isOpen).toBe(false);
    await answerAll(bench);
    expect(await again.received()).toMatchObject([{ opcode: 0x23, statusClass: 0, tsih: 2 }]);
    expect([...bench.sessions.all].map(({ tsih }) => tsih)).toEqual([2]);
    expect(bench.opened).toBe(1);
  });

  test("§6.3.5: another ISID is another session", async () => {
    const bench = new Bench();
    const [one, other] = [await bench.login(), await bench.login({}, "00023d000002")];
    expect([one.wire.isOpen, other.wire.isOpen]).toEqual([true, true]);
    expect([...bench.sessions.all]).toHaveLength(2);
  });

  test("§11.9: at the end the initiator is asked to log out", async () => {
    const initiator = await new Bench().login();
    initiator.connection.askToLeave(2);
    const event = { opcode: 0x32, event: 1, parameters: [0, 0, 2] };
    expect(await initiator.received()).toMatchObject([event]);
  });

  test("a connection that is lost takes its session along, after its tasks", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    slowRead(bench, initiator);
    initiator.wire.destroy();
    await settled();
    expect(bench.opened).toBe(1);
    await answerAll(bench);
    expect([bench.opened, [...bench.sessions.all].length]).toEqual([0, 0]);
    const outcomes = bench.events.map((event) => event.kind === "session" && event.outcome);
    expect(outcomes).toEqual(["began", "ended"]);
  });
});

describe("a slow initiator", () => {
  test("that does not take answers is not listened to, and reads wait", async () => {
    const initiator = await new Bench().login({ MaxRecvDataSegmentLength: "262144" });
    initiator.wire.isFull = true;
    const reads = Array.from({ length: 40 }, () =>
      initiator.commandPdu({ cdb: rw10(0x28, 0, 256), read: true, expectedBytes: 256 * BLOCK }),
    );
    initiator.send(...reads);
    const first = await initiator.received();
    expect(first.length).toBeLessThan(5);
    expect(initiator.wire.isPaused).toBe(true);
    initiator.wire.isFull = false;
    initiator.connection.drained();
    expect(first.length + (await initiator.received()).length).toBe(40);
    expect(initiator.wire.isPaused).toBe(false);
  });

  test("has so many bytes read for it at a time", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    const tags = Array.from({ length: 6 }, () => slowRead(bench, initiator, (4 << 20) / BLOCK));
    expect(bench.volume.waiting).toHaveLength(2);
    await answerAll(bench);
    expect([...new Set(tagsOf(await initiator.received()))]).toEqual(tags);
  });
});

describe("commands that keep the thread", () => {
  test("let the other connections have their turn, and go on after it", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    const { volume } = bench;
    const reading = volume.read.bind(volume);
    volume.read = (offset, into) => {
      bench.clock.advance(ISCSI_TURN_MS / 2);
      return reading(offset, into);
    };
    const read = { cdb: rw10(0x28, 0, 1), read: true, expectedBytes: BLOCK };
    initiator.send(...Array.from({ length: 8 }, () => initiator.commandPdu(read)));
    expect(await initiator.received()).toHaveLength(3);
    expect(initiator.wire.isPaused).toBe(true);
    const later = [];
    for (let turn = 0; turn < 5; turn += 1) {
      bench.clock.advance(ISCSI_TURN_MS);
      later.push(...(await initiator.received()));
    }
    expect(later).toHaveLength(5);
    expect(initiator.wire.isPaused).toBe(false);
  });
});

describe("RFC 7143 §6.3: before the login", () => {
  test("nothing else is taken", async () => {
    const bench = new Bench();
    const initiator = bench.connect();
    initiator.nop();
    await settled();
    expect([initiator.wire.isOpen, bench.refusals]).toEqual([false, ["no login"]]);
  });

  test("a login that is not done in time ends", async () => {
    const bench = new Bench();
    const initiator = bench.connect();
    bench.clock.advance(15_000);
    expect([initiator.wire.isOpen, bench.refusals]).toEqual([false, ["login timed out"]]);
  });

  test("a segment is bounded by the 8 KiB that every login begins with", async () => {
    const bench = new Bench();
    const initiator = bench.connect();
    initiator.push(Uint8Array.fromHex(`4387000000002001${"00".repeat(40)}`));
    expect([initiator.wire.isOpen, bench.refusals]).toEqual([false, ["segment-too-long"]]);
  });
});
