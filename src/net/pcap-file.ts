import { writeSync } from "node:fs";

/** What one write takes to the file. */
const GATHERED_BYTES = 1 << 20;
const FILE_HEADER_BYTES = 24;
const FRAME_HEADER_BYTES = 16;
/** What tcpdump says, and readers allow: longer than any frame. */
const SNAPSHOT_BYTES = 262_144;
const LINKTYPE_ETHERNET = 1;

/**
 * A capture as tcpdump writes it, classic pcap (draft-ietf-opsawg-pcap §4, §5), little-endian. Frames are gathered, so
 * that many are one write.
 *
 *   a1b2c3d4 (4) | version 2.4 (4) | reserved (8) | snapshot length (4) | link type (4)
 *   then each:  seconds (4) | microseconds (4) | captured (4) | original length (4) | captured bytes
 */
export class PcapFile {
  readonly #fd: number;
  readonly #bytesMax: number;
  readonly #gathered = Buffer.alloc(GATHERED_BYTES);
  #gatheredBytes = 0;
  #writtenBytes = 0;

  /** An empty file, open for writing, that never gets longer than `bytesMax`. */
  constructor(fd: number, bytesMax: number) {
    this.#fd = fd;
    this.#bytesMax = bytesMax;
    const header = this.#room(FILE_HEADER_BYTES).fill(0);
    header.writeUInt32LE(0xa1b2_c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(SNAPSHOT_BYTES, 16);
    header.writeUInt32LE(LINKTYPE_ETHERNET, 20);
  }

  get bytes(): number {
    return this.#writtenBytes + this.#gatheredBytes;
  }

  /** False: there is no room for it. */
  add(frame: Uint8Array, length: number, seconds: number, microseconds: number): boolean {
    if (this.bytes + FRAME_HEADER_BYTES + frame.length > this.#bytesMax) return false;
    const record = this.#room(FRAME_HEADER_BYTES + frame.length);
    record.writeUInt32LE(seconds, 0);
    record.writeUInt32LE(microseconds, 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(length, 12);
    record.set(frame, FRAME_HEADER_BYTES);
    return true;
  }

  /** Writes what was gathered. @throws what the system said. */
  flush(): void {
    const gathered = this.#gathered.subarray(0, this.#gatheredBytes);
    for (let at = 0; at < gathered.length; ) at += writeSync(this.#fd, gathered.subarray(at));
    this.#writtenBytes += gathered.length;
    this.#gatheredBytes = 0;
  }

  #room(bytes: number): Buffer {
    if (this.#gatheredBytes + bytes > GATHERED_BYTES) this.flush();
    const start = this.#gatheredBytes;
    this.#gatheredBytes += bytes;
    return this.#gathered.subarray(start, this.#gatheredBytes);
  }
}
