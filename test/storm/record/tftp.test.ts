import { describe, expect, test } from "vitest";
import { ipv4 } from "../../../src/bytes/ipv4.ts";
import type { Datagram } from "../../../src/storm/record/packets.ts";
import { tftpFetchesOf } from "../../../src/storm/record/tftp.ts";

/** RFC 1350, 2347 to 2349. Packets are written by hand. */

const node = { address: ipv4(0x0a000002), port: 2070 };
const server = { address: ipv4(0x0a000001), port: 69 };

const text = (...parts: readonly string[]): number[] => [
  ...Buffer.from(parts.map((part) => `${part}\0`).join("")),
];
const rrq = (name: string, ...options: readonly string[]): number[] => [
  0,
  1,
  ...text(name, "octet", ...options),
];
const oack = (...options: readonly string[]): number[] => [0, 6, ...text(...options)];
const data = (block: number, bytes: number): number[] => [
  0,
  3,
  block >> 8,
  block & 255,
  ...new Array<number>(bytes).fill(65),
];
const ack = (block: number): number[] => [0, 4, block >> 8, block & 255];
const error = (code: number): number[] => [0, 5, 0, code, ...text("why")];

type Line = readonly [
  at: number,
  way: "asks" | "sends" | "gets",
  packet: readonly number[],
  port?: number,
  serverPort?: number,
];

function fetchesOf(lines: readonly Line[]) {
  const unfinished: string[] = [];
  const datagrams = lines.map(([at, way, packet, port = 2070, serverPort = 40_000]): Datagram => {
    const own = { ...node, port };
    const transfer = { ...server, port: serverPort };
    const [from, to] = way === "gets" ? [transfer, own] : [own, way === "asks" ? server : transfer];
    const payload = Uint8Array.from(packet);
    return { at, from, to, payload, length: payload.length };
  });
  const isNode = (from: Datagram["from"]): boolean => from.address === node.address;
  const fetched = tftpFetchesOf(datagrams, isNode, (name) => unfinished.push(name));
  return {
    unfinished,
    fetched: fetched.map(({ sentAt, endedAt, deed, text: content }) => ({
      ...deed,
      times: [sentAt, endedAt],
      text: content,
    })),
  };
}

