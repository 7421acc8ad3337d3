import { setImmediate } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { BootFile, BootFiles } from "../../src/boot/files.ts";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { TFTP_TRANSFERS_PER_HOST_MAX } from "../../src/limits.ts";
import { type Clock, systemClock } from "../../src/net/clock.ts";
import { serveTftp, type TftpServer } from "../../src/tftp/server.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { VirtualClock } from "../sim/clock.ts";
import { SeededRandom } from "../sim/random.ts";
import { RawClient } from "./client.ts";
import { allTftpFrames } from "./datagrams.ts";
import { fileOf, pattern, slowFileOf } from "./files.ts";

const big = pattern(100_000);

const files: BootFiles = async (path) => {
  if (path === "big") return fileOf(big);
  if (path === "slow") return slowFileOf(big);
  if (path === "text") return fileOf(Buffer.from("a\nb"));
  if (path === "secret") return "denied";
  if (path === "broken") throw new Error("no disk");
  if (path === "short") return { ...fileOf(new Uint8Array()), size: 10 };
  if (path === "breaks") return breaksAfter(70_000);
  return "missing";
};

/** A file that is 100,000 bytes long until somebody cuts it. */
function breaksAfter(bytes: number): BootFile {
  return { ...slowFileOf(big.subarray(0, bytes)), size: big.length };
}

interface Bench {
  readonly server: TftpServer;
  readonly client: RawClient;
  readonly port: number;
  readonly events: BootEvent[];
  readonly reports: string[];
  refusals(): string[];
  outcomes(): string[];
}

async function bench(clock: Clock = new VirtualClock()): Promise<Bench> {
  const events: BootEvent[] = [];
  const reports: string[] = [];
  const server = await serveTftp({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    files,
    clock,
    tell: (event) => events.push(event),
    report: (what, error) => reports.push(`${what}: ${error}`),
  });
  const client = await RawClient.open();
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  return {
    server,
    client,
    port: server.local.port,
    events,
    reports,
    refusals: () => events.flatMap((event) => (event.kind === "refused" ? [event.reason] : [])),
    outcomes: () =>
      events.flatMap((e) => (e.kind === "file" ? [`${e.path} ${e.outcome} ${e.bytes}`] : [])),
  };
}

/** The server looks at the time after all that has arrived: so does this, each time that an alarm rings. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; ) {
    const next = (clock.next() ?? Number.POSITIVE_INFINITY) - clock.now();
    const step = Math.min(left, Math.max(1, next));
    clock.advance(step);
    left -= step;
    await setImmediate();
  }
}

const ack = (block: number): Uint8Array => Uint8Array.of(0, 4, block >> 8, block & 255);
const blockOf = (bytes: Buffer): number => (bytes[1] === 3 ? bytes.readUInt16BE(2) : -1);

/** Acknowledges from block `from` until a short block came; answers what was sent. */
async function finish(
  client: RawClient,
  tid: number,
  from: number,
  blockBytes: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let block = from; ; ) {
    client.send(ack(block), tid);
    const { bytes } = await client.next();
    // An older block again: the ACK was lost.
    if (blockOf(bytes) !== block + 1) continue;
    block += 1;
    parts.push(bytes.subarray(4));
    if (bytes.length < 4 + blockBytes) {
      client.send(ack(block), tid);
      return Buffer.concat(parts);
    }
  }
}

test.each(["big", "slow"])(
  "a file arrives by a port of its own, and what happened is told: %s",
  async (path) => {
    const { client, port, outcomes, reports } = await bench();
    client.send(`\0\x01${path}\0octet\0tsize\x000\0blksize\x001468\0`, port);
    const oack = await client.next();
    expect(oack.bytes.toString("latin1")).toBe("\0\x06tsize\x00100000\0blksize\x001468\0");
    expect(oack.port).not.toBe(port);
    expect(outcomes()).toEqual([]);
    expect((await finish(client, oack.port, 0, 1468)).equals(big)).toBe(true);
    await expect.poll(outcomes).toEqual([`${path} started 0`, `${path} done 100000`]);
    expect(reports).toEqual([]);
  },
);

test("without options DATA 1 answers at once; netascii is converted and has no tsize", async () => {
  const { client, port, outcomes } = await bench();
  client.send("\0\x01text\0NetASCII\0tsize\x000\0", port);
  const data = await client.next();
  expect(data.bytes.toString("latin1")).toBe("\0\x03\0\x01a\r\nb");
  client.send(ack(1), data.port);
  await expect.poll(outcomes).toEqual(["text started 0", "text done 4"]);
});

