import { isMalformed } from "../../../src/bytes/malformed.ts";
import { Reader } from "../../../src/bytes/reader.ts";
import { decodePdu, encodePdu, type InitiatorPdu, type Pdu } from "../../../src/iscsi/packet.ts";
import { HEADER_BYTES, NO_TAG, Opcode, padded } from "../../../src/iscsi/pdus/header.ts";
import { Stage } from "../../../src/iscsi/pdus/login.ts";
import type { Connect, StreamHandler } from "../../../src/net/stream.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { Node } from "./node.ts";

/** A node whose target is the test: connections in memory, and time that stands still. */

const keys = "TargetPortalGroupTag=1\0MaxRecvDataSegmentLength=1024\0FirstBurstLength=2048\0";

export class Wire {
  readonly clock = new VirtualClock();
  readonly node: Node;
  /** Of the last connection. */
  handler: StreamHandler | undefined;
  connections = 0;
  isOpen = false;
  readonly #sent: InitiatorPdu[] = [];
  statSn = 1;
  maxCmdSn = 64;

  constructor(patienceMs = 60_000) {
    const connect: Connect = (_, handler) => {
      this.connections += 1;
      this.isOpen = true;
      this.handler = handler;
      return {
        write: (bytes) => {
          this.#sent.push(...initiatorPdus(bytes));
          return true;
        },
        destroy: () => {
          if (this.handler === handler) this.isOpen = false;
        },
      };
    };
    this.node = new Node({ port: 3260, clock: this.clock, connect, patienceMs });
  }

  /** What was sent since it was last asked. */
  sent(): InitiatorPdu[] {
    return this.#sent.splice(0);
  }

  receive(bytes: Uint8Array): void {
    this.handler?.received(new Reader(Buffer.from(bytes)), bytes.length);
  }

  answer(pdu: Pdu): void {
    this.receive(encodePdu(pdu));
  }

  /** StatSN and window of an answer. */
  numbers(): { statSn: number; expCmdSn: number; maxCmdSn: number } {
    const numbers = { statSn: this.statSn, expCmdSn: 1, maxCmdSn: this.maxCmdSn };
    this.statSn += 1;
    return numbers;
  }

  /** Opens the connection and agrees to what is offered, but for `more`. */
  accept(more = ""): void {
    this.handler?.opened();
    this.login(Stage.SECURITY, Stage.OPERATIONAL, "AuthMethod=None\0");
    this.login(Stage.OPERATIONAL, Stage.FULL_FEATURE, `${keys}${more}`);
    this.sent();
  }

  login(csg: number, nsg: number, text: string): void {
    this.answer({
      ...{ opcode: Opcode.LOGIN_RESPONSE, transit: true, continues: false, csg, nsg },
      ...{ versionMax: 0, versionActive: 0, isid: "800000000001", tsih: 1, initiatorTaskTag: 0 },
      ...{ statusClass: 0, statusDetail: 0, data: Buffer.from(text), ...this.numbers() },
    });
  }

  /** Logged in, at a disk of `blocks` at LUN 0. */
  static async ready(more = "", blocks = 1000): Promise<Wire> {
    const wire = new Wire();
    const done = wire.node.login();
    wire.accept(more);
    await done;
    const asked = wire.node.command("120000002400", "in", 36);
    wire.data(Buffer.alloc(36));
    await asked;
    const sized = wire.node.command("25".padEnd(20, "0"), "in", 8);
    const capacity = Buffer.alloc(8);
    capacity.writeUInt32BE(blocks - 1, 0);
    capacity.writeUInt32BE(512, 4);
    wire.data(capacity);
    await sized;
    return wire;
  }

  /** The tag of the last command that was sent. */
  tag(): number {
    const commands = this.sent().filter(({ opcode }) => opcode === Opcode.SCSI_COMMAND);
    return commands.at(-1)?.initiatorTaskTag ?? NO_TAG;
  }

  /** The whole answer to the last command, in one Data-In. */
  data(data: Uint8Array): void {
    this.dataIn(this.tag(), 0, data, 0);
  }

  /** All that there is, which may be less than the last command asked for. */
  answerShort(data: Uint8Array): void {
    this.dataIn(this.tag(), 0, data, 0, 0xffff);
  }

  dataIn(tag: number, offset: number, data: Uint8Array, status?: number, residual = 0): void {
    this.answer({
      ...{ opcode: Opcode.DATA_IN, final: true, acknowledge: false, status, lun: 0n },
      ...{ initiatorTaskTag: tag, targetTransferTag: NO_TAG, ...this.numbers(), dataSn: 0, offset },
      ...{ residual, data: [data] },
    });
  }

  /** `sense`: in fixed format (SPC-4 §4.5.3), its key. */
  respond(initiatorTaskTag: number, status: number, sense?: number): void {
    const data = Buffer.alloc(sense === undefined ? 0 : 20);
    if (sense !== undefined) data.set([0, 18, 0x70, 0, sense]);
    this.answer({
      ...{ opcode: Opcode.SCSI_RESPONSE, response: 0, status, initiatorTaskTag },
      ...{ ...this.numbers(), expDataSn: 0, residual: 0, readResidual: 0, data },
    });
  }

  r2t(initiatorTaskTag: number, r2tSn: number, offset: number, desiredBytes: number): void {
    this.answer({
      ...{ opcode: Opcode.R2T, lun: 0n, initiatorTaskTag, targetTransferTag: 7 },
      ...{ ...this.numbers(), r2tSn, offset, desiredBytes },
    });
    this.statSn -= 1;
  }
}

function* initiatorPdus(bytes: Uint8Array): Generator<InitiatorPdu> {
  for (let at = 0; at < bytes.length; ) {
    const length = Buffer.from(bytes).readUIntBE(at + 5, 3);
    const start = at + HEADER_BYTES;
    const segment = bytes.slice(start, start + length);
    const pdu = decodePdu(new Reader(bytes.slice(at, start)), length > 0 ? [segment] : []);
    if (pdu === undefined || isMalformed(pdu) || pdu.opcode >= 0x20)
      throw new Error("sent odd bytes");
    yield pdu as InitiatorPdu;
    at = start + padded(length);
  }
}
