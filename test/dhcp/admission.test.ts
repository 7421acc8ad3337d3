import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { Admission } from "../../src/dhcp/admission.ts";
import { DISCOVERS_A_TURN, DISCOVERS_WAITING_MAX } from "../../src/limits.ts";

const client = { address: ipv4(0), port: 68 };
const DISCOVER = 1;
const REQUEST = 3;

/** RFC 2131 §2: 236 bytes, the cookie, then option 53; `xid` tells one from the other. */
function message(type: number, xid: number): Uint8Array {
  const bytes = new Uint8Array(300);
  bytes[0] = 1;
  new DataView(bytes.buffer).setUint32(4, xid);
  bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, type, 255], 236);
  return bytes;
}

function admission() {
  const handled: number[] = [];
  const turns: (() => void)[] = [];
  let refused = 0;
  const it = new Admission({
    handle: (bytes) => void handled.push(new DataView(bytes.buffer).getUint32(4)),
    refused: () => {
      refused += 1;
    },
    soon: (work) => void turns.push(work),
  });
  return {
    it,
    handled,
    refused: () => refused,
    turn: () => turns.shift()?.(),
    waits: () => turns.length > 0,
  };
}

describe("what is answered first", () => {
  test("a REQUEST at once, DISCOVERs in their turn, in the order in which they came", () => {
    const { it, handled, turn, waits } = admission();
    for (const xid of [1, 2]) it.receive(message(DISCOVER, xid), client);
    it.receive(message(REQUEST, 3), client);
    expect(handled).toEqual([3]);
    turn();
    expect(handled).toEqual([3, 1, 2]);
    expect(waits()).toBe(false);
  });

  test("REQUESTs that come between two turns go before the rest", () => {
    const { it, handled, turn, waits } = admission();
    for (let xid = 0; xid < DISCOVERS_A_TURN + 1; xid += 1)
      it.receive(message(DISCOVER, xid), client);
    turn();
    it.receive(message(REQUEST, 1000), client);
    expect(handled.at(-1)).toBe(1000);
    it.receive(message(DISCOVER, 1001), client);
    turn();
    expect(handled.slice(-2)).toEqual([DISCOVERS_A_TURN, 1001]);
    expect(waits()).toBe(false);
  });

  test("a DISCOVER that comes during the last turn has one of its own", () => {
    const seen: number[] = [];
    const turns: (() => void)[] = [];
    const it: Admission = new Admission({
      handle(bytes) {
        seen.push(bytes[7] ?? 0);
        if (seen.length === 1) it.receive(message(DISCOVER, 2), client);
      },
      refused() {},
      soon: (work) => void turns.push(work),
    });
    it.receive(message(DISCOVER, 1), client);
    while (turns.length > 0) turns.shift()?.();
    expect(seen).toEqual([1, 2]);
  });

  test("a flood waits no longer than the queue, and what came is copied", () => {
    const { it, handled, refused, turn, waits } = admission();
    const bytes = message(DISCOVER, 7);
    for (let count = 0; count < DISCOVERS_WAITING_MAX + 5; count += 1) it.receive(bytes, client);
    expect(refused()).toBe(5);
    bytes.fill(0);
    while (waits()) turn();
    expect(handled).toEqual(Array.from({ length: DISCOVERS_WAITING_MAX }, () => 7));
  });

  test("what is too short to say what it is goes on, to be refused", () => {
    const short: number[] = [];
    const handle = (bytes: Uint8Array): void => void short.push(bytes.length);
    new Admission({ handle, refused() {}, soon() {} }).receive(new Uint8Array(10), client);
    expect(short).toEqual([10]);
  });
});
