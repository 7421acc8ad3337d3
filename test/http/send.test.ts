import { expect, test, vi } from "vitest";
import type { BootFile } from "../../src/boot/files.ts";
import { send } from "../../src/http/send.ts";
import {
  HTTP_CHUNK_BYTES,
  HTTP_LARGE_TRANSFERS_MAX,
  HTTP_SMALL_CHUNK_BYTES,
} from "../../src/limits.ts";
import type { HttpResponse } from "../../src/net/http.ts";

const LENGTH = 1 << 20;
const range = { first: 0, last: LENGTH - 1 };

/** Sizes of what was read, and the memory that it was read into. */
function transfer(write: () => Promise<boolean>, part = range) {
  const read: number[] = [];
  const memory = new Set<ArrayBufferLike>();
  const file = {
    async read(_at: number, into: Uint8Array) {
      read.push(into.length);
      memory.add(into.buffer);
      return into.length;
    },
  } as unknown as BootFile;
  const response = { write } as unknown as HttpResponse;
  return { read, memory, sent: send(file, part, response) };
}

test("the memory of a transfer that ended is the next one's, but for that of a client that left", async () => {
  const ended = transfer(async () => true);
  await ended.sent;
  const left = transfer(async () => false);
  expect((await left.sent).failure).toBe("gone");
  expect(left.memory).toEqual(ended.memory);
  const next = transfer(async () => true);
  await next.sent;
  expect(next.memory.size).toBe(2);
  expect(next.memory.isDisjointFrom(left.memory)).toBe(true);
});

test("a small file takes little memory", async () => {
  const { memory, sent } = transfer(async () => true, {
    first: 0,
    last: HTTP_SMALL_CHUNK_BYTES - 1,
  });
  await sent;
  expect([...memory].map(({ byteLength }) => byteLength)).toEqual([HTTP_SMALL_CHUNK_BYTES]);
});

test("transfers at a time have memory of their own", async () => {
  const blocked = Promise.withResolvers<boolean>();
  const all = [transfer(() => blocked.promise), transfer(() => blocked.promise)] as const;
  const [one, other] = all;
  await vi.waitFor(() => expect([one.memory.size, other.memory.size]).toEqual([2, 2]));
  expect(one.memory.isDisjointFrom(other.memory)).toBe(true);
  blocked.resolve(true);
  for (const { sent } of all) await sent;
});

test("each transfer holds less where there are very many, and as much as before when they have ended", async () => {
  const blocked = Promise.withResolvers<boolean>();
  const slow = Array.from({ length: HTTP_LARGE_TRANSFERS_MAX }, () =>
    transfer(() => blocked.promise),
  );
  const late = transfer(async () => true);
  expect(await late.sent).toEqual({ bytes: LENGTH, failure: undefined });
  expect(late.read).toEqual(Array(LENGTH / HTTP_SMALL_CHUNK_BYTES).fill(HTTP_SMALL_CHUNK_BYTES));
  blocked.resolve(false);
  for (const { read, sent } of slow) {
    expect((await sent).failure).toBe("gone");
    // One on its way, one to follow.
    expect(read).toEqual([HTTP_CHUNK_BYTES, HTTP_CHUNK_BYTES]);
  }
  const next = transfer(async () => true);
  await next.sent;
  expect(next.read[0]).toBe(HTTP_CHUNK_BYTES);
});
