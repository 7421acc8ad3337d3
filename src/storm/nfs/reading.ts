import { crc32 } from "node:zlib";
import type { Reader } from "../../bytes/reader.ts";
import { STORM_READ_PARTS_MAX } from "../../limits.ts";
import type { Call } from "../rpc/call.ts";
import type { NfsCall } from "../trace/trace.ts";
import type { NamedFile, NfsFiles } from "./files.ts";
import { readPostOp } from "./results.ts";

const PAGE_BYTES = 4096;

/** One READ (RFC 1813 §3.3.6), whose data are looked at as they come and kept nowhere. */
export class Reading {
  offset = 0;
  /** Asked for. */
  count = 0;
  /** Of the data of this answer. */
  length = 0;
  crc = 0;
  isAtEnd = false;
  /** Answers before, of which this is the rest. */
  #parts = 0;
  /** Of data, and of what is behind them. */
  #missing = 0;
  #behind = 0;

  /** As recorded; a file of another size is read where it has as much. */
  begin({ offset, count, file }: NfsCall & { op: "read" }, files: NfsFiles): void {
    const { size } = files.of(file);
    this.#parts = 0;
    this.offset = offset;
    this.count = count;
    if (size === files.recordedSize(file) || size === 0) return;
    const start = offset % size;
    this.offset = start - (start % PAGE_BYTES);
    this.count = Math.min(count, size - this.offset);
  }

  write(call: Call<unknown>): void {
    call.size64(this.offset).u32(this.count);
  }

  /** READ3resok up to its data, behind the status. False: malformed, or more than was asked for. */
  head(results: Reader): boolean {
    readPostOp(results);
    const count = results.u32();
    this.isAtEnd = results.u32() === 1;
    this.length = results.u32();
    this.#missing = this.length;
    this.#behind = 0;
    this.crc = 0;
    return !results.failed && count === this.length && count <= this.count;
  }

  piece(bytes: Uint8Array, start: number, end: number): void {
    const length = Math.min(this.#missing, end - start);
    if (length > 0) this.crc = crc32(bytes.subarray(start, start + length), this.crc);
    this.#missing -= length;
    this.#behind += end - start - length;
  }

  /** All came, and nothing but zeros up to a multiple of four behind. */
  get isWhole(): boolean {
    return this.#missing === 0 && this.#behind === (-this.length & 3);
  }

  /** Fewer bytes than the file has there. */
  isShort(file: NamedFile): boolean {
    if (this.length === this.count) return false;
    return !this.isAtEnd || this.offset + this.length < file.size;
  }

  /** Goes on behind what was answered. False: the server does not. */
  continue(): boolean {
    if (this.isAtEnd || this.length === 0 || this.#parts === STORM_READ_PARTS_MAX) return false;
    this.offset += this.length;
    this.count -= this.length;
    this.#parts += 1;
    return true;
  }
}
