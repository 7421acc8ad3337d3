import { ISCSI_ASKED_BYTES_MAX } from "../limits.ts";
import type { Result } from "../scsi/command.ts";
import { check } from "../scsi/result.ts";
import { type AdditionalSense, SenseKey } from "../scsi/sense.ts";
import { Gathered } from "./gathered.ts";
import type { DataOut } from "./pdus/data.ts";
import { NO_TAG } from "./pdus/header.ts";
import type { ScsiCommand } from "./pdus/scsi.ts";
import type { SessionParameters } from "./rules.ts";
import type { Task } from "./task.ts";

/** RFC 7143 §11.4.7.2: what a command ends with whose data did not come as it should. */
const UNEXPECTED_UNSOLICITED_DATA: AdditionalSense = [0x0c, 0x0c];
const INCORRECT_AMOUNT_OF_DATA: AdditionalSense = [0x0c, 0x0d];
const PROTOCOL_SERVICE_CRC_ERROR: AdditionalSense = [0x47, 0x05];

/** Data-Out PDUs that belong together: what one R2T asked for, or what comes unasked. */
interface Burst {
  readonly tag: number;
  /** Where it must end; what comes unasked may end before. */
  readonly end: number;
  nextDataSn: number;
}

/** A command whose data did not all come with it. */
interface Collection {
  readonly task: Task;
  readonly data: Gathered;
  /** Those that are to come, in their order. */
  readonly bursts: Burst[];
  /** How far R2Ts went. */
  asked: number;
  nextR2tSn: number;
  /** It may have what it takes. R2Ts follow when nothing comes unasked any more. */
  isGranted: boolean;
  /** Its data did not come as it should: the rest is not kept, and it ends when its bursts have. */
  failure: Result | undefined;
}

/** What an R2T says. */
export interface Ask {
  readonly tag: number;
  readonly r2tSn: number;
  readonly offset: number;
  readonly bytes: number;
}

interface TransferOptions {
  readonly parameters: SessionParameters;
  readonly ask: (task: Task, ask: Ask) => void;
  /** All that the command takes is there, or, with a result, it ends before it began. */
  readonly complete: (task: Task, failure: Result | undefined) => void;
}

/**
 * Data from the initiator for one session's commands: with the command, after it unasked, and asked for by R2T. RFC
 * 7143 §4.2.5.2, §11.7, §11.8. Data comes in order (DataPDUInOrder and DataSequenceInOrder are always Yes).
 */
export class Transfers {
  readonly #options: TransferOptions;
  readonly #collections = new Map<number, Collection>();
  /** In their order: whoever waits for those before it must not have what they wait for. */
  readonly #waiting: Collection[] = [];
  #askedBytes = 0;
  #lastTag = 0;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  /** Whether the command has all that it takes, and all that it has is right. Else `collect` follows. */
  isWhole(task: Task, pdu: ScsiCommand): boolean {
    if (pdu.data.length > 0) {
      for (const part of pdu.data) task.dataOutBytes += part.length;
      task.dataOut = pdu.data;
    }
    const isLast = pdu.final || !task.isWrite;
    return isLast && task.dataOutBytes >= task.wantedBytes && !this.#isUnexpected(task, pdu);
  }

