import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { SeededRandom } from "../sim/random.ts";
import { type Apart, serveApart } from "./apart/apart.ts";
import { mark, parseReply } from "./client.ts";
import { inFragments, mutated } from "./mutation.ts";
import { checkForm } from "./results.ts";
import { seedCalls } from "./seeds.ts";
import { Client, temporaryDirectory, until } from "./served.ts";

/** The whole server, as a process of its own, against calls that are nearly right and streams that are not. */

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const CALLS = Number(process.env["FUZZ_CALLS"] ?? 60_000);
const CALLS_PER_CONNECTION = 400;
const RANDOM_STREAMS = CALLS / 50;
/** Enough that not all wait for the search after handles of no file, which rests a second after each. */
const AT_ONCE = 32;
const content = Buffer.from(Array.from({ length: 20_000 }, (_, at) => at & 255));

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
let server: Apart;
let seeds: Buffer[];

async function directory(): Promise<string> {
  const path = await temporaryDirectory(cleanup);
  await mkdir(join(path, "dir/below"), { recursive: true });
  await writeFile(join(path, "file"), content);
  await symlink("dir/below", join(path, "link"));
  for (let at = 0; at < 300; at += 1) await writeFile(join(path, `dir/${at}`), "");
  return path;
}

async function image(): Promise<string> {
  const path = join(await temporaryDirectory(cleanup), "image.erofs");
  execFileSync("mkfs.erofs", ["--quiet", path, await directory()], { stdio: "pipe" });
  return path;
}

async function start(path: string): Promise<void> {
  server = cleanup.use(await serveApart(path));
  await using client = await Client.connect(server.port);
  const directory = (await client.find("dir")).handle;
  const file = (await client.find("file")).handle;
  const link = (await client.find("link")).handle;
  seeds = seedCalls({ directory, file, link });
}

/** RFC 5531 §9, §8.2: whether there is enough of a call to answer it. */
function isAnswerable(record: Buffer): boolean {
  if (record.length < 12 || record.readUInt32BE(4) !== 0) return false;
  if (record.readUInt32BE(8) !== 2) return true;
  let at = 24;
  for (const _ of ["credential", "verifier"]) {
    if (record.length < at + 8) return false;
    const length = record.readUInt32BE(at + 4);
    at += 8 + ((length + 3) & ~3);
    if (length > 400 || record.length < at) return false;
  }
  return true;
}

/** Sends it all; ends when so many replies came or the connection is gone. */
function exchange(bytes: Uint8Array, replies: number): Promise<Buffer[] | "closed"> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(server.port, "127.0.0.1");
    const deadline = setTimeout(() => reject(new Error(`${found.length} of ${replies}`)), 20_000);
    const found: Buffer[] = [];
    let received = Buffer.alloc(0);
    const end = (result: Buffer[] | "closed"): void => {
      clearTimeout(deadline);
      resolve(result);
      socket.destroy();
    };
    socket.on("error", () => {});
    socket.on("close", () => end("closed"));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, Buffer.from(chunk)]);
      while (received.length >= 4) {
        const length = received.readUInt32BE(0) - 0x8000_0000;
        if (length < 0) return reject(new Error("a reply in several fragments"));
        if (received.length < 4 + length) break;
        found.push(received.subarray(4, 4 + length));
        received = received.subarray(4 + length);
      }
      if (found.length >= replies) end(found);
    });
    socket.write(bytes);
  });
}

/** A real call, usually mutated; `isWanted` says whether it will do. */
function callOf(random: SeededRandom, isWanted: (record: Buffer) => boolean): Buffer {
  const seedOf = () => seeds[random.below(seeds.length)] ?? Buffer.alloc(0);
  for (;;) {
    const record = random.chance(0.95)
      ? mutated(seedOf(), seedOf(), random)
      : Buffer.from(seedOf());
    if (isWanted(record)) return record;
  }
}

/** Some hundred calls on one connection: each is answered once, in the right form. Answers how many were. */
async function callsOf(batch: number): Promise<number> {
  const random = new SeededRandom(seed + batch);
  const records = Array.from({ length: CALLS_PER_CONNECTION }, () => callOf(random, isAnswerable));
  // What is no call any more ends the connection.
  const isSpoilt = random.chance(0.1);
  if (isSpoilt) {
    const spoilt = callOf(random, (record) => !isAnswerable(record));
    records.splice(random.below(records.length), 0, spoilt);
  }
  for (const [at, record] of records.entries()) if (record.length >= 4) record.writeUInt32BE(at);
  const stream = records.flatMap((record) =>
    random.chance(0.1) ? inFragments(record, random) : [mark(record.length), record],
  );
  const replies = await exchange(Buffer.concat(stream), records.length);
  if ((replies === "closed") !== isSpoilt) throw new Error(isSpoilt ? "answered" : "closed");
  if (replies === "closed") return 0;
  const xids = new Set(replies.map((reply) => reply.readUInt32BE(0)));
  if (xids.size !== records.length) throw new Error("a call was answered twice");
  for (const reply of replies) checkReply(records[reply.readUInt32BE(0)] ?? Buffer.alloc(0), reply);
  return replies.length;
}

