import { VOLUME_PAGE_BYTES, VOLUME_UNITS_MAX } from "../limits.ts";
import { runOn } from "./tool.ts";
import type { Extent } from "./volume.ts";

const HOLE = 0;
const TAKEN = 1;

/** Where a file may take room. What it says is a hole is one, and reads as zeros. */
export class Allocation {
  readonly #bytes: number;
  /** A power of two pages. */
  readonly #unitBytes: number;
  /** A byte a unit: V8 fills and searches them faster than bits. */
  readonly #units: Uint8Array;

  /** Nothing is taken. */
  constructor(bytes: number) {
    let unitBytes = VOLUME_PAGE_BYTES;
    while (bytes > unitBytes * VOLUME_UNITS_MAX) unitBytes *= 2;
    this.#bytes = bytes;
    this.#unitBytes = unitBytes;
    this.#units = new Uint8Array(Math.ceil(bytes / unitBytes));
  }

  take(offset: number, length: number): void {
    const first = Math.floor(offset / this.#unitBytes);
    this.#units.fill(TAKEN, first, Math.ceil((offset + length) / this.#unitBytes));
  }

  /** Only what is wholly within is given back. */
  giveBack(offset: number, length: number): void {
    const end = offset + length;
    const last = end === this.#bytes ? this.#units.length : Math.floor(end / this.#unitBytes);
    this.#units.fill(HOLE, Math.ceil(offset / this.#unitBytes), last);
  }

  extent(offset: number): Extent {
    const unit = Math.floor(offset / this.#unitBytes);
    const isAllocated = this.#units[unit] === TAKEN;
    const next = this.#units.indexOf(isAllocated ? HOLE : TAKEN, unit);
    const end = next === -1 ? this.#bytes : next * this.#unitBytes;
    return { isAllocated, length: end - offset };
  }

  /** The parts of a range that are no holes. */
  *takenWithin(offset: number, length: number): Generator<{ offset: number; length: number }> {
    const end = offset + length;
    for (let at = offset; at < end; ) {
      const extent = this.extent(at);
      const next = Math.min(end, at + extent.length);
      if (extent.isAllocated) yield { offset: at, length: next - at };
      at = next;
    }
  }
}

/**
 * Tells of each extent that a file has, as filefrag of e2fsprogs shows them. False where it is not there, or the file
 * system cannot tell: then any part may be one.
 */
export async function extentsOf(
  fd: number,
  found: (offset: number, length: number) => void,
): Promise<boolean> {
  // -s: what waits in memory for its place is written first, and told.
  const code = await runOn(fd, "filefrag", ["-s", "-e", `-b${UNIT}`, "/proc/self/fd/3"], (line) => {
    const row = /^\s*\d+:\s+(\d+)\.\.\s*(\d+):/.exec(line);
    if (row === null) return;
    const [first, last] = [Number(row[1]), Number(row[2])];
    found(first * UNIT, (last - first + 1) * UNIT);
  });
  return code === 0;
}

/** What filefrag counts in: 512 divides every block size. */
const UNIT = 512;
