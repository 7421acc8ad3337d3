import type { SeededRandom } from "../sim/random.ts";

/** Words that bounds are missed by: signs, ends of fields, lengths that nobody has. */
const edges = [
  0, 1, 2, 3, 4, 63, 64, 65, 255, 256, 400, 401, 1024, 65_535, 65_536, 0x10_0000, 0x7fff_ffff,
  0x8000_0000, 0xffff_fff0, 0xffff_ffff,
];

/** What XDR is made of: changes of words more often than of bits, and some of length. Another call gives its end to some. */
export function mutated(record: Uint8Array, other: Uint8Array, random: SeededRandom): Buffer {
  let bytes = Buffer.from(record);
  for (let left = 1 + random.below(4); left > 0 && bytes.length >= 4; left -= 1) {
    const word = random.below(bytes.length >> 2) * 4;
    const at = random.below(bytes.length);
    switch (random.below(9)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 2:
        bytes.writeUInt32BE(random.u32(), word);
        break;
      case 3:
      case 4:
        bytes.writeUInt32BE(edges[random.below(edges.length)] ?? 0, word);
        break;
      case 5:
        bytes.writeUInt32BE((bytes.readUInt32BE(word) + random.below(9) - 4) >>> 0, word);
        break;
      case 6:
        bytes = bytes.subarray(0, at);
        break;
      case 7:
        bytes = Buffer.concat([bytes, random.bytes(random.below(64))]);
        break;
      default:
        bytes = Buffer.concat([
          bytes.subarray(0, word),
          other.subarray(random.below(other.length)),
        ]);
    }
  }
  return bytes;
}

/** A record in fragments of any size, empty ones too, within what a server must take. */
export function inFragments(record: Uint8Array, random: SeededRandom): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (let left = 1 + random.below(6); left > 0; left -= 1) {
    const isLast = left === 1;
    const end = isLast ? record.length : at + random.below(record.length - at + 1);
    const mark = Buffer.alloc(4);
    mark.writeUInt32BE((end - at + (isLast ? 0x8000_0000 : 0)) >>> 0);
    parts.push(mark, Buffer.from(record.subarray(at, end)));
    at = end;
  }
  return Buffer.concat(parts);
}
