import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TFTP_READ_BYTES } from "../../src/limits.ts";
import { type Content, netascii, octet } from "../../src/tftp/content.ts";
import { fileOf, pattern, slowFileOf } from "./files.ts";

/** All blocks, each into a buffer that shows what was not written. */
async function blocks(content: Content, blockBytes: number): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for (;;) {
    const block = new Uint8Array(blockBytes).fill(0xa5);
    const bytes = await content.next(block);
    all.push(block.subarray(0, bytes));
    if (bytes < blockBytes) return all;
  }
}

async function joined(content: Content, blockBytes: number): Promise<Buffer> {
  return Buffer.concat(await blocks(content, blockBytes));
}

describe("a file in blocks", () => {
  test.each([0, 1, 511, 512, 513, 1024, TFTP_READ_BYTES, 2 * TFTP_READ_BYTES, 100_001])(
    "octet: %i bytes arrive whole, at once or from a slow disk, and end with a short block",
    async (size) => {
      const bytes = pattern(size);
      for (const file of [fileOf(bytes), slowFileOf(bytes)]) {
        const all = await blocks(octet(file), 512);
        expect(Buffer.concat(all).equals(bytes)).toBe(true);
        expect(all.length).toBe(Math.floor(size / 512) + 1);
      }
    },
  );

  test("RFC 1350 §1: netascii ends lines with CR LF and sends a bare CR as CR NUL", async () => {
    const file = fileOf(Buffer.from("one\ntwo\rthree\r\n\n", "latin1"));
    const sent = "one\r\ntwo\r\0three\r\0\r\n\r\n";
    expect((await joined(netascii(file), 512)).toString("latin1")).toBe(sent);
  });

  test("netascii is the same at every block size, wherever a pair is cut", async () => {
    const text = fc.array(fc.constantFrom("\n", "\r", "a", "\0"), { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 8, max: 40 }), async (characters, blockBytes) => {
        const source = characters.join("");
        const expected = source.replaceAll(/[\r\n]/g, (end) => (end === "\n" ? "\r\n" : "\r\0"));
        for (const file of [fileOf(Buffer.from(source)), slowFileOf(Buffer.from(source))]) {
          expect((await joined(netascii(file), blockBytes)).toString("latin1")).toBe(expected);
        }
      }),
    );
  });

  test("netascii goes on across chunks of reading", async () => {
    const source = "\n".repeat(TFTP_READ_BYTES + 7);
    const sent = await joined(netascii(slowFileOf(Buffer.from(source))), 512);
    expect(sent.equals(Buffer.from("\r\n".repeat(TFTP_READ_BYTES + 7)))).toBe(true);
  });

  test("a file that shrank fails, rather than end early", async () => {
    const file = { ...fileOf(pattern(600)), size: 1000 };
    const slow = { ...slowFileOf(pattern(600)), size: 1000 };
    expect(() => octet(file)).toThrow("shrank");
    await expect(blocks(octet(slow), 512)).rejects.toThrow("shrank");
  });

  test("the next chunk is read ahead, and no more than that", () => {
    const offsets: number[] = [];
    const file = fileOf(pattern(10 * TFTP_READ_BYTES));
    const content = octet({
      ...file,
      read: (offset, into) => {
        offsets.push(offset);
        return file.read(offset, into);
      },
    });
    expect(content.next(new Uint8Array(512))).toBe(512);
    expect(offsets).toEqual([0, TFTP_READ_BYTES]);
  });
});
