/** Data-out as it came: one part after another, none copied. */

/** Views of `length` bytes from `from` on. */
export function cut(
  parts: readonly Uint8Array[],
  from: number,
  length: number,
): readonly Uint8Array[] {
  const views: Uint8Array[] = [];
  let start = from;
  let left = length;
  for (const part of parts) {
    if (left === 0) break;
    if (start < part.length) {
      const view = part.subarray(start, start + left);
      views.push(view);
      left -= view.length;
    }
    start = Math.max(0, start - part.length);
  }
  return views;
}

/** In one piece. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

/** Where `bytes` first differ from the parts, which are as long. */
export function differenceAt(bytes: Uint8Array, parts: readonly Uint8Array[]): number | undefined {
  let at = 0;
  for (const part of parts) {
    const other = bytes.subarray(at, at + part.length);
    if (Buffer.compare(part, other) !== 0) {
      return at + part.findIndex((byte, index) => byte !== other[index]);
    }
    at += part.length;
  }
  return undefined;
}

/** Each bit that is set in the parts gets set in `bytes`, which are as long. */
export function orInto(bytes: Uint8Array, parts: readonly Uint8Array[]): void {
  let at = 0;
  for (const part of parts) {
    for (const byte of part) {
      bytes[at] = (bytes[at] ?? 0) | byte;
      at += 1;
    }
  }
}

/** The same again and again, until it is `length` bytes. */
export function repeated(bytes: Uint8Array, length: number): Uint8Array {
  return Buffer.alloc(length, bytes);
}
