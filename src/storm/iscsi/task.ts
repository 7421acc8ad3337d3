import { STORM_ISCSI_ANSWER_BYTES } from "../../limits.ts";
import type { Instant } from "../../net/clock.ts";
import type { ScsiCommand } from "../trace/trace.ts";
import { type Extent, emptyUnmap, Operation, operationName } from "./commands.ts";
import type { VolumeContent } from "./content.ts";

export interface TaskOptions {
  readonly cdb: Buffer;
  readonly command: Pick<ScsiCommand, "bytes" | "way">;
  readonly lun: bigint;
  /** Of blocks, where the command is about some. */
  readonly extent: Extent | undefined;
  readonly content: VolumeContent;
  readonly begunAt: Instant;
  readonly done: (ending: Ending, task: Task) => void;
  /** The session is over before it was answered. */
  readonly failed: (why: string) => void;
}

export interface Ending {
  /** SAM-5 §5.3.1. */
  readonly status: number;
  /** SPC-4 §4.5: of a CHECK CONDITION. */
  readonly sense: Sense | undefined;
}

export interface Sense {
  readonly key: number;
  readonly asc: number;
}

/** Commands that move a volume's blocks: what they carry can be judged. */
const reads = new Set([0x28, 0x88, 0xa8]);
const writes = new Set([0x2a, 0x8a, 0xaa, 0x2e, 0x8e, 0xae]);

/** One command of a session, and how far it is; it may be sent again, from its beginning. */
export class Task {
  readonly options: TaskOptions;
  readonly operation: string;
  readonly #first: number;
  tag = 0;
  /** How often a unit attention came instead of an answer. */
  attentions = 0;
  wasSent = false;
  /** PDUs of it, both ways. */
  receivedBytes = 0;
  sentBytes = 0;
  /** Of data: received, and sent or asked for. */
  received = 0;
  asked = 0;
  r2ts = 0;
  #isRight = true;
  #verified = 0;
  /** The beginning of what came. */
  #answer: Buffer | undefined;

  constructor(options: TaskOptions) {
    this.options = options;
    this.operation = operationName(options.cdb);
    [this.#first = 0] = options.cdb;
  }

  get bytes(): number {
    return this.options.command.bytes;
  }

  /** Bytes that came and were right; undefined: some were wrong. */
  get verified(): number | undefined {
    return this.#isRight ? this.#verified : undefined;
  }

  get answer(): Buffer {
    return this.#answer?.subarray(0, this.received) ?? Buffer.alloc(0);
  }

  get isWrite(): boolean {
    return writes.has(this.#first) && this.options.extent !== undefined;
  }

  get isRead(): boolean {
    return reads.has(this.#first) && this.options.extent !== undefined;
  }

  /** As if it had never been sent. */
  restart(): void {
    this.received = this.asked = this.r2ts = this.#verified = 0;
    this.#isRight = true;
  }

  /** Data to the target, from `start` to `end` of it. */
  dataOut(start: number, end: number): Buffer {
    const { extent, content } = this.options;
    if (this.#first === Operation.UNMAP) return emptyUnmap(this.bytes).subarray(start, end);
    if (!this.isWrite || extent === undefined) return Buffer.alloc(end - start);
    const data = Buffer.allocUnsafe(end - start);
    content.fill(extent.lba, start, data);
    return data;
  }

  /** More data of the target; false: more than was asked for. */
  dataIn(bytes: Uint8Array): boolean {
    const at = this.received;
    this.received += bytes.length;
    if (this.received > this.bytes) return false;
    const { extent, content } = this.options;
    if (this.isRead && extent !== undefined) {
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      const right = content.check(extent.lba, at, view);
      if (right === undefined) this.#isRight = false;
      else this.#verified += right;
    } else if (at < STORM_ISCSI_ANSWER_BYTES) {
      this.#answer ??= Buffer.alloc(Math.min(this.bytes, STORM_ISCSI_ANSWER_BYTES));
      this.#answer.set(bytes.subarray(0, this.#answer.length - at), at);
    }
    return true;
  }
}

/** SPC-4 §4.5.3, §4.5.2.1: fixed and descriptor format, as RFC 7143 §11.4.7 brings them. */
export function senseIn(data: Uint8Array): Sense | undefined {
  const sense = data.subarray(2);
  const code = (sense[0] ?? 0) & 0x7f;
  if (code === 0x70 || code === 0x71) return { key: (sense[2] ?? 0) & 15, asc: sense[12] ?? 0 };
  if (code === 0x72 || code === 0x73) return { key: (sense[1] ?? 0) & 15, asc: sense[2] ?? 0 };
  return undefined;
}