test("what is refused is answered from the well-known port, and told", async () => {
  const { client, port, refusals, outcomes, reports } = await bench();
  const answers = [
    ["\0\x01nothing\0octet\0", "\0\x05\0\x01file not found\0"],
    ["\0\x01secret\0octet\0", "\0\x05\0\x02access denied\0"],
    ["\0\x02big\0octet\0", "\0\x05\0\x02this server is read-only\0"],
    ["\0\x01big\0mail\0", "\0\x05\0\x04only octet and netascii\0"],
    ["\0\x01broken\0octet\0", "\0\x05\0\0server error\0"],
    ["\0\x01short\0octet\0", "\0\x05\0\0server error\0"],
  ] as const;
  for (const [request, answer] of answers) {
    client.send(request, port);
    const reply = await client.next();
    expect(reply.bytes.toString("latin1")).toBe(answer);
    expect(reply.port).toBe(port);
  }
  expect(outcomes()).toEqual(["nothing missing 0"]);
  expect(refusals()).toEqual(["denied", "write", "mode", "server error", "server error"]);
  expect(reports).toEqual([
    "TFTP broken: Error: no disk",
    "TFTP short: Error: the file shrank while it was sent",
  ]);
});

test("at the well-known port, no ERROR and nothing malformed is answered", async () => {
  const { client, port, refusals } = await bench();
  for (const bytes of [
    "\0\x05\0\0x\0",
    "\0\x04\0\x01",
    "\0\x03\0\x01abc",
    "\0",
    "",
    "\0\x01a\0octet",
  ]) {
    client.send(bytes, port);
  }
  expect(await client.rest()).toBe(0);
  expect(refusals().sort()).toEqual([
    ...["malformed", "malformed", "malformed"],
    ...["not a request", "not a request", "not a request"],
  ]);
});

test("a repeated request does not start a second transfer", async () => {
  const { client, port } = await bench();
  for (let times = 0; times < 5; times += 1) client.send("\0\x01big\0octet\0tsize\x000\0", port);
  expect((await client.next()).bytes[1]).toBe(6);
  expect(await client.rest()).toBe(0);
});

test("lpxelinux asks for the next file from the same port: the lost end of the one before does not matter", async () => {
  const { client, port, outcomes } = await bench();
  client.send("\0\x01text\0octet\0", port);
  await client.next();
  client.send("\0\x01big\0octet\0", port);
  expect(blockOf((await client.next()).bytes)).toBe(1);
  expect(outcomes()).toEqual(["text started 0", "text done 0", "big started 0"]);
});

test("a client that left a transfer midway may ask for the same again from the same port", async () => {
  const clock = new VirtualClock();
  const { client, port, outcomes } = await bench(clock);
  client.send("\0\x01big\0octet\0", port);
  const first = await client.next();
  client.send(ack(1), first.port);
  await client.next();
  client.send("\0\x01big\0octet\0", port);
  expect(await client.rest()).toBe(0);
  await pass(clock, 50);
  expect(blockOf((await client.next()).bytes)).toBe(2);
  client.send("\0\x01big\0octet\0", port);
  expect(blockOf((await client.next()).bytes)).toBe(1);
  expect(outcomes()).toEqual(["big started 0", "big aborted 512", "big started 0"]);
});

test("RFC 1350 §4: a stranger gets ERROR 5 and does not disturb; its ERROR gets nothing", async () => {
  const { client, port, refusals } = await bench();
  await using stranger = await RawClient.open();
  client.send("\0\x01big\0octet\0", port);
  const { port: tid } = await client.next();
  stranger.send(ack(1), tid);
  expect(await stranger.nextText()).toBe("\0\x05\0\x05unknown transfer id\0");
  stranger.send("\0\x05\0\0stop\0", tid);
  client.send("\0\x02big\0octet\0", tid);
  client.send("junk", tid);
  expect((await finish(client, tid, 1, 512)).equals(big.subarray(512))).toBe(true);
  expect(await stranger.rest()).toBe(0);
  expect(refusals().sort()).toEqual([
    "malformed",
    "not of this transfer",
    "unknown transfer id",
    "unknown transfer id",
  ]);
});

test("OVMF asks for the size and breaks off with ERROR 8: nothing was begun, nothing failed", async () => {
  const { client, port, events } = await bench();
  client.send("\0\x01big\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0", port);
  const oack = await client.next();
  client.send("\0\x05\0\x08User aborted the transfer\0", oack.port);
  client.send("\0\x01big\0octet\0blksize\x001468\0windowsize\x004\0", port);
  const again = await client.next();
  expect(again.bytes.toString("latin1")).toBe("\0\x06blksize\x001468\0windowsize\x004\0");
  client.send(ack(0), again.port);
  for (const block of [1, 2, 3, 4]) expect(blockOf((await client.next()).bytes)).toBe(block);
  expect(events.map((event) => event.kind === "file" && event.outcome)).toEqual(["started"]);
});

