import { isMalformed, type Malformed } from "../../bytes/malformed.ts";
import {
  STORM_TFTP_COPY_MS,
  STORM_TFTP_LOST_MS,
  STORM_TFTP_WAIT_MAX_MS,
  STORM_TFTP_WAIT_MS,
} from "../../limits.ts";
import type { Clock, Instant } from "../../net/clock.ts";
import {
  DATA_HEADER_BYTES,
  decode,
  ErrorCode,
  encode,
  Opcode,
  type Packet,
} from "../../tftp/packet.ts";
import type { Expectations, Tally } from "../client.ts";
import { ArrivingContent, type Fetched } from "../content.ts";
import { Deadline } from "../deadline.ts";
import type { FileDeed } from "../trace/trace.ts";
import { plainTerms, type Terms, termsOf } from "./terms.ts";

export interface DownloadOptions {
  /** With the node's own names in its path. */
  readonly deed: Pick<FileDeed, "path" | "options" | "ends">;
  /** Where requests go. */
  readonly port: number;
  /** Of the content, for `expectations`. */
  readonly key: string;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly expectations: Expectations;
  readonly patienceMs: number;
  /** To the server; the bytes are given away. */
  readonly send: (datagram: Uint8Array, port: number) => void;
  /** The server forgot the transfer, for all that is heard of it: it is to be begun anew, from another port. */
  readonly lost: (bytes: number) => void;
  /** When it was first asked for, where this is not the first time. */
  readonly begunAt?: Instant;
  /** The last that is called, unless it was lost. */
  readonly done: (failure: string | undefined, fetched?: Fetched) => void;
}

/**
 * One file, as a boot loader fetches it: RFC 1350 with the options of RFC 2347. What comes out of order is not kept. A
 * block that comes twice is acknowledged again only where it was sent again for want of that: answering each copy would
 * double, with servers that answer each ACK, all that follows (the Sorcerer's Apprentice, RFC 1123 §4.2.3.1).
 */
