import { isMalformed, type Malformed, malformed } from "../../bytes/malformed.ts";
import { Reader } from "../../bytes/reader.ts";
import { decodePdu, type Pdu, type TargetPdu } from "../../iscsi/packet.ts";
import type { DataIn } from "../../iscsi/pdus/data.ts";
import { HEADER_BYTES, Opcode, padded } from "../../iscsi/pdus/header.ts";
import { STORM_ISCSI_SEGMENT_BYTES } from "../../limits.ts";

export interface PduSink {
  /** A Data-In begins: its data follows in pieces, then it comes again as `pdu`. */
  data(pdu: DataIn): void;
  /** The bytes are used again when this returns. */
  piece(bytes: Uint8Array): void;
  /** A whole PDU; `bytes` is what it took on the wire. */
  pdu(pdu: TargetPdu, bytes: number): void;
}

const NOTHING: readonly Uint8Array[] = [];
/** RFC 7143 §11.2.1.2: what targets send has the bit 20h. */
const FROM_TARGET = 0x20;

/**
 * What a target sends → PDUs, wherever it was cut: RFC 7143 §11.1. The data of Data-In is passed on as it comes and
 * nowhere kept; what else has data is short. Without digests, which were not agreed on.
 */
export class TargetStream {
  readonly #sink: PduSink;
  readonly #header = new Reader(Buffer.alloc(HEADER_BYTES));
  #headerBytes = 0;
  #segmentBytes = 0;
  #segmentLeft = 0;
  #paddingLeft = 0;
  /** Undefined while the data is passed on. */
  #segment: Buffer | undefined;
  #isOver = false;

  constructor(sink: PduSink) {
    this.#sink = sink;
  }

  /** After Malformed it is of no use. */
  push(chunk: Uint8Array): Malformed | undefined {
    for (let at = 0; at < chunk.length && !this.#isOver; ) {
      const end = Math.min(chunk.length, at + this.#wanted());
      const part = chunk.subarray(at, end);
      at = end;
      const problem = this.#take(part);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** Nothing is told any more. */
  end(): void {
    this.#isOver = true;
  }

  #wanted(): number {
    if (this.#headerBytes < HEADER_BYTES) return HEADER_BYTES - this.#headerBytes;
    return this.#segmentLeft > 0 ? this.#segmentLeft : this.#paddingLeft;
  }

  #take(part: Uint8Array): Malformed | undefined {
    if (this.#headerBytes < HEADER_BYTES) {
      this.#header.bytes.set(part, this.#headerBytes);
      this.#headerBytes += part.length;
      if (this.#headerBytes < HEADER_BYTES) return undefined;
      const problem = this.#begin();
      if (problem !== undefined) return problem;
    } else if (this.#segmentLeft > 0) {
      if (this.#segment === undefined) this.#sink.piece(part);
      else this.#segment.set(part, this.#segmentBytes - this.#segmentLeft);
      this.#segmentLeft -= part.length;
    } else this.#paddingLeft -= part.length;
    if (this.#segmentLeft > 0 || this.#paddingLeft > 0 || this.#isOver) return undefined;
    return this.#finish();
  }

  #begin(): Malformed | undefined {
    const start = this.#header.aim(0, HEADER_BYTES);
    const opcode = start.u8() & 0x3f;
    const lengths = start.aim(4, 8).u32();
    if ((opcode & FROM_TARGET) === 0) return malformed("a PDU of initiators");
    if (lengths >= 0x100_0000) return malformed("additional headers");
    if (lengths > STORM_ISCSI_SEGMENT_BYTES) return malformed("a longer segment than agreed on");
    this.#segmentBytes = this.#segmentLeft = lengths;
    this.#paddingLeft = padded(lengths) - lengths;
    this.#segment = undefined;
    if (opcode !== Opcode.DATA_IN) {
      this.#segment = Buffer.allocUnsafe(lengths);
      return undefined;
    }
    const pdu = this.#decode(NOTHING);
    if (isMalformed(pdu)) return pdu;
    if (pdu.opcode === Opcode.DATA_IN) this.#sink.data(pdu);
    return undefined;
  }

  #finish(): Malformed | undefined {
    const pdu = this.#decode(this.#segment === undefined ? NOTHING : [this.#segment]);
    this.#headerBytes = 0;
    this.#segment = undefined;
    if (isMalformed(pdu)) return pdu;
    this.#sink.pdu(pdu, HEADER_BYTES + padded(this.#segmentBytes));
    return undefined;
  }

  #decode(segment: readonly Uint8Array[]): TargetPdu | Malformed {
    const pdu = decodePdu(this.#header.aim(0, HEADER_BYTES), segment);
    return pdu === undefined || !isTargets(pdu) ? malformed("an unknown PDU") : pdu;
  }
}

function isTargets(pdu: Pdu | Malformed): pdu is TargetPdu | Malformed {
  return isMalformed(pdu) || (pdu.opcode & FROM_TARGET) !== 0;
}
