/** What a codec returns for bytes that break the protocol's rules. A value, so that hostile input costs no stack trace. */
export interface Malformed {
  readonly malformed: string;
}

export function malformed(reason: string): Malformed {
  return { malformed: reason };
}

export function isMalformed(value: object): value is Malformed {
  return "malformed" in value;
}
