import { STORM_ISCSI_ANSWER_BYTES, STORM_ISCSI_UNITS_MAX } from "../../limits.ts";
import { extentOf, isReadCapacity16, isStandardInquiry, Operation } from "./commands.ts";
import { BLOCK_BYTES } from "./content.ts";

/** A command that a trace does not have, because its target was another. */
export interface Question {
  readonly cdb: Buffer;
  readonly bytes: number;
  readonly lun: bigint;
}

const CONTROLLER_LUN = 0n;
const INQUIRY_BYTES = 36;
const CAPACITY_BYTES = 32;
const DIRECT_ACCESS = 0;

/**
 * Which logical unit of the target is the node's disk, and how large it is: the first of REPORT LUNS that is one. A
 * trace's own commands tell so much of most targets; only what they leave open is asked besides.
 */
export class Disk {
  #lun: bigint | undefined;
  #candidates: bigint[] | undefined;
  #blocks: number | undefined;
  #isAsked = false;

  get blocks(): number | undefined {
    return this.#blocks;
  }

  lunFor([operation]: Buffer): bigint {
    return operation === Operation.REPORT_LUNS ? CONTROLLER_LUN : (this.#lun ?? CONTROLLER_LUN);
  }

  /** What must be known before this command can be sent; "no disk": what cannot be. */
  questionBefore(cdb: Buffer): Question | "no disk" | undefined {
    const [operation] = cdb;
    if (operation === Operation.INQUIRY || operation === Operation.REPORT_LUNS) return undefined;
    if (this.#lun === undefined) return this.#unitQuestion();
    if (extentOf(cdb) === undefined || this.#blocks !== undefined) return undefined;
    if (this.#isAsked) return "no disk";
    this.#isAsked = true;
    return { cdb: readCapacity(), bytes: CAPACITY_BYTES, lun: this.#lun };
  }

  #unitQuestion(): Question | "no disk" {
    const candidates = this.#candidates;
    if (candidates === undefined) {
      // Whatever the answer: it is asked once.
      this.#candidates = [CONTROLLER_LUN];
      return { cdb: reportLuns(), bytes: STORM_ISCSI_ANSWER_BYTES, lun: CONTROLLER_LUN };
    }
    const lun = candidates.shift();
    return lun === undefined ? "no disk" : { cdb: inquiry(), bytes: INQUIRY_BYTES, lun };
  }

  /** From a GOOD answer. */
  learn(cdb: Buffer, lun: bigint, answer: Buffer): void {
    const [operation] = cdb;
    if (isStandardInquiry(cdb)) {
      // SPC-4 §6.4.2: qualifier and type of device in one byte.
      if (answer[0] === DIRECT_ACCESS) this.#lun ??= lun;
    } else if (operation === Operation.REPORT_LUNS) {
      this.#candidates = unitsIn(answer);
    } else if (operation === Operation.READ_CAPACITY_10 && answer.length >= 8) {
      const last = answer.readUInt32BE(0);
      // More than it can say: the other command does.
      if (last < 0xffff_ffff) this.#sized(last, answer.readUInt32BE(4));
    } else if (isReadCapacity16(cdb) && answer.length >= 12) {
      const last = answer.readUInt32BE(0) * 2 ** 32 + answer.readUInt32BE(4);
      this.#sized(last, answer.readUInt32BE(8));
    }
  }

  /** Blocks of other sizes than the trace's would move other amounts: such a disk is none. */
  #sized(last: number, blockBytes: number): void {
    if (blockBytes === BLOCK_BYTES && Number.isSafeInteger(last + 1)) this.#blocks = last + 1;
  }
}

/** SPC-4 §6.33: the length of the list, then 8 bytes each. */
function unitsIn(answer: Buffer): bigint[] {
  const units: bigint[] = [];
  for (let at = 8; at + 8 <= answer.length && units.length < STORM_ISCSI_UNITS_MAX; at += 8) {
    units.push(answer.readBigUInt64BE(at));
  }
  return units;
}

function reportLuns(): Buffer {
  const cdb = Buffer.alloc(12);
  cdb[0] = Operation.REPORT_LUNS;
  cdb.writeUInt32BE(STORM_ISCSI_ANSWER_BYTES, 6);
  return cdb;
}

function inquiry(): Buffer {
  const cdb = Buffer.alloc(6);
  cdb[0] = Operation.INQUIRY;
  cdb.writeUInt16BE(INQUIRY_BYTES, 3);
  return cdb;
}

/** SBC-3 §5.16 */
function readCapacity(): Buffer {
  const cdb = Buffer.alloc(16);
  cdb[0] = Operation.SERVICE_IN_16;
  cdb[1] = 0x10;
  cdb.writeUInt32BE(CAPACITY_BYTES, 10);
  return cdb;
}
