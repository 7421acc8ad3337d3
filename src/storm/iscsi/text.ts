import { type Malformed, malformed } from "../../bytes/malformed.ts";

/** RFC 7143 §6.1: pairs `key=value`, a zero byte after each. What of it is long is the caller's to bound. */

export type Keys = ReadonlyMap<string, string>;

export function writeKeys(keys: Iterable<readonly [key: string, value: string]>): Uint8Array {
  return Buffer.from([...keys].map(([key, value]) => `${key}=${value}\0`).join(""), "utf8");
}

export function readKeys(text: Uint8Array): Keys | Malformed {
  const keys = new Map<string, string>();
  for (const pair of Buffer.from(text).toString("utf8").split("\0")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    if (equals < 1) return malformed("a key without a value");
    keys.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return keys;
}

/** §6.1 binary-value: hexadecimal, or base64. */
export function readBinary(value: string): Uint8Array | undefined {
  const digits = value.slice(2);
  if (/^0x(?:[0-9a-f]{2})+$/i.test(value)) return Buffer.from(digits, "hex");
  return /^0b[a-z0-9+/]+={0,2}$/i.test(value) ? Buffer.from(digits, "base64") : undefined;
}

export function writeBinary(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}

/** §6.1 numerical-value: decimal, or hexadecimal. */
export function readNumber(value: string | undefined): number | undefined {
  return value !== undefined && /^(?:\d{1,10}|0x[0-9a-f]{1,8})$/i.test(value)
    ? Number(value)
    : undefined;
}
