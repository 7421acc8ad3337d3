import { close, closeSync, constants, fstatSync, openSync } from "node:fs";
import { promisify } from "node:util";
import { AtMost } from "../bytes/at-most.ts";
import { coreWait } from "../disk/core-wait.ts";
import { Patience } from "../disk/patience.ts";
import {
  VOLUME_AT_ONCE_BYTES,
  VOLUME_BLOCK_BYTES,
  VOLUME_CALLS_AT_ONCE,
  VOLUME_PAGE_BYTES,
  VOLUME_PUNCH_BYTES_MIN,
} from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import { Allocation, extentsOf } from "./allocation.ts";
import { BusyRanges } from "./busy.ts";
import { readLater, readNow, writeLater, writeNow } from "./descriptor.ts";
import { Flusher } from "./flusher.ts";
import { PunchNow } from "./punch-now.ts";
import { Puncher } from "./puncher.ts";
import type { Answer, Extent, Volume, VolumeError } from "./volume.ts";

export interface FileVolumeOptions {
  readonly path: string;
  readonly isReadOnly?: boolean;
  readonly clock: Pick<Clock, "now">;
  /** Said once: what does not work as it should, and why. */
  readonly warn: (text: string) => void;
  /** Calls that other threads make for it, shared with other volumes; unless given, its own. */
  readonly calls?: AtMost;
  /** Shared with other volumes; unless given, its own. */
  readonly punchNow?: PunchNow;
}

const zeros = new Uint8Array(VOLUME_AT_ONCE_BYTES);

/**
 * A volume in one sparse file. Reads and writes wait for the kernel while it answers from memory: that takes a few
 * microseconds, a turn of another thread many more. A file must be open once only: what is a hole is remembered.
 */
export class FileVolume implements Volume, AsyncDisposable {
  readonly bytes: number;
  readonly isReadOnly: boolean;
  readonly #fd: number;
  readonly #clock: Pick<Clock, "now">;
  readonly #calls: AtMost;
  readonly #reading = new Patience(coreWait);
  readonly #writing = new Patience(coreWait);
  readonly #flusher: Flusher;
  readonly #puncher: Puncher;
  readonly #allocation: Allocation;
  /** Settled where what was taken before the file was opened is known: true; that it cannot be known: false. */
  #isKnown: boolean | Promise<boolean> | undefined;
  /** Reads and writes by other threads. */
  readonly #moving = new BusyRanges();
  /** Of those, writes: one that came later is not overtaken, whoever asked for it, and lasts. */
  readonly #landing = new BusyRanges();
  /** What is being given back: nobody reads or writes there meanwhile. */
  readonly #leaving = new BusyRanges();
  #isOpen = true;

  /** @throws system errors. The size is the file's, less what is no whole block. */
  constructor({
    path,
    isReadOnly = false,
    clock,
    warn,
    calls = new AtMost(VOLUME_CALLS_AT_ONCE),
    punchNow = new PunchNow(clock),
  }: FileVolumeOptions) {
    const { O_RDONLY, O_RDWR } = constants;
    this.#fd = openSync(path, isReadOnly ? O_RDONLY : O_RDWR);
    try {
      const { size, blocks } = fstatSync(this.#fd);
      this.bytes = size - (size % VOLUME_BLOCK_BYTES);
      if (blocks === 0) this.#isKnown = true;
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
    this.isReadOnly = isReadOnly;
    this.#clock = clock;
    this.#calls = calls;
    this.#flusher = new Flusher(this.#fd, calls);
    this.#puncher = new Puncher({
      fd: this.#fd,
      punchNow,
      warn: (text) => warn(`${path}: ${text}`),
    });
    this.#allocation = new Allocation(this.bytes);
  }

  read(offset: number, into: Uint8Array): Answer<undefined> {
    this.#demandWithin(offset, into.length);
    if (!this.#isOpen) return "gone";
    const busy = this.#leaving.overlapping(offset, into.length);
    if (busy !== undefined) return busy.then(() => this.read(offset, into));
    const began = this.#clock.now();
    if (into.length <= VOLUME_AT_ONCE_BYTES && this.#reading.begin(began)) {
      const failed = readNow(this.#fd, offset, into);
      this.#reading.took(began, this.#clock.now());
      return failed;
    }
    const reading = this.#calls.do(() => readLater(this.#fd, offset, into));
    this.#moving.add(offset, into.length, reading);
    return reading;
  }

  write(offset: number, parts: readonly Uint8Array[]): Answer<undefined> {
    let length = 0;
    for (const part of parts) length += part.length;
    this.#demandWithin(offset, length);
    const refused = this.#refusesWrites();
    if (refused !== undefined) return refused;
    const busy =
      this.#leaving.overlapping(offset, length) ?? this.#landing.overlapping(offset, length);
    if (busy !== undefined) return busy.then(() => this.write(offset, parts));
    return this.#write(offset, parts, length);
  }

  flush(): Answer<undefined> {
    return this.#isOpen ? this.#flusher.flush() : "gone";
  }

  deallocate(offset: number, length: number): Answer<undefined> {
    return this.#alone(offset, length, () => this.#deallocate(offset, length));
  }

  clear(offset: number, length: number): Answer<undefined> {
    return this.#alone(offset, length, async () => {
      await this.#learn();
      return this.#clear(offset, length);
    });
  }