test("a file that is cut while it is sent ends with an ERROR, never as if it were whole", async () => {
  const { client, port, outcomes, reports } = await bench();
  client.send("\0\x01breaks\0octet\0", port);
  let { bytes, port: tid } = await client.next();
  for (let block = 1; bytes[1] === 3; block += 1) {
    expect(bytes.length).toBe(516);
    client.send(ack(block), tid);
    ({ bytes, port: tid } = await client.next());
  }
  expect(bytes.toString("latin1")).toBe("\0\x05\0\0the file cannot be read\0");
  expect(reports).toEqual(["TFTP breaks: Error: the file shrank while it was sent"]);
  expect(outcomes()[0]).toBe("breaks started 0");
  expect(outcomes()[1]).toMatch(/^breaks aborted \d{5}$/);
});

test("one alarm serves all transfers: each is sent again in its time, and forgotten in the end", async () => {
  const clock = new VirtualClock();
  const { client, port, outcomes } = await bench(clock);
  await using second = await RawClient.open();
  client.send("\0\x01big\0octet\0", port);
  await client.next();
  await pass(clock, 100);
  second.send("\0\x01big\0octet\0tsize\x000\0", port);
  await second.next();
  await pass(clock, 150);
  expect(blockOf((await client.next()).bytes)).toBe(1);
  await pass(clock, 99);
  expect(await second.rest()).toBe(0);
  await pass(clock, 1);
  expect((await second.next()).bytes[1]).toBe(6);
  await pass(clock, 60_000);
  expect(clock.next()).toBeUndefined();
  // The one that never answered the OACK had not begun.
  expect(outcomes()).toEqual(["big started 0", "big aborted 0"]);
});

test("transfers to one host are bounded; those beyond it are dropped in silence, and counted", async () => {
  const { port, refusals } = await bench();
  await using stack = new AsyncDisposableStack();
  const clients: RawClient[] = [];
  for (let count = 0; count <= TFTP_TRANSFERS_PER_HOST_MAX; count += 1) {
    clients.push(stack.use(await RawClient.open()));
  }
  for (const client of clients.slice(0, -1)) client.send("\0\x01big\0octet\0tsize\x000\0", port);
  for (const client of clients.slice(0, -1)) await client.next();
  expect(refusals()).toEqual([]);
  clients.at(-1)?.send("\0\x01big\0octet\0tsize\x000\0", port);
  expect(await clients.at(-1)?.rest()).toBe(0);
  expect(refusals()).toEqual(["too many transfers to one host"]);
});

test("stopping tells of what was under way, and frees the port", async () => {
  const { server, client, port, outcomes } = await bench();
  client.send("\0\x01big\0octet\0", port);
  const { port: tid } = await client.next();
  client.send(ack(1), tid);
  await client.next();
  await server[Symbol.asyncDispose]();
  expect(outcomes()).toEqual(["big started 0", "big aborted 512"]);
  await using again = await serveTftp({
    local: { address: LOOPBACK_ADDRESS, port },
    files,
    clock: systemClock,
    tell: () => {},
    report: () => {},
  });
  expect(again.local.port).toBe(port);
});

test("a port that is taken is said in one line", async () => {
  const { port } = await bench();
  const second = serveTftp({
    local: { address: LOOPBACK_ADDRESS, port },
    files,
    clock: systemClock,
    tell: () => {},
    report: () => {},
  });
  await expect(second).rejects.toThrow(
    /^cannot listen on UDP 127\.0\.0\.1:\d+: another program has it/,
  );
});

test("2,000 random and mutated datagrams, to the well-known port and to a transfer: both go on, and it counts", async () => {
  const { client, port, refusals, reports } = await bench(systemClock);
  await using stranger = await RawClient.open();
  const random = new SeededRandom(20_261_121);
  const mutated = (): Uint8Array => {
    const seed = allTftpFrames[random.below(allTftpFrames.length)]?.bytes ?? new Uint8Array(4);
    if (random.chance(0.3)) return random.bytes(random.below(600));
    const bytes = Uint8Array.from(seed);
    for (let flips = random.below(6); flips > 0; flips -= 1) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    return bytes.subarray(0, random.chance(0.5) ? bytes.length : random.below(bytes.length + 1));
  };
  client.send("\0\x01big\0octet\0", port);
  const { port: tid } = await client.next();
  for (let sent = 0; sent < 1000; sent += 1) {
    stranger.send(mutated(), port);
    stranger.send(mutated(), tid);
    if (sent % 20 === 0) await stranger.rest(1);
  }
  expect((await finish(client, tid, 1, 512)).equals(big.subarray(512))).toBe(true);
  client.send("\0\x01text\0octet\0", port);
  expect((await client.next()).bytes.toString("latin1")).toBe("\0\x03\0\x01a\nb");
  const kinds = new Set(refusals());
  for (const kind of ["malformed", "not a request", "unknown transfer id"]) {
    expect(kinds).toContain(kind);
  }
  expect(refusals().length).toBeGreaterThan(1000);
  expect(reports).toEqual([]);
});
