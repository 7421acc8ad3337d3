import { type Malformed, malformed } from "../bytes/malformed.ts";
import { ISCSI_KEYS_MAX, ISCSI_TEXT_BYTES_MAX, ISCSI_VALUE_BYTES_MAX } from "../limits.ts";

/**
 * The text of Login and Text PDUs, RFC 7143 §6.1: `key=value` pairs, a zero byte after each.
 * Texts that were split by the C bit are put together before they are parsed.
 */

/** In the order in which they came. */
export type Pairs = ReadonlyMap<string, string>;
export type Answers = Map<string, string>;

/** RFC 7143 §6.2: what a key is answered with that has no other answer. */
export const REJECT = "Reject";
export const IRRELEVANT = "Irrelevant";
export const NOT_UNDERSTOOD = "NotUnderstood";

/** RFC 7143 §6.1 standard-label. `iSCSIProtocolLevel` begins with a small letter, against the rule. */
const keyForm = /^[A-Za-z][A-Za-z0-9.\-+@_#]{0,62}$/;

/** No value of RFC 7143 §6.1 holds any, aliases in UTF-8 neither. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const control = /[\u0000-\u001f\u007f]/;

export function parseText(text: Uint8Array): Pairs | Malformed {
  if (text.length > ISCSI_TEXT_BYTES_MAX) return malformed("text too long");
  const pairs = new Map<string, string>();
  for (let start = 0; start < text.length; ) {
    const zero = text.indexOf(0, start);
    const end = zero < 0 ? text.length : zero;
    if (end > start) {
      const failure = addPair(pairs, text.subarray(start, end));
      if (failure !== undefined) return failure;
    }
    start = end + 1;
  }
  return pairs;
}

function addPair(pairs: Map<string, string>, bytes: Uint8Array): Malformed | undefined {
  if (pairs.size === ISCSI_KEYS_MAX) return malformed("too many text keys");
  const text = decodeUtf8(bytes);
  if (text === undefined) return malformed("text not UTF-8");
  const equals = text.indexOf("=");
  const key = text.slice(0, Math.max(equals, 0));
  const value = text.slice(equals + 1);
  if (!keyForm.test(key)) return malformed("text key of wrong form");
  if (value.length > ISCSI_VALUE_BYTES_MAX || control.test(value)) {
    return malformed("text value of wrong form");
  }
  if (pairs.has(key)) return malformed("text key twice");
  pairs.set(key, value);
  return undefined;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

export function writeText(pairs: Iterable<readonly [key: string, value: string]>): Uint8Array {
  let text = "";
  for (const [key, value] of pairs) text += `${key}=${value}\0`;
  return new TextEncoder().encode(text);
}

/** RFC 7143 §6.1 numerical-value: decimal or hexadecimal, as far as a number holds it exactly. */
export function parseNumber(value: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15}|0[xX][0-9A-Fa-f]{1,14})$/.test(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** RFC 7143 §6.1 boolean-value. */
export function parseBoolean(value: string): boolean | undefined {
  return value === "Yes" ? true : value === "No" ? false : undefined;
}

/** RFC 7143 §6.1 list-of-values, in the sender's order of preference. */
export function parseList(value: string): readonly string[] {
  return value.split(",");
}

/** RFC 7143 §6.1 binary-value: a hexadecimal or base64 constant. */
export function parseBinary(value: string): Uint8Array | undefined {
  const digits = value.slice(2);
  if (/^0[xX][0-9A-Fa-f]+$/.test(value)) {
    return Uint8Array.fromHex(digits.length % 2 === 0 ? digits : `0${digits}`);
  }
  if (!/^0[bB][A-Za-z0-9+/]+={0,2}$/.test(value)) return undefined;
  try {
    return Uint8Array.fromBase64(digits, { lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}

export function formatBinary(bytes: Uint8Array): string {
  return `0x${bytes.toHex()}`;
}
