import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIpv4, ipv4 } from "../../../src/bytes/ipv4.ts";
import { isMalformed } from "../../../src/bytes/malformed.ts";
import { decodePacket } from "../../../src/dhcp/packet.ts";
import { DhcpClient } from "../../../src/storm/dhcp/client.ts";
import type { Lease } from "../../../src/storm/dhcp/lease.ts";
import type { DhcpDeed } from "../../../src/storm/trace/trace.ts";
import { address, numberedMac, octets } from "../../dhcp/messages.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { RecordingTally } from "../recording-tally.ts";

const SERVER = address("10.13.0.1");

const deed: DhcpDeed = {
  kind: "dhcp",
  client: "kernel",
  flags: 0x8000,
  discover: [{ code: 55, value: "0103" }],
  request: [{ code: 55, value: "0103" }],
  think: 32_000,
};

/** A server's message by hand, to what a client sent. */
function reply(
  to: Uint8Array,
  type: number,
  yiaddr: number,
  more: readonly number[] = [],
): Uint8Array {
  const bytes = Uint8Array.from(to.subarray(0, 240));
  bytes[0] = 2;
  const view = new DataView(bytes.buffer);
  view.setUint32(16, yiaddr);
  view.setUint32(20, SERVER);
  bytes.set(Buffer.from("lpxelinux.0\0"), 108);
  const options = [53, 1, type, 54, 4, ...octets(SERVER), 51, 4, 0, 0, 14, 16, ...more];
  return Uint8Array.from([...bytes, ...options, 255]);
}

interface Room {
  readonly clock: VirtualClock;
  readonly tally: RecordingTally;
  readonly sent: { readonly at: number; readonly type: number; readonly bytes: Uint8Array }[];
  readonly client: DhcpClient;
  failure: string | undefined;
  lease: Lease | undefined;
  ends: number;
  run(think?: number): void;
}

/** `answer`: what arrives for each message, and when. */
function room(
  seed: number,
  answer: (sent: Uint8Array, type: number) => readonly { after: number; bytes: Uint8Array }[],
): Room {
  const clock = new VirtualClock();
  const tally = new RecordingTally();
  const chance = new SeededRandom(seed);
  const sent: Room["sent"] = [];
  const client: DhcpClient = new DhcpClient({
    identity: { index: 7, name: "n7", mac: numberedMac(7), uuid: new Uint8Array(16) },
    send(bytes) {
      const type = bytes[242] ?? 0;
      sent.push({ at: clock.now(), type, bytes });
      for (const { after, bytes: arriving } of answer(bytes, type)) {
        const packet = decodePacket(arriving);
        if (isMalformed(packet)) continue;
        clock.alarm(() => client.receive(packet)).set((clock.now() + after) as never);
      }
    },
    clock,
    random: () => chance.u32() / 2 ** 32,
    relay: address("10.13.1.1"),
    tally,
    patienceMs: 120_000,
  });
  const made: Room = {
    clock,
    tally,
    sent,
    client,
    failure: undefined,
    lease: undefined,
    ends: 0,
    run: (think = 1) =>
      client.run(deed, think, (failure, lease) => {
        made.ends += 1;
        made.failure = failure;
        made.lease = lease;
      }),
  };
  return made;
}

const ADDRESS = ipv4(address("10.13.128.9"));

/** OFFER to DISCOVER, ACK to REQUEST. */
function well(bytes: Uint8Array, type: number): { after: number; bytes: Uint8Array }[] {
  return [{ after: 1, bytes: reply(bytes, type === 1 ? 2 : 5, ADDRESS) }];
}

