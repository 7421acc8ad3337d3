/** An Ethernet address as 12 lower-case hexadecimal digits: equal addresses are equal strings. */
export type MacAddress = string & { readonly brand: "MacAddress" };

/** Reads `52:54:00:77:00:01`, `52-54-00-77-00-01` or `525400770001`, in either case. */
export function parseMac(text: string): MacAddress | undefined {
  const form = /^([0-9a-f]{2})([:-]?)(?:[0-9a-f]{2}\2){4}[0-9a-f]{2}$/i;
  if (!form.test(text)) return undefined;
  return text.replaceAll(/[:-]/g, "").toLowerCase() as MacAddress;
}

/** From the six bytes on the wire. */
export function macFromBytes(bytes: Uint8Array): MacAddress {
  if (bytes.length !== 6) throw new RangeError(`a MAC address has 6 bytes, not ${bytes.length}`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, 6).toString("hex") as MacAddress;
}

export function macToBytes(mac: MacAddress): Uint8Array {
  return Uint8Array.from(Buffer.from(mac, "hex"));
}

/** `52:54:00:77:00:01`; another separator for PXELINUX's `01-52-54-…`. */
export function formatMac(mac: MacAddress, separator = ":"): string {
  return mac.replaceAll(/(..)(?=.)/g, `$1${separator}`);
}

/** The first hexadecimal digits of MAC addresses: all of them, or a maker's. */
export type MacPattern = string & { readonly brand: "MacPattern" };

/** Reads a MAC address, or one whose last bytes are `*`: `52:54:00:*`. */
export function parseMacPattern(text: string): MacPattern | undefined {
  const whole = parseMac(text);
  if (whole !== undefined) return `${whole}` as MacPattern;
  const [, prefix] = /^((?:[0-9a-f]{2}[:-]){1,5})\*(?:[:-]\*)*$/i.exec(text) ?? [];
  return prefix?.replaceAll(/[:-]/g, "").toLowerCase() as MacPattern | undefined;
}

export function matchesMac(pattern: MacPattern, mac: MacAddress): boolean {
  return mac.startsWith(pattern);
}
