/** What a codec returns for bytes that break the protocol's rules. A value, so that hostile input costs no stack trace. */
export class Malformed {
  readonly malformed: string;

  constructor(reason: string) {
    this.malformed = reason;
  }
}

export function malformed(reason: string): Malformed {
  return new Malformed(reason);
}

export function isMalformed(value: object): value is Malformed {
  return value instanceof Malformed;
}
