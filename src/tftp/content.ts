import type { BootFile } from "../boot/files.ts";
import { TFTP_READ_BYTES } from "../limits.ts";

/** A file's bytes from start to end, as they go into blocks. */
export interface Content {
  /** Fills `into`; fewer bytes mean that this was the end. A promise where the disk must be waited for. */
  next(into: Uint8Array): number | Promise<number>;
}

/** Moves what fits from the chunk to `into` from `at`; answers where it stopped. */
type Move = (chunk: ReadAhead, into: Uint8Array, at: number) => number;

export function octet(file: BootFile): Content {
  return contentBy(file, (chunk, into, at) => {
    const bytes = Math.min(chunk.end - chunk.at, into.length - at);
    into.set(chunk.bytes.subarray(chunk.at, chunk.at + bytes), at);
    chunk.at += bytes;
    return at + bytes;
  });
}

const CR = 13;
const LF = 10;

/** RFC 1350 §1, RFC 764: a line ends with CR LF, and a CR that stands for itself is CR NUL. */
export function netascii(file: BootFile): Content {
  let owed: number | undefined;
  return contentBy(file, (chunk, into, start) => {
    let at = start;
    while (at < into.length) {
      if (owed !== undefined) {
        into[at] = owed;
        owed = undefined;
      } else if (chunk.at < chunk.end) {
        const byte = chunk.bytes[chunk.at] ?? 0;
        chunk.at += 1;
        into[at] = byte === LF ? CR : byte;
        if (byte === LF) owed = LF;
        else if (byte === CR) owed = 0;
      } else break;
      at += 1;
    }
    return at;
  });
}

function contentBy(file: BootFile, move: Move): Content {
  const chunk = new ReadAhead(file);
  const fill = (into: Uint8Array, from: number): number | Promise<number> => {
    for (let at = from; ; ) {
      at = move(chunk, into, at);
      if (at === into.length) return at;
      const more = chunk.advance();
      if (typeof more !== "boolean") {
        return more.then((found) => (found ? fill(into, at) : at));
      }
      if (!more) return at;
    }
  };
  return { next: (into) => fill(into, 0) };
}

/** Reads a file chunk by chunk; the next is on its way while one is used. What is left of it: `bytes` from `at` to `end`. */
class ReadAhead {
  readonly #file: BootFile;
  #bytes: Uint8Array;
  #spare: Uint8Array;
  #requested = 0;
  #ahead: number | Promise<number>;
  at = 0;
  end = 0;

  constructor(file: BootFile) {
    this.#file = file;
    this.#bytes = new Uint8Array(Math.min(TFTP_READ_BYTES, file.size));
    this.#spare = new Uint8Array(Math.min(TFTP_READ_BYTES, file.size));
    this.#ahead = this.#read();
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Goes on to the next chunk; false: there is none. */
  advance(): boolean | Promise<boolean> {
    const ahead = this.#ahead;
    return typeof ahead === "number" ? this.#turn(ahead) : ahead.then((got) => this.#turn(got));
  }

  #turn(got: number): boolean {
    [this.#bytes, this.#spare] = [this.#spare, this.#bytes];
    this.at = 0;
    this.end = got;
    this.#ahead = got > 0 ? this.#read() : 0;
    return got > 0;
  }

  #read(): number | Promise<number> {
    const wanted = Math.min(this.#spare.length, this.#file.size - this.#requested);
    if (wanted === 0) return 0;
    const offset = this.#requested;
    this.#requested += wanted;
    const got = this.#file.read(offset, this.#spare.subarray(0, wanted));
    if (typeof got === "number") return complete(got, wanted);
    const read = got.then((bytes) => complete(bytes, wanted));
    // Who asks for this chunk hears of a failure; a transfer that ends before must not leave it unhandled.
    read.catch(() => {});
    return read;
  }
}

function complete(got: number, wanted: number): number {
  if (got < wanted) throw new Error("the file shrank while it was sent");
  return got;
}
