import { crc32 } from "node:zlib";
import { STORM_TEXT_BYTES_MAX } from "../limits.ts";
import type { Expectations, StormProtocol, Tally } from "./client.ts";

/** What was fetched. */
export interface Fetched {
  readonly bytes: number;
  /** The whole content as UTF-8, where it is short enough to be a configuration. */
  readonly text?: string;
}

/** A file's content as it arrives, in order: summed up, not kept, but for a beginning that may be a configuration. */
export class ArrivingContent {
  bytes = 0;
  #crc = 0;
  #kept: Uint8Array[] = [];

  put(piece: Uint8Array): void {
    this.#crc = crc32(piece, this.#crc);
    this.bytes += piece.length;
    if (this.bytes <= STORM_TEXT_BYTES_MAX) this.#kept.push(Uint8Array.from(piece));
    else if (this.#kept.length > 0) this.#kept = [];
  }

  restart(): void {
    this.bytes = 0;
    this.#crc = 0;
    this.#kept = [];
  }

  /** Whole: compared with what others got by that key. */
  finish(
    protocol: StormProtocol,
    key: string,
    { tally, expectations }: { tally: Tally; expectations: Expectations },
  ): Fetched {
    const { bytes } = this;
    if (expectations.checkCrc(key, 0, bytes, this.#crc)) tally.verified(bytes);
    else tally.differed(protocol, key);
    if (bytes > STORM_TEXT_BYTES_MAX) return { bytes };
    return { bytes, text: Buffer.concat(this.#kept).toString("utf8") };
  }
}
