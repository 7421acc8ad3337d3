import { serialDistance, serialPlus } from "../../bytes/serial.ts";
import { encodePdu, type InitiatorPdu, type TargetPdu } from "../../iscsi/packet.ts";
import type { DataIn, R2t } from "../../iscsi/pdus/data.ts";
import { NO_TAG, Opcode, type TargetNumbers } from "../../iscsi/pdus/header.ts";
import type { NopIn } from "../../iscsi/pdus/nop.ts";
import type { Reject } from "../../iscsi/pdus/notice.ts";
import type { ScsiResponse } from "../../iscsi/pdus/scsi.ts";
import { STORM_ISCSI_QUESTIONS_MAX } from "../../limits.ts";
import type { Agreed } from "./login.ts";
import { type Ending, senseIn, type Task } from "./task.ts";

export interface SessionEvents {
  send(pdu: Uint8Array): void;
  ended(task: Task, ending: Ending): void;
  /** It was not executed: the target calls it a mistake of ours. */
  rejected(task: Task, reason: number): void;
}

/** RFC 7143 §11.3.1.1 */
const SIMPLE = 1;
const CDB_BYTES = 16;
const GOOD = 0;
const NOTHING = new Uint8Array(0);

/**
 * The full feature phase of one connection, the initiator's side: RFC 7143 §4.2, error recovery level 0. What a target
 * does that it must not ends the session: the text says what.
 */
export class Session {
  readonly #agreed: Agreed;
  readonly #events: SessionEvents;
  readonly #tasks = new Map<number, Task>();
  /** For which the window has no room yet. */
  readonly #waiting: Task[] = [];
  #cmdSn: number;
  #maxCmdSn: number;
  #expStatSn: number;
  #tag = 0;
  #reading: Task | undefined;
  /** The target's questions since the last answer. */
  #questions = 0;
  #problem: string | undefined;

  constructor(agreed: Agreed, events: SessionEvents) {
    this.#agreed = agreed;
    this.#events = events;
    this.#cmdSn = agreed.cmdSn;
    this.#maxCmdSn = agreed.maxCmdSn;
    this.#expStatSn = agreed.expStatSn;
  }

  /** What the target did that it must not; the session is of no use then. */
  get problem(): string | undefined {
    return this.#problem;
  }

  submit(task: Task): void {
    this.#waiting.push(task);
    this.#flush();
  }

  /** Whether the target is there: RFC 7143 §11.18. */
  ping(): void {
    const { cmdSn, expStatSn } = { cmdSn: this.#cmdSn, expStatSn: this.#expStatSn };
    this.#send({
      ...{ opcode: Opcode.NOP_OUT, immediate: true, lun: 0n, cmdSn, expStatSn },
      ...{ initiatorTaskTag: this.#nextTag(), targetTransferTag: NO_TAG, data: NOTHING },
    });
  }

  data(pdu: DataIn): void {
    const task = this.#tasks.get(pdu.initiatorTaskTag);
    this.#reading = task;
    if (task?.options.command.way !== "in") this.#problem ??= "data for no command that reads";
    else if (pdu.offset !== task.received) this.#problem ??= "data out of order";
  }

  piece(bytes: Uint8Array): void {
    if (this.#problem === undefined && this.#reading?.dataIn(bytes) === false) {
      this.#problem = "more data than was asked for";
    }
  }

  pdu(pdu: TargetPdu, bytes: number): void {
    if (this.#problem !== undefined) return;
    switch (pdu.opcode) {
      case Opcode.DATA_IN:
        this.#window(pdu);
        this.#dataEnds(pdu, bytes);
        break;
      case Opcode.SCSI_RESPONSE:
        this.#counted(pdu);
        this.#response(pdu, bytes);
        break;
      case Opcode.R2T:
        this.#window(pdu);
        this.#transfer(pdu, bytes);
        break;
      case Opcode.NOP_IN:
        this.#pinged(pdu);
        break;
      case Opcode.REJECT:
        this.#counted(pdu);
        this.#reject(pdu);
        break;
      case Opcode.ASYNC:
        this.#counted(pdu);
        // §11.9.1: 0 is about the disk; all others are about the session's end.
        if (pdu.event !== 0) this.#problem = "the target ends the session";
        break;
      default:
        this.#problem = "an answer to nothing";
    }
    this.#flush();
  }

  #flush(): void {
    while (this.#waiting.length > 0 && serialDistance(this.#cmdSn, this.#maxCmdSn) >= 0) {
      const task = this.#waiting.shift();
      if (task !== undefined) this.#begin(task);
    }
  }