export class Download implements Disposable {
  readonly #options: DownloadOptions;
  readonly #deadline: Deadline;
  readonly #content = new ArrivingContent();
  readonly #begunAt: Instant;
  #terms: Terms = plainTerms;
  /** The server's transfer id: the port of its first answer. */
  #peer: number | undefined;
  /** Blocks in hand, without the roll-over to 0 that their numbers have after 65,535. */
  #blocks = 0;
  #inWindow = 0;
  #toldGap = false;
  #wait = STORM_TFTP_WAIT_MS;
  #heardAt: Instant;
  #saidAt: Instant;
  #isOver = false;

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.#heardAt = options.clock.now();
    this.#saidAt = this.#heardAt;
    this.#begunAt = options.begunAt ?? this.#heardAt;
    this.#deadline = new Deadline(options.clock, () => this.#ring());
    this.#request();
  }

  /** What came from the server's address. The bytes are not kept. */
  receive(bytes: Uint8Array, port: number): void {
    if (this.#isOver) return;
    if (this.#peer !== undefined && port !== this.#peer) {
      this.#stray(port);
      return;
    }
    this.#options.tally.moved("tftp", bytes.length, 0);
    if (bytes[1] === Opcode.DATA && bytes[0] === 0 && bytes.length >= DATA_HEADER_BYTES) {
      this.#peer = port;
      this.#data(((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0), bytes);
    } else this.#other(decode(bytes), port);
  }

  #other(packet: Packet | Malformed, port: number): void {
    const { tally, deed } = this.#options;
    if (isMalformed(packet)) tally.complained("tftp", packet.malformed);
    else if (packet.opcode === Opcode.ERROR) this.#refused(packet.code, packet.text);
    else if (packet.opcode !== Opcode.OACK) tally.complained("tftp", "neither DATA nor OACK");
    else if (this.#peer === undefined) this.#agree(termsOf(packet.options, deed.options), port);
    else if (this.#blocks === 0 && this.#isLate()) this.#again();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#deadline[Symbol.dispose]();
  }

  #agree(terms: Terms | undefined, port: number): void {
    this.#peer = port;
    if (terms === undefined) {
      this.#error(ErrorCode.OPTION_REFUSED, "not what was asked for", port);
      this.#end("TFTP: options that were not asked for");
      return;
    }
    this.#terms = terms;
    if (this.#options.deed.ends !== "size") this.#progress(true);
    else {
      this.#error(ErrorCode.OPTION_REFUSED, "User aborted the transfer", port);
      this.#end(undefined, { bytes: terms.size ?? 0 });
    }
  }

  #data(block: number, bytes: Uint8Array): void {
    const ahead = (block - this.#blocks - 1) & 0xffff;
    if (ahead === 0) this.#keep(bytes.subarray(DATA_HEADER_BYTES));
    else if (ahead < this.#terms.windowBlocks) this.#tellGap();
    else if (this.#isLate()) this.#again();
  }

  #keep(data: Uint8Array): void {
    const { blockBytes, windowBlocks } = this.#terms;
    if (data.length > blockBytes) {
      this.#error(ErrorCode.ILLEGAL_OPERATION, "block too long", this.#peer ?? 0);
      this.#end("TFTP: a block longer than agreed");
      return;
    }
    this.#content.put(data);
    this.#blocks += 1;
    this.#inWindow += 1;
    this.#toldGap = false;
    const isLast = data.length < blockBytes;
    this.#progress(isLast || this.#inWindow >= windowBlocks);
    if (isLast) this.#whole();
  }

  #whole(): void {
    const { tally, key, deed } = this.#options;
    const { size } = this.#terms;
    if (size !== undefined && size !== this.#content.bytes) {
      tally.complained("tftp", "not as long as tsize said");
    }
    if (deed.ends === "size") tally.complained("tftp", "no OACK to learn the size of");
    this.#end(undefined, this.#content.finish("tftp", key, this.#options));
  }

  /** RFC 7440 §4: the server goes on after the last that is in order. Said once of all that follow a gap. */
  #tellGap(): void {
    if (this.#toldGap) return;
    this.#toldGap = true;
    this.#again();
  }

  #progress(isAckDue: boolean): void {
    const now = this.#options.clock.now();
    this.#heardAt = now;
    this.#wait = STORM_TFTP_WAIT_MS;
    if (isAckDue) this.#acknowledge(now);
    this.#waitFrom(now);
  }

  #acknowledge(now: Instant): void {
    this.#inWindow = 0;
    this.#saidAt = now;
    const block = this.#blocks & 0xffff;
    this.#send(Uint8Array.of(0, Opcode.ACK, block >> 8, block & 255), this.#peer ?? 0);
  }

  #waitFrom(now: Instant): void {
    const until = Math.min(now + this.#wait, this.#heardAt + this.#options.patienceMs);
    this.#deadline.set(until as Instant);
  }

  #isLate(): boolean {
    return this.#options.clock.now() - this.#saidAt >= STORM_TFTP_COPY_MS;
  }

  #again(): void {
    this.#options.tally.retransmitted("tftp");
    this.#acknowledge(this.#options.clock.now());
  }

  #ring(): void {
    const { clock, patienceMs, tally } = this.#options;
    const now = clock.now();
    if (now - this.#heardAt >= patienceMs) {
      this.#end("TFTP: no answer");
      return;
    }
    if (this.#peer !== undefined && now - this.#heardAt >= STORM_TFTP_LOST_MS) {
      tally.retransmitted("tftp");
      this[Symbol.dispose]();
      this.#options.lost(this.#content.bytes);
      return;
    }
    this.#toldGap = false;
    this.#wait = Math.min(this.#wait * 2, STORM_TFTP_WAIT_MAX_MS);
    if (this.#peer !== undefined) this.#again();
    else {
      tally.retransmitted("tftp");
      this.#request();
    }
    this.#waitFrom(now);
  }

  #request(): void {
    const { deed, port, clock } = this.#options;
    const options = deed.options.map(([name, value]) => ({ name, value }));
    const { RRQ } = Opcode;
    this.#send(encode({ opcode: RRQ, name: deed.path, mode: "octet", options }), port);
    this.#waitFrom(clock.now());
  }

  #refused(code: number, text: string): void {
    const isMissing = code === ErrorCode.FILE_NOT_FOUND;
    if (isMissing && this.#options.deed.ends === "missing") {
      this.#end(undefined, { bytes: 0 });
      return;
    }
    this.#options.tally.complained("tftp", `ERROR ${code}`);
    const said = text.slice(0, 80).replaceAll(/[^ -~]/g, "?");
    this.#end(isMissing ? "TFTP: file not found" : `TFTP: ERROR ${code}, ${said}`);
  }

  /** RFC 1350 §4: another transfer's, or a second one that a repeated request began. */
  #stray(port: number): void {
    this.#options.tally.complained("tftp", "from another port");
    this.#error(ErrorCode.UNKNOWN_TID, "unknown transfer", port);
  }

  #error(code: number, text: string, port: number): void {
    this.#send(encode({ opcode: Opcode.ERROR, code, text }), port);
  }

  #send(datagram: Uint8Array, port: number): void {
    this.#options.tally.moved("tftp", 0, datagram.length);
    this.#options.send(datagram, port);
  }

  #end(failure: string | undefined, fetched?: Fetched): void {
    const { clock, tally, done } = this.#options;
    this[Symbol.dispose]();
    if (failure === undefined) tally.answered("tftp", "RRQ", clock.now() - this.#begunAt, 0, 0);
    done(failure, fetched);
  }
}
