import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplyReader } from "../../../src/storm/http/reader.ts";
import { replyHeadOf } from "../../../src/storm/http/reply.ts";

interface Read {
  readonly statuses: number[];
  content: string;
  readonly ends: boolean[];
  readonly failures: string[];
  closed?: boolean;
}

function read(pieces: readonly Uint8Array[], isToHead = false, isClosed = false): Read {
  const made: Read = { statuses: [], content: "", ends: [], failures: [] };
  const reader = new ReplyReader(
    {
      head: ({ status }) => made.statuses.push(status),
      content: (bytes) => {
        made.content += Buffer.from(bytes).toString("latin1");
      },
      ended: (isKept) => made.ends.push(isKept),
      failed: (why) => made.failures.push(why),
    },
    isToHead,
  );
  for (const piece of pieces) reader.push(piece);
  if (isClosed) made.closed = reader.close();
  return made;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

/** Replies as Node's, Python's and nginx' servers write them. */
const sized =
  "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 12\r\nConnection: keep-alive\r\n\r\nhello\r\n\r\nyou";
const chunked =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;name=value\r\nhello\r\n006\r\n\r\n\r\nyo\r\n1\r\nu\r\n0\r\nTrailer: x\r\n\r\n";
const untilClosed = "HTTP/1.0 200 OK\r\nServer: SimpleHTTP/0.6\r\n\r\nhello\r\n\r\nyou";

const text = "hello\r\n\r\nyou";

describe("a reply's end (RFC 9112 §6.3)", () => {
  test("is where Content-Length says", () => {
    expect(read([bytes(sized)])).toEqual({
      statuses: [200],
      content: text,
      ends: [true],
      failures: [],
    });
  });

  test("is the last chunk's, after its trailer (§7.1)", () => {
    expect(read([bytes(chunked)])).toEqual({
      statuses: [200],
      content: text,
      ends: [true],
      failures: [],
    });
  });

  test("is the connection's, where nothing else is said", () => {
    const made = read([bytes(untilClosed)], false, true);
    expect(made).toEqual({
      statuses: [200],
      content: text,
      ends: [false],
      failures: [],
      closed: true,
    });
  });

  test("comes too early where less arrives than was said", () => {
    const made = read([bytes(sized.slice(0, -1))], false, true);
    expect([made.ends, made.closed]).toEqual([[], false]);
  });

  test.each([
    ["a reply to HEAD", true, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"],
    ["204", false, "HTTP/1.1 204 No Content\r\n\r\n"],
    ["Content-Length: 0", false, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"],
  ])("is its head's: %s", (_, isToHead, reply) => {
    expect(read([bytes(reply)], isToHead)).toMatchObject({
      content: "",
      ends: [true],
      failures: [],
    });
  });

  test("an interim reply comes before it (RFC 9110 §15.2)", () => {
    const made = read([bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")]);
    expect(made).toMatchObject({ statuses: [204], ends: [true], failures: [] });
  });
});

describe("bytes", () => {
  test("come in pieces, cut anywhere", () => {
    for (const [reply, isClosed] of [
      [sized, false],
      [chunked, false],
      [untilClosed, true],
    ] as const) {
      const whole = bytes(reply);
      for (let cut = 0; cut <= whole.length; cut += 1) {
        const made = read([whole.subarray(0, cut), whole.subarray(cut)], false, isClosed);
        expect([made.content, made.ends.length, made.failures], `${cut}`).toEqual([text, 1, []]);
      }
      const each = Array.from(whole, (byte) => Uint8Array.of(byte));
      expect(read(each, false, isClosed).content).toBe(text);
    }
  });

  test("that are no HTTP, or too many, are a failure", () => {
    const failure = (reply: string): string | undefined => read([bytes(reply)]).failures[0];
    expect(failure("SSH-2.0-OpenSSH_9.2\r\n\r\n")).toBe("HTTP: no status line");
    expect(failure("HTTP/1.1 200 OK\r\n: x\r\n\r\n")).toBe("HTTP: header field without a name");
    expect(failure("HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n")).toBe(
      "HTTP: length or range is no number",
    );
    expect(failure("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")).toBe(
      "HTTP: Transfer-Encoding",
    );
    expect(failure("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")).toBe(
      "HTTP: a chunk without its size",
    );
    expect(failure("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n")).toBe(
      "HTTP: a chunk longer than it says",
    );
    expect(failure(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`)).toBe(
      "HTTP: a head longer than any",
    );
    expect(failure("HTTP/1.1 204 No Content\r\n\r\nmore")).toBe("HTTP: bytes after the reply");
  });

  test("of any kind never throw, and nothing follows a failure", () => {
    const mutated = fc
      .tuple(fc.constantFrom(sized, chunked, untilClosed), fc.nat(), fc.nat(255), fc.nat(40))
      .map(([reply, at, byte, cut]) => {
        const made = bytes(reply);
        made[at % made.length] = byte;
        return [made.subarray(0, cut), made.subarray(cut)];
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.array(fc.uint8Array())), (pieces) => {
        const { ends, failures } = read(pieces, false, true);
        expect(failures.length).toBeLessThanOrEqual(1);
        expect(ends.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a connection is kept (RFC 9112 §9.3)", () => {
  test.each([
    ["HTTP/1.1 200 OK", true],
    ["HTTP/1.1 200 OK\r\nConnection: close", false],
    ["HTTP/1.0 200 OK", false],
    ["HTTP/1.0 200 OK\r\nConnection: Keep-Alive", true],
  ])("%j: %s", (head, isKept) => {
    expect(replyHeadOf(head)).toMatchObject({ isKept });
  });
});