  #begin(task: Task): void {
    const { isImmediate, isAsked, firstBurstBytes, segmentBytes } = this.#agreed;
    const { command, cdb, lun } = task.options;
    const { bytes, way } = command;
    const first = way === "out" ? Math.min(bytes, firstBurstBytes) : 0;
    const immediate = isImmediate ? Math.min(first, segmentBytes) : 0;
    const unasked = isAsked ? immediate : first;
    task.restart();
    task.tag = this.#nextTag();
    task.asked = unasked;
    this.#tasks.set(task.tag, task);
    const padded = Buffer.alloc(CDB_BYTES);
    cdb.copy(padded);
    task.sentBytes += this.#send({
      ...{ opcode: Opcode.SCSI_COMMAND, immediate: false, final: immediate === unasked },
      ...{ read: way === "in", write: way === "out", attribute: SIMPLE, lun },
      ...{ initiatorTaskTag: task.tag, expectedBytes: bytes, expectedReadBytes: undefined },
      ...{ cmdSn: this.#cmdSn, expStatSn: this.#expStatSn, cdb: padded },
      data: immediate > 0 ? [task.dataOut(0, immediate)] : [],
    });
    this.#cmdSn = serialPlus(this.#cmdSn, 1);
    this.#sendData(task, NO_TAG, immediate, unasked);
  }

  #sendData(task: Task, targetTransferTag: number, start: number, end: number): void {
    const { segmentBytes } = this.#agreed;
    for (let offset = start, dataSn = 0; offset < end; offset += segmentBytes, dataSn += 1) {
      const next = Math.min(end, offset + segmentBytes);
      task.sentBytes += this.#send({
        ...{ opcode: Opcode.DATA_OUT, final: next === end, lun: task.options.lun, dataSn, offset },
        ...{ initiatorTaskTag: task.tag, targetTransferTag, expStatSn: this.#expStatSn },
        data: [task.dataOut(offset, next)],
      });
    }
  }

  /** In order, each byte once: RFC 7143 §11.8. */
  #transfer(pdu: R2t, bytes: number): void {
    const { offset, desiredBytes, r2tSn, initiatorTaskTag, targetTransferTag } = pdu;
    const task = this.#tasks.get(initiatorTaskTag);
    if (task?.options.command.way !== "out") {
      this.#problem = "data is asked for of no command that writes";
      return;
    }
    const isInOrder = r2tSn === task.r2ts && offset === task.asked;
    const isInside = desiredBytes > 0 && offset + desiredBytes <= task.bytes;
    if (!isInOrder || !isInside || desiredBytes > this.#agreed.burstBytes) {
      this.#problem = "other data is asked for than there is";
      return;
    }
    task.receivedBytes += bytes;
    task.r2ts += 1;
    task.asked += desiredBytes;
    this.#sendData(task, targetTransferTag, offset, offset + desiredBytes);
  }

  #dataEnds(pdu: DataIn, bytes: number): void {
    const task = this.#reading;
    this.#reading = undefined;
    if (task === undefined) return;
    task.receivedBytes += bytes;
    const { status, residual } = pdu;
    if (status === undefined) return;
    this.#counted(pdu);
    this.#end(task, status, residual, undefined);
  }

  #response(pdu: ScsiResponse, bytes: number): void {
    const task = this.#tasks.get(pdu.initiatorTaskTag);
    if (task === undefined) {
      this.#problem = "an answer to nothing";
      return;
    }
    task.receivedBytes += bytes;
    // §11.4.3: anything but 0 is a failure of the target itself, without a status.
    if (pdu.response !== 0) this.#problem = "a command failed in the target";
    else this.#end(task, pdu.status, pdu.residual, pdu.data);
  }

  #end(task: Task, status: number, residual: number, data: Uint8Array | undefined): void {
    const moved = task.options.command.way === "in" ? task.received : task.asked;
    if (status === GOOD && moved < task.bytes - Math.max(residual, 0)) {
      this.#problem = "an answer without all of its data";
      return;
    }
    this.#questions = 0;
    this.#tasks.delete(task.tag);
    this.#events.ended(task, { status, sense: data === undefined ? undefined : senseIn(data) });
  }

  /** §11.17: the header that it is about is in it. */
  #reject({ reason, data }: Reject): void {
    const tag = data.length >= 20 ? Buffer.from(data).readUInt32BE(16) : NO_TAG;
    const task = this.#tasks.get(tag);
    this.#tasks.delete(tag);
    if (task !== undefined) this.#events.rejected(task, reason);
  }

  /** §11.19: a question, or the answer to ours. */
  #pinged(pdu: NopIn): void {
    const { targetTransferTag, initiatorTaskTag, lun } = pdu;
    if (initiatorTaskTag === NO_TAG) this.#window(pdu);
    else this.#counted(pdu);
    if (targetTransferTag === NO_TAG) return;
    this.#questions += 1;
    if (this.#questions > STORM_ISCSI_QUESTIONS_MAX) this.#problem = "questions without an end";
    const data = pdu.data.subarray(0, this.#agreed.segmentBytes);
    this.#send({
      ...{ opcode: Opcode.NOP_OUT, immediate: true, lun, initiatorTaskTag: NO_TAG },
      ...{ targetTransferTag, cmdSn: this.#cmdSn, expStatSn: this.#expStatSn, data },
    });
  }

  /** With a StatSN of its own. */
  #counted(numbers: TargetNumbers): void {
    if (serialDistance(this.#expStatSn, numbers.statSn) >= 0) {
      this.#expStatSn = serialPlus(numbers.statSn, 1);
    }
    this.#window(numbers);
  }

  /** RFC 7143 §4.2.2.1: it only grows, and what contradicts itself is passed over. */
  #window({ expCmdSn, maxCmdSn }: TargetNumbers): void {
    const isSound = serialDistance(expCmdSn, maxCmdSn) >= -1;
    if (isSound && serialDistance(this.#maxCmdSn, maxCmdSn) > 0) this.#maxCmdSn = maxCmdSn;
  }

  #nextTag(): number {
    this.#tag = (this.#tag + 1) % NO_TAG;
    return this.#tag;
  }

  #send(pdu: InitiatorPdu): number {
    const bytes = encodePdu(pdu);
    this.#events.send(bytes);
    return bytes.length;
  }
}
