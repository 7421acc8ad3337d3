import { crc32c } from "../bytes/crc32c.ts";
import { Writer } from "../bytes/writer.ts";
import { ISCSI_COPIED_BYTES_MAX, ISCSI_SLAB_BYTES } from "../limits.ts";
import { putHeader, segmentBytes, type TargetPdu } from "./packet.ts";
import { HEADER_BYTES, padded } from "./pdus/header.ts";

/** What a PDU takes at most without its data: header, both digests and padding. */
const AROUND_BYTES = HEADER_BYTES + 4 + 3 + 4;

/** Room for many headers in few large buffers, all connections' together. A buffer lives as long as a header in it. */
export class Slabs {
  #slab = new Writer(Buffer.allocUnsafeSlow(ISCSI_SLAB_BYTES));

  /** Stands where so many bytes fit. */
  room(bytes: number): Writer {
    if (this.#slab.bytes.length - this.#slab.offset < bytes) {
      this.#slab = new Writer(Buffer.allocUnsafeSlow(ISCSI_SLAB_BYTES));
    }
    return this.#slab;
  }
}

/** PDUs on their way out. Headers and what is short lie behind one another; longer data goes as it is, uncopied. */
export class Outgoing {
  readonly #slabs: Slabs;
  #parts: Uint8Array[] = [];
  #releases: (() => void)[] = [];
  /** What was written behind one another and is not among the parts yet. */
  #run: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  #hasHeaderDigest = false;
  #hasDataDigest = false;
  bytes = 0;

  constructor(slabs: Slabs) {
    this.#slabs = slabs;
  }

  /** From the next PDU on. */
  agree(options: { readonly hasHeaderDigest: boolean; readonly hasDataDigest: boolean }): void {
    this.#hasHeaderDigest = options.hasHeaderDigest;
    this.#hasDataDigest = options.hasDataDigest;
  }

  /** `release`: when its data has left, or never will. */
  add(pdu: TargetPdu, release?: () => void): void {
    const bytes = segmentBytes(pdu);
    const isCopied = bytes <= ISCSI_COPIED_BYTES_MAX;
    const slab = this.#slabs.room(AROUND_BYTES + (isCopied ? bytes : 0));
    const start = slab.offset;
    if (slab.bytes !== this.#run || start !== this.#end) this.#beginRun(slab);
    putHeader(slab, pdu, bytes);
    if (this.#hasHeaderDigest) putDigest(slab, crc32c(slab.bytes.subarray(start, slab.offset)));
    if (bytes > 0 && "data" in pdu) {
      const parts = pdu.data instanceof Uint8Array ? [pdu.data] : pdu.data;
      if (isCopied) for (const part of parts) slab.put(part);
      else this.#append(parts, slab);
      this.#pad(slab, parts, padded(bytes) - bytes);
    }
    this.#end = slab.offset;
    this.bytes += slab.offset - start + (isCopied ? 0 : bytes);
    if (release === undefined) return;
    // What went before it of the same answer is not copied, and has not left.
    const isAlone = !("offset" in pdu) || pdu.offset === 0;
    if (isCopied && isAlone) release();
    else this.#releases.push(release);
  }

  /** Everything that was added, to be sent in this order; `sent` is to be called when it has left. */
  take(): { readonly parts: readonly Uint8Array[]; readonly sent: (() => void) | undefined } {
    this.#endRun();
    const parts = this.#parts;
    const releases = this.#releases;
    this.#parts = [];
    this.bytes = 0;
    if (releases.length === 0) return { parts, sent: undefined };
    this.#releases = [];
    const sent = (): void => {
      for (const release of releases) release();
    };
    return { parts, sent };
  }

  #append(parts: readonly Uint8Array[], slab: Writer): void {
    this.#end = slab.offset;
    this.#endRun();
    for (const part of parts) this.#parts.push(part);
    this.#beginRun(slab);
  }

  /** RFC 7143 §13.1: the digest is of the padding too. */
  #pad(slab: Writer, parts: readonly Uint8Array[], padding: number): void {
    const start = slab.offset;
    if (padding > 0) slab.zeros(padding);
    if (!this.#hasDataDigest) return;
    let sum = 0;
    for (const part of parts) sum = crc32c(part, sum);
    if (padding > 0) sum = crc32c(slab.bytes.subarray(start, slab.offset), sum);
    putDigest(slab, sum);
  }

  #beginRun({ bytes, offset }: Writer): void {
    this.#endRun();
    this.#run = bytes;
    this.#start = offset;
    this.#end = offset;
  }

  #endRun(): void {
    const run = this.#run;
    if (run !== undefined && this.#end > this.#start) {
      this.#parts.push(run.subarray(this.#start, this.#end));
    }
    this.#run = undefined;
  }
}

/** RFC 7143 appendix A.4: its lowest byte first. */
function putDigest(writer: Writer, sum: number): void {
  writer
    .u8(sum & 0xff)
    .u8((sum >>> 8) & 0xff)
    .u8((sum >>> 16) & 0xff)
    .u8(sum >>> 24);
}