  collect(task: Task, pdu: ScsiCommand): void {
    const isLast = pdu.final || !task.isWrite;
    const collection: Collection = {
      task,
      data: new Gathered(),
      bursts: isLast ? [] : [{ tag: NO_TAG, end: this.#firstBurst(task), nextDataSn: 0 }],
      asked: 0,
      nextR2tSn: 0,
      isGranted: false,
      failure: this.#isUnexpected(task, pdu) ? failed(UNEXPECTED_UNSOLICITED_DATA) : undefined,
    };
    for (const part of pdu.data) collection.data.add(part);
    this.#collections.set(task.initiatorTaskTag, collection);
    this.#waiting.push(collection);
    this.#grantWaiting();
    if (isLast) this.#proceed(collection);
  }

  /** False: nobody expects it. */
  receive(pdu: DataOut): boolean {
    const collection = this.#collections.get(pdu.initiatorTaskTag);
    const burst = collection?.bursts[0];
    if (collection === undefined || burst?.tag !== pdu.targetTransferTag) return false;
    this.#take(collection, burst, pdu);
    if (!pdu.final) return true;
    collection.bursts.shift();
    const isShort = burst.tag !== NO_TAG && collection.data.bytes < burst.end;
    if (isShort) collection.failure ??= failed(INCORRECT_AMOUNT_OF_DATA);
    this.#proceed(collection);
    return true;
  }

  /** The task has ended, whether it had its data or not. */
  ended(task: Task): void {
    const collection = this.#collections.get(task.initiatorTaskTag);
    if (collection === undefined) return;
    this.#collections.delete(task.initiatorTaskTag);
    if (collection.isGranted) {
      this.#askedBytes -= task.wantedBytes;
      this.#grantWaiting();
    } else {
      const at = this.#waiting.indexOf(collection);
      if (at >= 0) this.#waiting.splice(at, 1);
    }
  }

  #firstBurst({ expectedBytes }: Task): number {
    return Math.min(this.#options.parameters.firstBurstLength, expectedBytes);
  }

  #isUnexpected(task: Task, { final }: ScsiCommand): boolean {
    const { immediateData, initialR2T } = this.#options.parameters;
    if (task.isWrite && !final && initialR2T) return true;
    if (task.dataOutBytes === 0) return false;
    return !task.isWrite || !immediateData || task.dataOutBytes > this.#firstBurst(task);
  }

  #take(collection: Collection, burst: Burst, pdu: DataOut): void {
    let bytes = 0;
    for (const part of pdu.data) bytes += part.length;
    const isInOrder = pdu.dataSn === burst.nextDataSn && pdu.offset === collection.data.bytes;
    burst.nextDataSn += 1;
    if (!isInOrder) collection.failure ??= failed(PROTOCOL_SERVICE_CRC_ERROR);
    if (pdu.offset + bytes > burst.end) {
      const isUnasked = burst.tag === NO_TAG;
      const sense = isUnasked ? UNEXPECTED_UNSOLICITED_DATA : INCORRECT_AMOUNT_OF_DATA;
      collection.failure ??= failed(sense);
    }
    if (collection.failure !== undefined) collection.data.clear();
    else for (const part of pdu.data) collection.data.add(part);
  }

  /** No unasked data is to come any more: asks for the rest, or is complete. */
  #proceed(collection: Collection): void {
    if (!isDone(collection)) {
      if (collection.isGranted) this.#ask(collection);
    } else if (collection.bursts.length === 0) this.#complete(collection);
  }

  #complete({ task, data, failure }: Collection): void {
    task.dataOut = data.parts;
    task.dataOutBytes = data.bytes;
    this.#options.complete(task, failure);
  }

  /** In their order: a large one is not passed by small ones for ever. */
  #grantWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { wantedBytes } = next.task;
      if (this.#askedBytes > 0 && this.#askedBytes + wantedBytes > ISCSI_ASKED_BYTES_MAX) return;
      this.#waiting.shift();
      this.#askedBytes += wantedBytes;
      next.isGranted = true;
      if (next.bursts.length === 0 && !isDone(next)) this.#ask(next);
    }
  }

  #ask(collection: Collection): void {
    const { maxOutstandingR2T, maxBurstLength } = this.#options.parameters;
    const { task, bursts, data } = collection;
    if (collection.asked === 0) collection.asked = data.bytes;
    while (bursts.length < maxOutstandingR2T && collection.asked < task.wantedBytes) {
      const offset = collection.asked;
      const bytes = Math.min(maxBurstLength, task.wantedBytes - offset);
      this.#lastTag = (this.#lastTag + 1) % NO_TAG;
      bursts.push({ tag: this.#lastTag, end: offset + bytes, nextDataSn: 0 });
      collection.asked += bytes;
      const r2tSn = collection.nextR2tSn;
      collection.nextR2tSn += 1;
      this.#options.ask(task, { tag: this.#lastTag, r2tSn, offset, bytes });
    }
  }
}

function isDone({ task, data, failure }: Collection): boolean {
  return failure !== undefined || data.bytes >= task.wantedBytes;
}

function failed(sense: AdditionalSense): Result {
  return check(SenseKey.ABORTED_COMMAND, ...sense);
}
