import {
  SCSI_BUFFER_BYTES_MAX,
  SCSI_BUFFER_BYTES_MIN,
  SCSI_BUFFERS_IDLE_BYTES_MAX,
} from "../limits.ts";

/** Its bytes are anyone's until they are written: show none that were not. */
export interface Lent {
  /** As many as were asked for, or more. */
  readonly bytes: Uint8Array;
  /** To be called once. */
  readonly release: () => void;
}

interface Kept extends Lent {
  isLent: boolean;
}

const CLASSES = classOf(SCSI_BUFFER_BYTES_MAX) + 1;

/** What READ fills and the network takes away, used again and again: disks share one. */
export class Buffers {
  /** By size class: powers of two. */
  readonly #idle: readonly Kept[][] = Array.from({ length: CLASSES }, () => []);
  #idleBytes = 0;

  take(bytes: number): Lent {
    const idle = this.#idle[classOf(bytes)];
    if (idle === undefined) return { bytes: room(bytes), release: () => {} };
    const kept = idle.pop();
    if (kept === undefined) return this.#made(idle, SCSI_BUFFER_BYTES_MIN << classOf(bytes));
    this.#idleBytes -= kept.bytes.length;
    kept.isLent = true;
    return kept;
  }

  get idleBytes(): number {
    return this.#idleBytes;
  }

  #made(idle: Kept[], bytes: number): Kept {
    const made: Kept = {
      bytes: room(bytes),
      isLent: true,
      release: () => {
        if (!made.isLent) throw new Error("a buffer was released twice");
        made.isLent = false;
        if (this.#idleBytes + bytes > SCSI_BUFFERS_IDLE_BYTES_MAX) return;
        this.#idleBytes += bytes;
        idle.push(made);
      },
    };
    return made;
  }
}

/** The smallest class that holds so many bytes. */
function classOf(bytes: number): number {
  return 32 - Math.clz32((bytes - 1) / SCSI_BUFFER_BYTES_MIN);
}

function room(bytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(bytes);
}
