import { describe, expect, test } from "vitest";
import { SCSI_BUFFER_BYTES_MAX, SCSI_BUFFERS_IDLE_BYTES_MAX } from "../../src/limits.ts";
import { Buffers } from "../../src/scsi/buffers.ts";

describe("buffers of READ", () => {
  test("hold what was asked for, in powers of two from 4 KiB; longer ones exactly", () => {
    const buffers = new Buffers();
    for (const [asked, given] of [
      [512, 4096],
      [4096, 4096],
      [4608, 8192],
      [131_072, 131_072],
      [131_584, 262_144],
      [262_144, 262_144],
      [262_656, 262_656],
      [4 << 20, 4 << 20],
    ] as const) {
      expect(buffers.take(asked).bytes.length).toBe(given);
    }
  });

  test("are used again by their size, never by two at once", () => {
    const buffers = new Buffers();
    const one = buffers.take(4096);
    const two = buffers.take(4096);
    expect(one.bytes).not.toBe(two.bytes);
    one.release();
    expect(buffers.take(8192).bytes).not.toBe(one.bytes);
    expect(buffers.take(512).bytes).toBe(one.bytes);
    expect(() => {
      two.release();
      two.release();
    }).toThrow("twice");
  });

  test("that wait take only so much", () => {
    const buffers = new Buffers();
    const many = Array.from({ length: 100 }, () => buffers.take(SCSI_BUFFER_BYTES_MAX));
    for (const { release } of many) release();
    expect(buffers.idleBytes).toBe(SCSI_BUFFERS_IDLE_BYTES_MAX);
    buffers.take(1 << 20).release();
    expect(buffers.idleBytes).toBe(SCSI_BUFFERS_IDLE_BYTES_MAX);
    for (const _ of many) buffers.take(SCSI_BUFFER_BYTES_MAX);
    expect(buffers.idleBytes).toBe(0);
  });
});
