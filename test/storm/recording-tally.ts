import type { Expectations, Tally } from "../../src/storm/client.ts";

/** Remembers all that it is told. */
export class RecordingTally implements Tally {
  readonly answers: string[] = [];
  readonly complaints: string[] = [];
  readonly differences: string[] = [];
  retransmits = 0;
  verifiedBytes = 0;
  received = 0;
  sent = 0;

  answered(protocol: string, operation: string, _ms: number, received: number, sent: number): void {
    this.answers.push(`${protocol} ${operation}`);
    this.moved(protocol, received, sent);
  }

  moved(_protocol: string, received: number, sent: number): void {
    this.received += received;
    this.sent += sent;
  }

  retransmitted(): void {
    this.retransmits += 1;
  }

  complained(protocol: string, reason: string): void {
    this.complaints.push(`${protocol}: ${reason}`);
  }

  verified(bytes: number): void {
    this.verifiedBytes += bytes;
  }

  differed(protocol: string, what: string): void {
    this.differences.push(`${protocol}: ${what}`);
  }
}

/** What was first is right. */
export function firstIsRight(): Expectations {
  const seen = new Map<string, number>();
  return {
    check: () => true,
    checkCrc(key, offset, length, crc) {
      const name = `${key} ${offset} ${length}`;
      const first = seen.get(name) ?? crc;
      seen.set(name, first);
      return first === crc;
    },
  };
}
