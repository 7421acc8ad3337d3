import type { Instant } from "../../../src/net/clock.ts";
import type { Fetched } from "../../../src/storm/content.ts";
import { Download, type DownloadOptions } from "../../../src/storm/tftp/download.ts";
import type { FileDeed } from "../../../src/storm/trace/trace.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { pattern } from "../../tftp/files.ts";
import { firstIsRight, RecordingTally } from "../recording-tally.ts";
import { Sender } from "./sender.ts";

export interface Case {
  readonly seed: number;
  readonly size: number;
  readonly options: FileDeed["options"];
  readonly ends?: FileDeed["ends"];
  readonly loss?: number;
  readonly duplication?: number;
  /** To take up to 1 ms longer, and be overtaken. */
  readonly delay?: number;
  readonly answersEachAck?: boolean;
}

export interface Result {
  readonly failure: string | undefined;
  readonly fetched: Fetched | undefined;
  readonly ends: number;
  readonly tally: RecordingTally;
  readonly sender: Sender;
  /** Datagrams that were sent, from the client and to it. */
  readonly sent: readonly [number, number];
  readonly ms: number;
  /** By a checksum that the tests make themselves. */
  readonly isIntact: boolean;
}

const SERVER_PORT = 69;
const TRANSFER_PORT = 4711;

/** One transfer in virtual time: our client, and a server of the tests' own making. */
export function simulate(given: Case): Result {
  const file = pattern(given.size, given.seed);
  const clock = new VirtualClock();
  const chance = new SeededRandom(given.seed);
  const tally = new RecordingTally();
  const expectations = firstIsRight();
  expectations.checkCrc("file", 0, file.length, crcOf(file));
  const sender = new Sender(file, given.answersEachAck ?? false);
  let failure: string | undefined;
  let fetched: Fetched | undefined;
  let ends = 0;
  const sent: [number, number] = [0, 0];
  const carry = (deliver: () => void): void => {
    const copies = chance.chance(given.duplication ?? 0) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (chance.chance(given.loss ?? 0)) continue;
      const late = chance.chance(given.delay ?? 0) ? chance.below(1000) / 1000 : 0;
      clock.alarm(deliver).set((clock.now() + 0.1 + late) as Instant);
    }
  };
  const toClient = (datagrams: readonly Uint8Array[]): void => {
    for (const datagram of datagrams) {
      sent[1] += 1;
      const to = download;
      carry(() => to?.receive(datagram, TRANSFER_PORT));
    }
    repeat.set(Number.isFinite(sender.wakeAt) ? (sender.wakeAt as Instant) : undefined);
  };
  const repeat = clock.alarm(() => toClient(sender.tick(clock.now())));
  let download: Download | undefined;
  const options: Omit<DownloadOptions, "lost"> = {
    deed: { path: "file", options: given.options, ends: given.ends ?? "whole" },
    port: SERVER_PORT,
    key: "file",
    clock,
    tally,
    expectations,
    patienceMs: 60_000,
    send(datagram) {
      sent[0] += 1;
      carry(() => toClient(sender.receive(datagram, clock.now())));
    },
    done(why, got) {
      ends += 1;
      failure = why;
      fetched = got;
    },
  };
  const begin = (): void => {
    download = new Download({ ...options, lost: begin });
  };
  begin();
  const limit = 3_600_000;
  for (
    let next = clock.next();
    next !== undefined && ends === 0 && next < limit;
    next = clock.next()
  ) {
    clock.advance(next - clock.now());
  }
  const ms = clock.now();
  clock.advance(10);
  const isIntact = tally.differences.length === 0 && tally.verifiedBytes === given.size;
  return { failure, fetched, ends, tally, sender, sent, ms, isIntact };
}

/** CRC-32 (ISO 3309), a bit at a time. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return ~crc >>> 0;
}
