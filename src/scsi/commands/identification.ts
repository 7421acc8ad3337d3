/** SPC-4 §4.4.1: names of this product in ASCII, filled up with spaces. */

export const VENDOR = "SIDUS";
export const PRODUCT = "VOLUME";

export function padded(text: string, length: number): Uint8Array {
  return Buffer.from(text.padEnd(length).slice(0, length), "ascii");
}

/** SPC-4 §7.6.1: a name that ends with a zero byte, and with more of them to a multiple of four bytes. */
export function terminated(name: string, lengthMin = 0): Uint8Array {
  const text = Buffer.from(name, "utf8");
  const bytes = new Uint8Array(Math.max(lengthMin, Math.ceil((text.length + 1) / 4) * 4));
  bytes.set(text);
  return bytes;
}
