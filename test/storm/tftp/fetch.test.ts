import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { systemClock } from "../../../src/net/clock.ts";
import type { Endpoint } from "../../../src/net/endpoint.ts";
import { openUdp, type UdpSocket } from "../../../src/net/udp.ts";
import { tftpFetch } from "../../../src/storm/tftp/fetch.ts";
import type { FileDeed } from "../../../src/storm/trace/trace.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { firstIsRight, RecordingTally } from "../recording-tally.ts";

const RRQ = 1;
const ACK = 4;

const ascii = (text: string): Buffer => Buffer.from(text, "latin1");
const data = (block: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(0, 3, block >> 8, block & 255), bytes]);

async function open(
  receive: (bytes: Buffer, from: Endpoint, socket: UdpSocket) => void,
): Promise<UdpSocket> {
  const socket: UdpSocket = await openUdp({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    receive: (bytes, from) => receive(Buffer.from(bytes), from, socket),
    report: (what, error) => expect.fail(`${what}: ${error}`),
  });
  onTestFinished(() => socket[Symbol.asyncDispose]());
  return socket;
}

function fetch(server: Endpoint, options: FileDeed["options"], clock = systemClock) {
  const tally = new RecordingTally();
  const ends: { failure: string | undefined; bytes: number | undefined }[] = [];
  tftpFetch({
    server,
    from: { address: undefined },
    deed: { path: "file", options, ends: "whole" },
    key: "file",
    clock,
    tally,
    expectations: firstIsRight(),
    patienceMs: 10_000,
    done: (failure, fetched) => ends.push({ failure, bytes: fetched?.bytes }),
  });
  return { tally, ends };
}

/** Serves one file, window after window (RFC 7440), and says who asked. */
async function serve(content: Uint8Array, blockBytes: number, windowBlocks: number) {
  const clients: number[] = [];
  const oack = ascii(`\0\x06blksize\0${blockBytes}\0windowsize\0${windowBlocks}\0`);
  const socket = await open((bytes, from, own) => {
    if (bytes[1] === RRQ) {
      clients.push(from.port);
      own.send(oack, from);
    }
    if (bytes[1] !== ACK) return;
    const acknowledged = bytes.readUInt16BE(2);
    for (let block = acknowledged + 1; block <= acknowledged + windowBlocks; block += 1) {
      const start = (block - 1) * blockBytes;
      if (start > content.length) return;
      own.send(data(block, content.subarray(start, start + blockBytes)), from);
    }
  });
  return { server: socket.local, clients };
}

test.each([
  [512, 4],
  [1468, 16],
  [1024, 1],
  [65_464, 2],
])(
  "transfers at once, blocks of %d in windows of %d: each whole, from a port of its own",
  async (blockBytes, windowBlocks) => {
    const content = new SeededRandom(1).bytes(200_000);
    const { server, clients } = await serve(content, blockBytes, windowBlocks);
    const options = [
      ["blksize", String(blockBytes)],
      ["windowsize", String(windowBlocks)],
    ] as const;
    const all = Array.from({ length: 8 }, () => fetch(server, options));
    await expect.poll(() => all.map(({ ends }) => ends.length)).toEqual(all.map(() => 1));
    const whole = { failure: undefined, bytes: content.length };
    expect(all.map(({ ends }) => ends[0])).toEqual(all.map(() => whole));
    expect(all.flatMap(({ tally }) => tally.complaints)).toEqual([]);
    expect(new Set(clients).size).toBe(all.length);
  },
);

test("datagrams of another port get ERROR 5 and are no part of the file (RFC 1350 §4)", async () => {
  const answers: Buffer[] = [];
  const stranger = await open((bytes) => answers.push(bytes));
  const { local } = await open((bytes, from, own) => {
    if (bytes[1] === RRQ) {
      own.send(data(1, Buffer.alloc(512, "a")), from);
      for (const _ of "four") stranger.send(data(2, ascii("wrong")), from);
    } else if (bytes.readUInt16BE(2) === 1 && answers.length > 0) {
      own.send(data(2, ascii("right one")), from);
    }
  });
  const { tally, ends } = fetch(local, []);
  await expect.poll(() => ends).toEqual([{ failure: undefined, bytes: 512 + 9 }]);
  expect(tally.complaints).toEqual(Array.from("four", () => "tftp: from another port"));
  const error = ascii("\0\x05\0\x05unknown transfer\0").toString("hex");
  await expect
    .poll(() => answers.map((bytes) => bytes.toString("hex")))
    .toEqual(Array.from("four", () => error));
});

test("a server that answers each request, and then no more, is given up when the node's patience ends", async () => {
  const requests: number[] = [];
  const { local } = await open((bytes, from, own) => {
    if (bytes[1] !== RRQ) return;
    requests.push(from.port);
    own.send(ascii("\0\x06blksize\x001408\0"), from);
  });
  const clock = new VirtualClock();
  const { ends } = fetch(local, [["blksize", "1408"]], clock);
  for (let tries = 0; ends.length === 0 && tries < 2000; tries += 1) {
    await sleep(1);
    clock.advance(50);
  }
  expect(ends.map(({ failure }) => failure)).toEqual(["TFTP: no answer"]);
  // Begun anew after 3.75 s, each time from another port.
  expect(new Set(requests).size).toBeGreaterThan(1);
});