describe("TFTP transfers in a capture", () => {
  test("block for block, with its options; what is sent again changes nothing", () => {
    const { fetched } = fetchesOf([
      [1, "asks", rrq("a", "blksize", "8", "tsize", "0")],
      [2, "asks", rrq("a", "blksize", "8", "tsize", "0")],
      [3, "gets", oack("blksize", "8", "tsize", "11")],
      [4, "sends", ack(0)],
      [5, "gets", data(1, 8)],
      [6, "gets", data(1, 8)],
      [7, "sends", ack(1)],
      [8, "gets", data(2, 3)],
      [9, "sends", ack(2)],
      [99, "gets", data(2, 3)],
    ]);
    expect(fetched).toEqual([
      {
        kind: "tftp",
        path: "a",
        options: [
          ["blksize", "8"],
          ["tsize", "0"],
        ],
        ends: "whole",
        bytes: 11,
        // Up to the last block, without the two µs that the node took from OACK and first block to its ACKs.
        times: [1, 6],
        text: "A".repeat(11),
      },
    ]);
  });

  test("without options, to a multiple of 512, and a last block that nobody acknowledges", () => {
    const { fetched } = fetchesOf([
      [1, "asks", rrq("a")],
      [2, "gets", data(1, 512)],
      [3, "sends", ack(1)],
      [4, "gets", data(2, 0)],
    ]);
    expect(fetched).toMatchObject([{ ends: "whole", bytes: 512, times: [1, 3] }]);
  });

  test("two at once from two ports, and one port used again", () => {
    const { fetched } = fetchesOf([
      [1, "asks", rrq("a"), 1],
      [2, "asks", rrq("b"), 2],
      [3, "gets", data(1, 20), 2],
      [4, "gets", data(1, 10), 1],
      [5, "asks", rrq("c"), 1],
      [6, "gets", data(1, 30), 1],
    ]);
    expect(fetched.map(({ path, bytes }) => `${path} ${bytes}`)).toEqual(["a 10", "b 20", "c 30"]);
  });

  test("missing, and broken off once the size was known", () => {
    const { fetched } = fetchesOf([
      [1, "asks", rrq("a", "tsize", "0"), 1],
      [2, "gets", error(1), 1],
      [3, "asks", rrq("b", "tsize", "0"), 2],
      [4, "gets", oack("tsize", "4096"), 2],
      [9, "sends", error(8), 2],
    ]);
    expect(fetched).toMatchObject([
      { path: "a", ends: "missing", bytes: 0, times: [1, 2] },
      { path: "b", ends: "size", bytes: 4096, times: [3, 4] },
    ]);
  });

  test("block numbers go on after 65,535, by 0", () => {
    const blocks = Array.from(
      { length: 65_537 },
      (_, at): Line => [at, "gets", data((at + 1) & 0xffff, 8)],
    );
    const { fetched } = fetchesOf([
      [0, "asks", rrq("a", "blksize", "8")],
      [0, "gets", oack("blksize", "8")],
      ...blocks,
      [70_000, "gets", data(2, 1)],
    ]);
    expect(fetched).toMatchObject([{ ends: "whole", bytes: 65_537 * 8 + 1 }]);
  });

  /** udp(7): UDP_SEGMENT. Whoever captures on the machine that sends sees what it hands to the network card. */
  test("blocks that left together, joined, are taken apart; the last may be short, or empty", () => {
    const joined = (...blocks: readonly (readonly number[])[]): number[] => blocks.flat();
    const asked: readonly Line[] = [
      [1, "asks", rrq("a", "blksize", "8", "windowsize", "4")],
      [2, "gets", oack("blksize", "8", "windowsize", "4")],
      [2, "sends", ack(0)],
      [3, "gets", joined(data(1, 8), data(2, 8), data(3, 8), data(4, 8))],
      [4, "sends", ack(4)],
    ];
    for (const last of [0, 3]) {
      const { fetched } = fetchesOf([...asked, [5, "gets", joined(data(5, 8), data(6, last))]]);
      const bytes = 40 + last;
      expect(fetched).toMatchObject([{ ends: "whole", bytes, text: "A".repeat(bytes) }]);
    }
    const { fetched, unfinished } = fetchesOf([...asked, [5, "gets", joined(data(5, 8), [0, 3])]]);
    expect([fetched, unfinished]).toEqual([[], ["a"]]);
  });

  test("asked again when the answer was on its way: the server's second transfer is none (RFC 1350 §4)", () => {
    const { fetched, unfinished } = fetchesOf([
      [1, "asks", rrq("a", "blksize", "8")],
      [9, "gets", oack("blksize", "8")],
      [10, "asks", rrq("a", "blksize", "8")],
      [11, "sends", ack(0)],
      [12, "gets", oack("blksize", "8"), 2070, 40_001],
      [13, "sends", error(5), 2070, 40_001],
      [14, "gets", data(1, 8)],
      [15, "sends", ack(1)],
      [16, "gets", data(2, 3)],
      [17, "sends", ack(2)],
    ]);
    expect(fetched).toMatchObject([{ path: "a", ends: "whole", bytes: 11, times: [1, 13] }]);
    expect(unfinished).toEqual([]);
  });

  test("a block size that is none is not agreed to (RFC 2348)", () => {
    for (const size of ["0", "7"]) {
      const { fetched, unfinished } = fetchesOf([
        [1, "asks", rrq("a", "blksize", size)],
        [2, "gets", oack("blksize", size)],
        [3, "gets", data(1, 500)],
        [4, "sends", ack(1)],
      ]);
      expect(fetched).toMatchObject([{ ends: "whole", bytes: 500 }]);
      expect(unfinished).toEqual([]);
    }
  });

  test("one whose end is not there is named; what is no TFTP, or of nobody's transfer, is passed over", () => {
    const { fetched, unfinished } = fetchesOf([
      [1, "gets", data(1, 5), 9],
      [1, "asks", rrq("a")],
      [2, "gets", data(1, 512)],
      [3, "gets", [9, 9]],
      [4, "sends", [0]],
    ]);
    expect(fetched).toEqual([]);
    expect(unfinished).toEqual(["a"]);
  });
});