describe("a lease (RFC 2131 §3.1)", () => {
  test("DISCOVER, OFFER, the node's own time, REQUEST, ACK", () => {
    const made = room(1, well);
    made.run();
    made.clock.advance(1000);
    expect(made.sent.map(({ at, type }) => [at, type])).toEqual([
      [0, 1],
      [33, 3],
    ]);
    expect(made.failure).toBeUndefined();
    expect(made.lease).toMatchObject({
      address: ADDRESS,
      server: SERVER,
      nextServer: SERVER,
      bootFile: "lpxelinux.0",
      seconds: 3600,
    });
    expect(made.tally.answers).toEqual(["dhcp DISCOVER", "dhcp REQUEST"]);
  });

  test("with no time of its own it asks at once", () => {
    const made = room(1, well);
    made.run(0);
    made.clock.advance(10);
    expect(made.sent.map(({ at }) => at)).toEqual([0, 1]);
  });

  test("where the header names nothing, options 66 and 67 do", () => {
    const bootFile = Buffer.from("pxe/boot.efi");
    const more = [66, 9, ...Buffer.from("10.13.0.9"), 67, bootFile.length, ...bootFile];
    const made = room(1, (bytes, type) => {
      const bare = reply(bytes, type === 1 ? 2 : 5, ADDRESS, more)
        .fill(0, 20, 24)
        .fill(0, 108, 236);
      return [{ after: 1, bytes: bare }];
    });
    made.run();
    made.clock.advance(1000);
    expect(formatIpv4(made.lease?.nextServer ?? ipv4(0))).toBe("10.13.0.9");
    expect(made.lease?.bootFile).toBe("pxe/boot.efi");
  });

  test("unanswered, it asks again after 4, 8, 16, 32 and 64 s, each a second more or less (§4.1), then gives up", () => {
    const made = room(3, () => []);
    made.run();
    made.clock.advance(119_999);
    const waits = made.sent.slice(1).map(({ at }, index) => at - (made.sent[index]?.at ?? 0));
    expect(waits.map((wait, index) => Math.abs(wait - 4000 * 2 ** index) <= 1000)).toEqual(
      waits.map(() => true),
    );
    expect([waits.length, made.tally.retransmits, made.ends]).toEqual([4, 4, 0]);
    made.clock.advance(1);
    expect([made.ends, made.failure]).toEqual([1, "DHCP: no answer"]);
    expect(made.clock.next()).toBeUndefined();
  });

  test("a REQUEST that is not answered is repeated with the seconds of its DISCOVER, then it begins anew", () => {
    let dead = true;
    const made = room(4, (bytes, type) => (type === 3 && dead ? [] : well(bytes, type)));
    made.run(0);
    made.clock.advance(61_000);
    const types = made.sent.map(({ type }) => type);
    expect(types.slice(0, 6)).toEqual([1, 3, 3, 3, 3, 1]);
    expect(
      made.sent.slice(1, 5).map(({ bytes }) => (bytes[8] ?? 0) * 256 + (bytes[9] ?? 0)),
    ).toEqual([0, 0, 0, 0]);
    dead = false;
    made.clock.advance(60_000);
    expect(made.lease?.address).toBe(ADDRESS);
  });

  test("refused by NAK it begins anew, but not for ever", () => {
    let naks = 0;
    const once = room(5, (bytes, type) => {
      if (type !== 3 || naks > 0) return well(bytes, type);
      naks += 1;
      return [{ after: 1, bytes: reply(bytes, 6, 0) }];
    });
    once.run(0);
    once.clock.advance(1000);
    expect(once.lease?.address).toBe(ADDRESS);
    expect(once.tally.complaints).toEqual(["dhcp: NAK"]);

    const always = room(5, (bytes, type) =>
      type === 1 ? well(bytes, type) : [{ after: 1, bytes: reply(bytes, 6, 0) }],
    );
    always.run(0);
    always.clock.advance(10_000);
    expect([always.ends, always.failure]).toEqual([1, "DHCP: refused again and again (NAK)"]);
    expect(always.sent.length).toBe(10);
  });

  test("a server that offers and never gives is not asked for ever", () => {
    const made = room(5, (bytes, type) => (type === 1 ? well(bytes, type) : []));
    made.run(0);
    made.clock.advance(600_000);
    expect([made.ends, made.failure]).toEqual([1, "DHCP: offers, and no answer to a REQUEST"]);
    expect(made.clock.next()).toBe(undefined);
  });

  test("others' answers, and those that come twice, change nothing", () => {
    const made = room(6, (bytes, type) => {
      const others = Uint8Array.from(well(bytes, type)[0]?.bytes ?? []);
      others[4] = (others[4] ?? 0) ^ 1;
      const [right] = well(bytes, type);
      return [{ after: 0.5, bytes: others }, ...(right === undefined ? [] : [right, right])];
    });
    made.run(0);
    made.clock.advance(1000);
    expect([made.ends, made.sent.length]).toEqual([1, 2]);
  });
});

describe("a network that loses, repeats and reorders", () => {
  test("200 seeds: with a tenth lost each way every node has its lease, once", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const chance = new SeededRandom(seed * 7);
      const made = room(seed, (bytes, type) => {
        if (chance.chance(0.1)) return [];
        const copies = chance.chance(0.1) ? 2 : 1;
        return Array.from({ length: copies }, () => ({
          after: 1 + chance.below(5000),
          bytes: reply(bytes, type === 1 ? 2 : 5, ADDRESS),
        })).filter(() => !chance.chance(0.1));
      });
      made.run();
      made.clock.advance(600_000);
      expect([made.ends, made.failure, made.lease?.address], `SEED=${seed}`).toEqual([
        1,
        undefined,
        ADDRESS,
      ]);
    }
  });

  test("nothing that a server can say stops it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 12 }),
        fc.integer({ min: 1 }),
        (tails, seed) => {
          let at = 0;
          const made = room(seed, (bytes) => {
            const tail = tails[at % Math.max(1, tails.length)] ?? new Uint8Array();
            at += 1;
            const head = Uint8Array.from(bytes.subarray(0, 240));
            head[0] = 2;
            return [{ after: 1, bytes: Uint8Array.from([...head, ...tail, 255]) }];
          });
          made.run();
          made.clock.advance(3_600_000);
          expect(made.ends).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 200 },
    );
  });
});
