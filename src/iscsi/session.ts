import { serialPlus } from "../bytes/serial.ts";
import { Writer } from "../bytes/writer.ts";
import { ISCSI_IMMEDIATE_TASKS_MAX } from "../limits.ts";
import type { Instant } from "../net/clock.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Nexus } from "../scsi/command.ts";
import type { Tell } from "../watch/events.ts";
import { type TextStep, Texts } from "./discovery.ts";
import type { Link } from "./link.ts";
import type { EstablishedLogin } from "./login.ts";
import { Numbers } from "./numbers.ts";
import { headerBytes, type Pdu, putHeader, segmentBytes } from "./packet.ts";
import type { DataOut } from "./pdus/data.ts";
import { NO_TAG, Opcode } from "./pdus/header.ts";
import { LogoutOutcome, LogoutReason, type LogoutRequest } from "./pdus/logout.ts";
import type { NopOut } from "./pdus/nop.ts";
import { AsyncEvent, RejectReason } from "./pdus/notice.ts";
import type { ScsiCommand } from "./pdus/scsi.ts";
import { TaskFunction, type TaskRequest } from "./pdus/task.ts";
import type { TextRequest } from "./pdus/text.ts";
import type { SessionParameters } from "./rules.ts";
import type { Sessions } from "./sessions.ts";
import type { Target, Targets } from "./target.ts";
import { manageTasks } from "./task-management.ts";
import { Tasks } from "./tasks.ts";

export interface SessionOptions {
  readonly established: EstablishedLogin;
  readonly tsih: number;
  readonly link: Link;
  readonly peer: Endpoint;
  /** Where the initiator reached us. */
  readonly portal: Endpoint;
  readonly since: Instant;
  /** Of the login response that the session begins with, and of the request for it. */
  readonly statSn: number;
  readonly cmdSn: number;
  readonly sessions: Sessions;
  readonly targets: Targets;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

/** What has a CmdSN, and takes its turn by it unless it is immediate: RFC 7143 §4.2.2.1. */
type Numbered = ScsiCommand | TaskRequest | TextRequest | NopOut | LogoutRequest;

/**
 * The full feature phase of one session, and of the one connection that it has: RFC 7143 §4.2, error recovery level
 * 0.
 */
export class Session implements Nexus {
  readonly initiatorPort: string;
  readonly initiatorName: string;
  readonly tsih: number;
  readonly peer: Endpoint;
  readonly since: Instant;
  /** Undefined for a discovery session. */
  readonly target: Target | undefined;
  readonly tasks: Tasks | undefined;
  commands = 0;
  readonly #options: SessionOptions;
  readonly #link: Link;
  readonly #numbers: Numbers;
  readonly #texts: Texts;
  /** Came before those before them. */
  readonly #early = new Map<number, Numbered | "skipped">();
  #managing = 0;
  #isTexting = false;
  #lastPing = 0;
  #closed: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    const { established, link, targets, peer, portal, report } = options;
    const { initiatorName, isid, opened, parameters } = established;
    this.#options = options;
    this.#link = link;
    this.initiatorName = initiatorName;
    this.initiatorPort = `${initiatorName},i,0x${isid}`;
    this.tsih = options.tsih;
    this.peer = peer;
    this.since = options.since;
    this.target = opened?.target;
    this.#numbers = new Numbers(options.statSn, options.cmdSn);
    const initiator = { name: initiatorName, address: peer.address };
    const targetName = this.target?.name;
    this.#texts = new Texts({ targets, initiator, portal, targetName, parameters });
    const disk = this.target?.disk;
    if (disk === undefined) return;
    disk.attach(this);
    this.#tell("began");
    const numbers = this.#numbers;
    this.tasks = new Tasks({ disk, nexus: this, link, numbers, parameters: this.#now, report });
  }

  readonly #now = (): SessionParameters => this.#texts.parameters;

  receive(pdu: Pdu): void {
    if (this.#closed !== undefined) return;
    switch (pdu.opcode) {
      case Opcode.SCSI_COMMAND:
      case Opcode.TASK_REQUEST:
      case Opcode.TEXT_REQUEST:
      case Opcode.NOP_OUT:
      case Opcode.LOGOUT_REQUEST:
        this.#receiveNumbered(pdu);
        break;
      case Opcode.DATA_OUT:
        this.#dataOut(pdu);
        break;
      case Opcode.SNACK:
        this.#reject(RejectReason.SNACK_REJECT, pdu);
        break;
      default:
        this.#reject(RejectReason.PROTOCOL_ERROR, pdu);
        this.#link.end();
        return;
    }
  }

  /** Answers a PDU that could not be read. */
  reject(reason: RejectReason, header: Uint8Array): void {
    const numbers = this.#numbers.take();
    this.#link.send({ opcode: Opcode.REJECT, reason, ...numbers, dataSn: 0, data: header });
    this.#link.refused(`rejected: ${reason}`);
  }

  /** Asks whether the initiator is there: RFC 7143 §11.19. */
  ping(): void {
    this.#lastPing = (this.#lastPing + 1) % NO_TAG;
    this.#link.send({
      opcode: Opcode.NOP_IN,
      lun: 0n,
      initiatorTaskTag: NO_TAG,
      targetTransferTag: this.#lastPing,
      ...this.#numbers.peek(),
      data: new Uint8Array(0),
    });
    this.#link.flush();
  }

