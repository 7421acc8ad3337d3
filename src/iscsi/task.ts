import type { Command, Nexus, TaskAttribute } from "../scsi/command.ts";
import type { ScsiCommand } from "./pdus/scsi.ts";

/**
 * One SCSI command on its way: its data is collected, it waits for its turn, it runs, it has ended. It is what the
 * disk gets.
 */
export class Task implements Command {
  readonly nexus: Nexus;
  readonly cdb: Uint8Array;
  readonly lun: number;
  readonly attribute: TaskAttribute;
  readonly initiatorTaskTag: number;
  readonly wireLun: bigint;
  readonly isImmediate: boolean;
  readonly isRead: boolean;
  readonly isWrite: boolean;
  /** What the initiator has, or has room for. */
  readonly expectedBytes: number;
  /** Of it, what the command takes from the initiator. */
  readonly wantedBytes: number;
  dataOut: readonly Uint8Array[] = NOTHING;
  dataOutBytes = 0;
  state: "collecting" | "ready" | "running" | "ended" = "collecting";
  /** Nobody is to be told how it ends. */
  isAborted = false;
  #ended: (() => void)[] | undefined;

  constructor(nexus: Nexus, pdu: ScsiCommand, wantedBytes: number) {
    this.nexus = nexus;
    this.cdb = pdu.cdb;
    this.lun = lunNumber(pdu.lun);
    this.attribute = attributeOf(pdu.attribute);
    this.initiatorTaskTag = pdu.initiatorTaskTag;
    this.wireLun = pdu.lun;
    this.isImmediate = pdu.immediate;
    this.isRead = pdu.read;
    this.isWrite = pdu.write;
    this.expectedBytes = pdu.expectedBytes;
    this.wantedBytes = wantedBytes;
  }

  /** What its answer may carry to the initiator. */
  get dataInRoom(): number {
    return this.isRead ? this.expectedBytes : 0;
  }

  /** `ended` is called when it does nothing any more. */
  tell(ended: () => void): void {
    this.#ended ??= [];
    this.#ended.push(ended);
  }

  hasEnded(): void {
    for (const ended of this.#ended ?? []) ended();
  }
}

/** RFC 7143 §11.3.1.1. Untagged ones are simple ones, and so is what is reserved. */
function attributeOf(code: number): TaskAttribute {
  if (code === 2) return "ordered";
  if (code === 3) return "head-of-queue";
  return code === 4 ? "aca" : "simple";
}

const NOTHING: readonly Uint8Array[] = [];
const NO_LUN = 0xffff;

/** SAM-5 §4.7: of one level, by peripheral device or flat space addressing; all others are one that is not there. */
export function lunNumber(lun: bigint): number {
  if (lun === 0n) return 0;
  const first = Number(lun >> 48n);
  if ((lun & 0xffff_ffff_ffffn) !== 0n || first >= 0x8000) return NO_LUN;
  const number = first & 0x3fff;
  return first < 0x4000 && number > 0xff ? NO_LUN : number;
}
