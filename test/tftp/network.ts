import type { Instant } from "../../src/bytes/instant.ts";
import { octet } from "../../src/tftp/content.ts";
import { negotiate } from "../../src/tftp/options.ts";
import { ackedBlock } from "../../src/tftp/packet.ts";
import { type Outcome, Transfer } from "../../src/tftp/transfer.ts";
import { SeededRandom } from "../sim/random.ts";
import { fileOf, pattern } from "./files.ts";
import { Receiver } from "./receiver.ts";

export interface Case {
  readonly seed: number;
  readonly size: number;
  readonly blockBytes: number;
  readonly windowBlocks: number;
  /** Chances of each datagram, either way. */
  readonly loss: number;
  readonly duplication: number;
  /** To take up to 1 ms longer, and be overtaken. */
  readonly delay: number;
}

export interface Result {
  readonly outcome: Outcome | undefined;
  /** What the client has is the file, or the beginning of it. */
  readonly intact: boolean;
  readonly received: number;
  readonly dataSent: number;
  readonly acksSent: number;
  /** Datagrams that never arrived, both ways. */
  readonly lost: number;
  readonly ms: number;
}

/** One transfer in virtual time: our core at one end, a receiver of its own making at the other. */
export function simulate(given: Case): Result {
  const bytes = pattern(given.size, given.seed);
  const options = [
    { name: "blksize", value: String(given.blockBytes) },
    { name: "windowsize", value: String(given.windowBlocks) },
  ];
  const transfer = new Transfer(negotiate(options, given.size));
  const content = octet(fileOf(bytes));
  const receiver = new Receiver(given.blockBytes, given.windowBlocks);
  const toReceiver = new Wire(given, 1);
  const toTransfer = new Wire(given, 2);
  let now = 0 as Instant;
  let dataSent = 0;
  let acksSent = 0;
  for (;;) {
    for (let room = transfer.wants(); room !== undefined; room = transfer.wants()) {
      const got = content.next(room);
      if (typeof got === "number") transfer.fed(got);
    }
    for (let next = transfer.take(now); next !== undefined; next = transfer.take(now)) {
      dataSent += 1;
      toReceiver.carry(next, now);
    }
    for (const ack of receiver.take(now)) {
      acksSent += 1;
      toTransfer.carry(ack, now);
    }
    const events = [toReceiver.next, toTransfer.next, transfer.wakeAt, receiver.wakeAt];
    const next = Math.min(...events.map((at) => at ?? Number.POSITIVE_INFINITY));
    if (transfer.outcome !== undefined || next === Number.POSITIVE_INFINITY) break;
    now = next as Instant;
    const data = toReceiver.arrival(now);
    if (data !== undefined) receiver.receive(data, now);
    const ack = toTransfer.arrival(now);
    if (ack !== undefined) transfer.acknowledge(blockOf(ack), now);
    transfer.tick(now);
    receiver.tick(now);
  }
  return {
    outcome: transfer.outcome,
    intact: receiver.file().equals(bytes.subarray(0, receiver.received)),
    received: receiver.received,
    dataSent,
    acksSent,
    lost: toReceiver.lost + toTransfer.lost,
    ms: Math.round(now),
  };
}

function blockOf(bytes: Uint8Array): number {
  const block = ackedBlock(bytes);
  if (block === undefined) throw new Error("the receiver sends ACKs only");
  return block;
}

/** One direction: a datagram every 0.01 ms, 0.1 ms long, but for those that are lost, repeated or late. */
class Wire {
  readonly #given: Case;
  readonly #random: SeededRandom;
  /** In order of arrival. */
  readonly #flying: { readonly at: number; readonly datagram: Uint8Array }[] = [];
  #freeAt = 0;
  lost = 0;

  constructor(given: Case, direction: number) {
    this.#given = given;
    this.#random = new SeededRandom(given.seed * 2 + direction);
  }

  get next(): number | undefined {
    return this.#flying[0]?.at;
  }

  carry(datagram: Uint8Array, now: number): void {
    this.#freeAt = Math.max(this.#freeAt, now) + 0.01;
    const copies = this.#random.chance(this.#given.duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.#random.chance(this.#given.loss)) {
        this.lost += 1;
        continue;
      }
      const late = this.#random.chance(this.#given.delay) ? this.#random.below(1000) / 1000 : 0;
      const at = this.#freeAt + 0.1 + late;
      let place = this.#flying.length;
      while (place > 0 && (this.#flying[place - 1]?.at ?? 0) > at) place -= 1;
      this.#flying.splice(place, 0, { at, datagram: Uint8Array.from(datagram) });
    }
  }

  arrival(now: number): Uint8Array | undefined {
    return (this.next ?? now + 1) <= now ? this.#flying.shift()?.datagram : undefined;
  }
}
