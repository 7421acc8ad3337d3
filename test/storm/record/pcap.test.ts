import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCapture } from "../../../src/storm/record/pcap.ts";
import { UserError } from "../../../src/user-error.ts";
import { bootCapture, framesOf, pcapngOf, pcapOf } from "./made-capture.ts";

/** draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. */

/** Compared faster than so many numbers. */
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

const file = bootCapture("k-fast");
const frames = framesOf(file);
const first = frames[0]?.at ?? 0;
const expected = frames.map(({ at, bytes, length }) => ({
  at: at - first,
  link: 1,
  bytes: textOf(bytes),
  length,
}));

function read(capture: Uint8Array) {
  const { beganAt, frames: found, cutAt } = readCapture(capture);
  return {
    beganAt,
    cutAt,
    frames: found.map((frame) => ({ ...frame, bytes: textOf(frame.bytes) })),
  };
}

describe("captures", () => {
  test.each([
    ["classic, as tcpdump wrote it", file],
    ["classic, of the other byte order", pcapOf(frames, { little: false })],
    ["classic, nanoseconds", pcapOf(frames, { nanoseconds: true })],
    ["pcapng", pcapngOf(frames)],
    ["pcapng, of the other byte order", pcapngOf(frames, { little: false })],
    ["pcapng, nanoseconds", pcapngOf(frames, { resolution: 9 })],
    ["pcapng, two sections of different byte orders", twoSections()],
  ])("%s", (_form, capture) => {
    expect(read(capture)).toEqual({ beganAt: first, cutAt: undefined, frames: expected });
  });

  test("a capture that was cut off has what is whole, and says where it was cut", () => {
    const cut = file.subarray(0, file.length - 3);
    const { frames: found, cutAt } = readCapture(cut);
    expect(found.length).toBe(frames.length - 1);
    expect(cutAt).toBe(file.length - 16 - (frames.at(-1)?.bytes.length ?? 0));
  });

  test("what is no capture, and links that carry no IP, are named in one line", () => {
    expect(() => readCapture(Buffer.from("root:x:0:0:root:/root:/bin/sh\n"))).toThrow(
      "not a capture: expected a file of tcpdump's or Wireshark's, pcap or pcapng (gzip'd, too; unpack what was packed otherwise)",
    );
    expect(() => readCapture(new Uint8Array(0))).toThrow(UserError);
    expect(() => readCapture(pcapOf(frames, { link: 127 }))).toThrow("link type 127");
  });

  test("times that no calendar has are refused", () => {
    // if_tsresol 0: the same numbers are whole seconds.
    const file = pcapngOf(frames.slice(0, 2), { resolution: 9 });
    file[file.indexOf(9, 28 + 16) + 4] = 0;
    expect(() => readCapture(file)).toThrow("the capture's times are none: capture it again");
  });

  test("hostile bytes never do more than be refused", () => {
    const small = [pcapOf(frames.slice(0, 4)), pcapngOf(frames.slice(0, 4))];
    const mutated = fc.record({
      which: fc.constantFrom(...small),
      at: fc.nat(400),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
      end: fc.nat(2000),
    });
    fc.assert(
      fc.property(mutated, ({ which, at, bytes, end }) => {
        const damaged = Uint8Array.from(which.subarray(0, Math.max(at + 8, end)));
        damaged.set(bytes.subarray(0, Math.max(0, damaged.length - at)), at % damaged.length);
        try {
          readCapture(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
    );
  });
});

function twoSections(): Uint8Array {
  const half = frames.length >> 1;
  return Buffer.concat([
    pcapngOf(frames.slice(0, half)),
    pcapngOf(frames.slice(half), { little: false }),
  ]);
}