  extent(offset: number): Answer<Extent> {
    this.#demandWithin(offset, VOLUME_BLOCK_BYTES);
    if (!this.#isOpen) return "gone";
    const answer = (isKnown: boolean): Extent =>
      isKnown
        ? this.#allocation.extent(offset)
        : { isAllocated: true, length: this.bytes - offset };
    const isKnown = this.#learn();
    return typeof isKnown === "boolean" ? answer(isKnown) : isKnown.then(answer);
  }

  /** Nothing is read or written after it; all that was written is on disk, where the disk takes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#leaving.idle();
    await this.#moving.idle();
    await this.#isKnown;
    await this.#flusher.flush();
    await promisify(close)(this.#fd);
  }

  /** Nobody reads or writes there until `work` is done. */
  #alone(
    offset: number,
    length: number,
    work: () => Promise<undefined | VolumeError>,
  ): Answer<undefined> {
    this.#demandWithin(offset, length);
    const refused = this.#refusesWrites();
    if (refused !== undefined || length === 0) return refused;
    const before = [this.#leaving, this.#moving].map((busy) => busy.overlapping(offset, length));
    const done = Promise.all(before).then(work);
    this.#leaving.add(offset, length, done);
    return done;
  }

  #write(offset: number, parts: readonly Uint8Array[], length: number): Answer<undefined> {
    this.#allocation.take(offset, length);
    const began = this.#clock.now();
    if (length <= VOLUME_AT_ONCE_BYTES && this.#writing.begin(began)) {
      const failed = writeNow(this.#fd, offset, parts);
      this.#writing.took(began, this.#clock.now());
      this.#flusher.wrote();
      return failed;
    }
    return this.#writeLater(offset, parts, length);
  }

  #writeLater(
    offset: number,
    parts: readonly Uint8Array[],
    length: number,
  ): Promise<undefined | VolumeError> {
    this.#allocation.take(offset, length);
    const write = () => writeLater(this.#fd, offset, parts);
    const writing = this.#calls.do(write).finally(() => this.#flusher.wrote());
    this.#moving.add(offset, length, writing);
    this.#landing.add(offset, length, writing);
    return writing;
  }

  async #deallocate(offset: number, length: number): Promise<undefined | VolumeError> {
    // Before it is known, a hole may be taken for what it is not, and keep what was written.
    await this.#learn();
    const end = offset + length;
    const from = Math.ceil(offset / VOLUME_PAGE_BYTES) * VOLUME_PAGE_BYTES;
    const to = Math.floor(end / VOLUME_PAGE_BYTES) * VOLUME_PAGE_BYTES;
    if (length < VOLUME_PUNCH_BYTES_MIN) return this.#clear(offset, length);
    if (!(await this.#giveBack(from, to - from))) return this.#clear(offset, length);
    const failed = await this.#clear(offset, from - offset);
    return failed ?? this.#clear(to, end - to);
  }

  async #giveBack(offset: number, length: number): Promise<boolean> {
    const taken = [...this.#taken(offset, length)];
    const answers = await Promise.all(
      taken.map(async (part) => {
        const isPunched = await this.#puncher.punch(part.offset, part.length);
        if (isPunched) this.#allocation.giveBack(part.offset, part.length);
        return isPunched;
      }),
    );
    this.#flusher.wrote();
    return answers.every(Boolean);
  }

  /** Writes zeros where there may be anything else. */
  async #clear(offset: number, length: number): Promise<undefined | VolumeError> {
    for (const part of this.#taken(offset, length)) {
      const end = part.offset + part.length;
      for (let at = part.offset; at < end; at += zeros.length) {
        const piece = zeros.subarray(0, Math.min(zeros.length, end - at));
        // Never at once: one piece after another, nobody else would have a turn.
        const failed = await this.#writeLater(at, [piece], piece.length);
        if (failed !== undefined) return failed;
      }
    }
    return undefined;
  }

  #taken(offset: number, length: number): Iterable<{ offset: number; length: number }> {
    return this.#isKnown === true
      ? this.#allocation.takenWithin(offset, length)
      : [{ offset, length }];
  }

  #learn(): boolean | Promise<boolean> {
    this.#isKnown ??= extentsOf(this.#fd, (offset, length) =>
      this.#allocation.take(offset, length),
    ).then((isKnown) => {
      this.#isKnown = isKnown;
      return isKnown;
    });
    return this.#isKnown;
  }

  #refusesWrites(): VolumeError | undefined {
    if (!this.#isOpen) return "gone";
    return this.isReadOnly ? "read-only" : undefined;
  }

  #demandWithin(offset: number, length: number): void {
    if (
      offset < 0 ||
      offset + length > this.bytes ||
      (offset | length) % VOLUME_BLOCK_BYTES !== 0
    ) {
      throw new RangeError(`${length} bytes at ${offset} of a volume of ${this.bytes}`);
    }
  }
}