  /** RFC 7143 §11.9.1: it has so many seconds to do it. */
  askForLogout(seconds: number): void {
    this.#link.send({
      opcode: Opcode.ASYNC,
      lun: 0n,
      ...this.#numbers.take(),
      event: AsyncEvent.LOGOUT_REQUESTED,
      vendorCode: 0,
      parameters: [0, 0, seconds],
      data: new Uint8Array(0),
    });
    this.#link.flush();
  }

  /** A command that did not come yet is ignored when it does. */
  skip(cmdSn: number): boolean {
    if (!this.#numbers.isInWindow(cmdSn) || this.#early.has(cmdSn)) return false;
    this.#early.set(cmdSn, "skipped");
    this.#executeEarly();
    return true;
  }

  /** The connection takes bytes again. */
  drained(): void {
    this.tasks?.proceed();
  }

  /** Ends it. Resolves when its tasks have ended and its target is closed. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Another session takes its place, or its target was reset. */
  end(): Promise<void> {
    this.#link.end();
    return this.close();
  }

  async #close(): Promise<void> {
    const { established, sessions, report } = this.#options;
    try {
      await this.tasks?.abort(this.tasks.all);
      this.target?.disk.detach(this);
      await established.opened?.[Symbol.asyncDispose]();
    } catch (error) {
      report("iSCSI session", error);
    } finally {
      sessions.remove(this);
      this.#tell("ended");
    }
  }

  #tell(outcome: "began" | "ended"): void {
    if (this.target === undefined) return;
    const { initiatorName: initiator, peer, target } = this;
    const { address } = peer;
    this.#options.tell({ kind: "session", address, initiator, target: target.name, outcome });
  }

  /** RFC 7143 §4.2.2.1: what is out of the window, and what came before, is ignored. */
  #receiveNumbered(pdu: Numbered): void {
    const numbers = this.#numbers;
    if (pdu.immediate) {
      this.#execute(pdu);
      return;
    }
    if (!numbers.isInWindow(pdu.cmdSn)) {
      this.#link.refused("CmdSN out of window");
      return;
    }
    if (pdu.cmdSn !== numbers.expCmdSn) {
      if (!this.#early.has(pdu.cmdSn)) this.#early.set(pdu.cmdSn, pdu);
      return;
    }
    numbers.expCmdSn = serialPlus(numbers.expCmdSn, 1);
    this.#execute(pdu);
    if (this.#early.size > 0) this.#executeEarly();
  }

  #executeEarly(): void {
    const numbers = this.#numbers;
    for (;;) {
      const next = this.#early.get(numbers.expCmdSn);
      if (next === undefined) return;
      this.#early.delete(numbers.expCmdSn);
      numbers.expCmdSn = serialPlus(numbers.expCmdSn, 1);
      if (next !== "skipped") this.#execute(next);
    }
  }

  #execute(pdu: Numbered): void {
    switch (pdu.opcode) {
      case Opcode.SCSI_COMMAND:
        this.#command(pdu);
        break;
      case Opcode.NOP_OUT:
        this.#answerNop(pdu);
        break;
      case Opcode.TEXT_REQUEST:
        this.#text(pdu);
        break;
      case Opcode.TASK_REQUEST:
        this.#manage(pdu);
        break;
      case Opcode.LOGOUT_REQUEST:
        this.#logout(pdu);
        break;
    }
  }

  /** What is for a task that was aborted comes all the same: RFC 7143 §4.2.3.3. */
  #dataOut(pdu: DataOut): void {
    if (this.tasks?.dataOut(pdu) === true) return;
    const isForTask = this.tasks?.find(pdu.initiatorTaskTag) !== undefined;
    if (isForTask) this.#reject(RejectReason.INVALID_FIELD, pdu);
    else this.#link.refused("unexpected Data-Out");
  }

  #command(pdu: ScsiCommand): void {
    const { tasks } = this;
    if (tasks === undefined) {
      this.#reject(RejectReason.PROTOCOL_ERROR, pdu);
      return;
    }
    if (tasks.find(pdu.initiatorTaskTag) !== undefined) {
      this.#reject(RejectReason.TASK_IN_PROGRESS, pdu);
      return;
    }
    if (pdu.immediate && tasks.immediate >= ISCSI_IMMEDIATE_TASKS_MAX) {
      this.#reject(RejectReason.TOO_MANY_IMMEDIATE, pdu);
      return;
    }
    this.commands += 1;
    tasks.command(pdu);
  }

  /** RFC 7143 §11.18: without a tag of its own it wants no answer: it may be one. */
  #answerNop(pdu: NopOut): void {
    if (pdu.initiatorTaskTag === NO_TAG) return;
    const { peerMaxRecvDataSegmentLength } = this.#texts.parameters;
    this.#link.send({
      opcode: Opcode.NOP_IN,
      lun: 0n,
      initiatorTaskTag: pdu.initiatorTaskTag,
      targetTransferTag: NO_TAG,
      ...this.#numbers.take(),
      data: pdu.data.subarray(0, peerMaxRecvDataSegmentLength),
    });
  }

  #text(pdu: TextRequest): void {
    if (this.#isTexting) {
      this.#reject(RejectReason.PROTOCOL_ERROR, pdu);
      return;
    }
    const answer = (step: TextStep): void => {
      if ("reject" in step) {
        this.#reject(step.reject, pdu);
        return;
      }
      const numbers = this.#numbers.take();
      this.#link.send({ opcode: Opcode.TEXT_RESPONSE, ...step.response, ...numbers });
    };
    const step = this.#texts.receive(pdu);
    if (!(step instanceof Promise)) {
      answer(step);
      return;
    }
    this.#isTexting = true;
    const later = async (): Promise<void> => {
      answer(await step);
      this.#isTexting = false;
    };
    this.#run("iSCSI text", later);
  }

  #manage(pdu: TaskRequest): void {
    const { tasks, target } = this;
    if (tasks === undefined || target === undefined) {
      this.#reject(RejectReason.PROTOCOL_ERROR, pdu);
      return;
    }
    if (this.#managing >= ISCSI_IMMEDIATE_TASKS_MAX) {
      this.#reject(RejectReason.TOO_MANY_IMMEDIATE, pdu);
      return;
    }
    this.#managing += 1;
    const { initiatorTaskTag } = pdu;
    const siblings = this.#options.sessions.of(target);
    const others = siblings.flatMap((sibling) => sibling.tasks ?? []);
    const skip = (cmdSn: number): boolean => this.skip(cmdSn);
    this.#run("iSCSI task management", async () => {
      const response = await manageTasks(pdu, { tasks, siblings: others, skip });
      this.#managing -= 1;
      const numbers = this.#numbers.take();
      this.#link.send({ opcode: Opcode.TASK_RESPONSE, response, initiatorTaskTag, ...numbers });
      if (pdu.function === TaskFunction.TARGET_COLD_RESET) {
        for (const sibling of siblings) void sibling.end();
      }
    });
  }

  /** RFC 7143 §11.14: with one connection a session ends with it. No session is kept for recovery. */
  #logout({ reason, cid, initiatorTaskTag }: LogoutRequest): void {
    const isOurs = reason === LogoutReason.CLOSE_SESSION || cid === this.#options.established.cid;
    const response = !isOurs
      ? LogoutOutcome.CID_NOT_FOUND
      : reason <= LogoutReason.CLOSE_CONNECTION
        ? LogoutOutcome.CLOSED
        : LogoutOutcome.RECOVERY_NOT_SUPPORTED;
    const isEnding = response === LogoutOutcome.CLOSED;
    this.#run("iSCSI logout", async () => {
      if (isEnding) await this.close();
      this.#link.send({
        opcode: Opcode.LOGOUT_RESPONSE,
        response,
        initiatorTaskTag,
        ...this.#numbers.take(),
        timeToWait: 0,
        timeToRetain: 0,
      });
      if (isEnding) this.#link.end();
    });
  }

  #reject(reason: RejectReason, pdu: Pdu): void {
    // RFC 7143 §11.17.1: its CmdSN counts as not received; the initiator fills the gap.
    const numbers = this.#numbers;
    const isNumbered = "cmdSn" in pdu && "immediate" in pdu && !pdu.immediate;
    if (isNumbered && numbers.expCmdSn === serialPlus(pdu.cmdSn, 1)) numbers.expCmdSn = pdu.cmdSn;
    const writer = new Writer(headerBytes(pdu));
    this.reject(reason, putHeader(writer, pdu, segmentBytes(pdu)).finish());
  }

  /** What answers later, and leaves by itself. */
  #run(what: string, answer: () => Promise<void>): void {
    const fail = (error: unknown): void => {
      this.#options.report(what, error);
      this.#link.abandon("target failure");
    };
    answer().then(() => this.#link.flush(), fail);
  }
}