/** RFC 5531 §9: what is wrong is said by the first that is; RFC 1813: results are whole, and nothing follows them. */
function checkReply(call: Buffer, bytes: Buffer): void {
  const reply = parseReply(bytes);
  if (!("accepted" in reply)) return;
  const [program = 0, version = 0, procedure = 0] = [12, 16, 20].map((at) => call.readUInt32BE(at));
  const procedures = new Map([
    [100_003, 22],
    [100_005, 6],
    [100_227, 3],
  ]).get(program);
  if (procedures === undefined) expect(reply.accepted).toBe(1);
  else if (version !== 3) expect(reply.accepted).toBe(2);
  else if (procedure >= procedures) expect(reply.accepted).toBe(3);
  else expect([0, 4]).toContain(reply.accepted);
  if (reply.accepted === 0 && program === 100_003) checkForm(procedure, reply.results);
}

/** No calls at all; the connection ends, whoever ends it. */
async function noiseOf(batch: number): Promise<number> {
  const random = new SeededRandom(seed - batch);
  const socket = net.connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect");
  const bytes = random.bytes(random.below(2000));
  socket.write(bytes);
  if (random.chance(0.3)) socket.resetAndDestroy();
  else socket.end();
  await closed;
  return 0;
}

/** The sum of what each answers. */
async function inParallel(
  from: number,
  to: number,
  run: (batch: number) => Promise<number>,
): Promise<number> {
  let next = from;
  let sum = 0;
  const worker = async (): Promise<void> => {
    for (let batch = next++; batch < to; batch = next++) {
      const answered = await run(batch).catch((cause: unknown) => {
        throw new Error(`SEED=${seed}, batch ${batch}`, { cause });
      });
      sum += answered;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return sum;
}

const MIB = 1 << 20;

const lacking = lackingOf("mkfs.erofs");

describe.each([
  ["a directory", directory, undefined],
  ["a sealed image", image, lacking],
] as const)(`hostile calls to %s (SEED=${seed})`, (_, make, lacking) => {
  beforeAll(async () => {
    if (lacking === undefined) await start(await make());
  });

  test.skipIf(lacking !== undefined)(
    title(
      `${CALLS} mutated real calls, ${RANDOM_STREAMS} random streams: all are answered, nothing is left`,
      lacking,
    ),
    {
      timeout: 180_000,
    },
    async () => {
      const batches = Math.ceil((CALLS / CALLS_PER_CONNECTION) * 1.25);
      // What a server needs once, and keeps, is there after a tenth.
      const first = Math.ceil(batches / 10);
      await inParallel(0, first, callsOf);
      await inParallel(0, first, noiseOf);
      await until(async () => (await server.state()).connections === 0);
      const before = await server.state(true);
      const answered = await inParallel(first, first + batches, callsOf);
      await inParallel(first, first + RANDOM_STREAMS, noiseOf);
      await until(async () => (await server.state()).connections === 0);
      const after = await server.state(true);

      expect(answered).toBeGreaterThan(CALLS);
      expect(after.reported).toEqual([]);
      expect(after.pinnedBytes).toBe(0);
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 2);
      expect(after.heapBytes - before.heapBytes).toBeLessThan(8 * MIB);
      expect(after.residentBytes - before.residentBytes).toBeLessThan(128 * MIB);
      for (const reason of [
        "malformed",
        "record-too-long",
        "garbage-arguments",
        "bad-handle",
        "bad-credential",
        "bad-verifier",
        "wrong-rpc-version",
        "unknown-program",
        "unknown-version",
        "unknown-procedure",
        "stale",
      ]) {
        expect(after.refused[reason] ?? 0, reason).toBeGreaterThan(before.refused[reason] ?? 0);
      }
      await using client = await Client.connect(server.port);
      expect(await client.readAll((await client.find("file")).handle)).toEqual(content);
      expect(await client.list((await client.find("dir")).handle)).toHaveLength(303);
    },
  );
});
