import { expect, test } from "vitest";
import type { Instant } from "../../src/bytes/instant.ts";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { TFTP_TURN_BLOCKS } from "../../src/limits.ts";
import type { UdpSocket } from "../../src/net/udp.ts";
import { octet } from "../../src/tftp/content.ts";
import { negotiate } from "../../src/tftp/options.ts";
import { Session } from "../../src/tftp/session.ts";
import { Turns } from "../../src/tftp/turns.ts";
import { fileOf, pattern } from "./files.ts";
import { Receiver } from "./receiver.ts";

const FILE_BYTES = 2_000_000;
const BLOCK_BYTES = 1468;

/** Transfers to receivers with these windows, over a network without delay; its time is the datagrams that were sent. */
class Loop {
  readonly #rounds: (() => void)[] = [];
  readonly #turns = new Turns<Session>(
    (run) => this.#rounds.push(run),
    (session) => session.step(),
  );
  readonly #receivers: Receiver[] = [];
  readonly #sessions: Session[] = [];
  /** Whom each datagram went to. */
  readonly sent: number[] = [];

  constructor(windows: readonly number[]) {
    for (const [index, windowBlocks] of windows.entries()) {
      this.#receivers.push(new Receiver(BLOCK_BYTES, windowBlocks));
      this.#sessions.push(this.#open(index, windowBlocks));
    }
    for (const session of this.#sessions) session.step();
  }

  #open(index: number, windowBlocks: number): Session {
    const options = { blksize: BLOCK_BYTES, windowsize: windowBlocks };
    const asked = Object.entries(options).map(([name, value]) => ({ name, value: String(value) }));
    const session: Session = new Session({
      client: { address: ipv4(index + 1), port: 1024 },
      path: "file",
      terms: negotiate(asked, FILE_BYTES),
      content: octet(fileOf(pattern(FILE_BYTES))),
      port: this.#portTo(index),
      now: () => this.sent.length as Instant,
      tell: () => {},
      report: (what, error) => expect.fail(`${what}: ${error}`),
      stepped: (more) => {
        if (more && !session.ended) this.#turns.add(session);
      },
    });
    return session;
  }

  #portTo(index: number): UdpSocket {
    return {
      local: { address: ipv4(0), port: 1 },
      send: (bytes) => {
        this.sent.push(index);
        this.#receivers[index]?.receive(Uint8Array.from(bytes), 0);
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  /** As Node's: first all that has arrived is received, then comes who was left over. */
  run(): void {
    for (let moved = true; moved; ) {
      const acks = this.#receivers.map((receiver) => receiver.take(0 as Instant));
      const rounds = this.#rounds.splice(0);
      moved = rounds.length > 0 || acks.some((of) => of.length > 0);
      for (const [index, of] of acks.entries()) {
        for (const ack of of) this.#sessions[index]?.receive(ack);
      }
      for (const round of rounds) round();
    }
  }

  get ended(): boolean {
    return this.#sessions.every((session) => session.ended);
  }
}

test("no window, however large, keeps lock-step waiting for more than a turn of each", () => {
  const windows = [1, ...Array.from({ length: 10 }, () => 64)];
  const loop = new Loop(windows);
  loop.run();
  expect(loop.ended).toBe(true);
  const lockStep = loop.sent.flatMap((index, at) => (index === 0 ? [at] : []));
  const gaps = lockStep.map((at, index) => at - (lockStep[index - 1] ?? 0));
  // A turn when an ACK arrives, and one of those who were left over.
  expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * windows.length * TFTP_TURN_BLOCKS);
});

test("equal windows get on equally", () => {
  const windows = Array.from({ length: 20 }, () => 64);
  const loop = new Loop(windows);
  loop.run();
  const ends = windows.map((_, index) => loop.sent.lastIndexOf(index));
  expect(Math.min(...ends)).toBeGreaterThan(loop.sent.length - 2 * windows.length * 64);
});
