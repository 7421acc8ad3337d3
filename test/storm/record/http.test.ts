import { describe, expect, test } from "vitest";
import { httpTalkOf, isHttp } from "../../../src/storm/record/http.ts";
import type { Bytes, Stream } from "../../../src/storm/record/streams.ts";

/** RFC 9112, RFC 9110. Each byte comes at the µs of its offset, answers 1,000 µs later. */

function streamOf(sent: string, received: string, closedAt?: number): Stream {
  const bytes = (text: string, from: number): Bytes => ({
    bytes: new Uint8Array(Buffer.from(text, "latin1")),
    gaps: [],
    timeAt: (offset) => from + offset,
  });
  const end = { address: 0, port: 0 } as Stream["client"];
  return {
    client: end,
    server: end,
    openedAt: 0,
    closedAt,
    sent: bytes(sent, 0),
    received: bytes(received, 1000),
    ownTime: () => 0,
  };
}

function talk(sent: string, received: string, closedAt?: number) {
  const unfinished: string[] = [];
  const { fetched, ups } = httpTalkOf(streamOf(sent, received, closedAt), (path) =>
    unfinished.push(path),
  );
  return {
    unfinished,
    ups: ups.length,
    fetched: fetched.map(({ deed, text }) => ({ ...deed, text })),
    times: fetched.map(({ sentAt, endedAt }) => [sentAt, endedAt]),
  };
}

const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const ok = (body: string, more = ""): string =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;

describe("HTTP over a recorded connection", () => {
  test("one request after the other on one connection, also before the answer to the first came", () => {
    const { fetched, times } = talk(
      get("/a") + get("http://10.0.0.1:80/b?c"),
      ok("first") + ok("2nd"),
    );
    expect(fetched).toEqual([
      { kind: "http", path: "/a", options: [], ends: "whole", bytes: 5, text: "first" },
      { kind: "http", path: "/b?c", options: [], ends: "whole", bytes: 3, text: "2nd" },
    ]);
    expect(times[0]).toEqual([0, 1000 + ok("first").length - 1]);
    expect(times[1]?.[0]).toBe(get("/a").length);
  });

  test("what is not there; what is asked for with HEAD; a part", () => {
    const missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n";
    const part = "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\nrt";
    const asked = get("/a") + get("/b").replace("GET", "HEAD") + get("/c", "Range: bytes=2-3\r\n");
    expect(talk(asked, missing + head + part).fetched).toMatchObject([
      { path: "/a", ends: "missing", bytes: 0 },
      { path: "/b", ends: "size", bytes: 1234 },
      { path: "/c", ends: "whole", bytes: 2, options: [["Range", "bytes=2-3"]] },
    ]);
  });

  test("chunks, and an answer that ends with the connection", () => {
    const chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nfirst\r\n2\r\nab\r\n0\r\nT: 1\r\n\r\n";
    const rest = "HTTP/1.0 200 OK\r\n\r\nto the end";
    expect(talk(get("/a") + get("/b"), chunked + rest, 5000).fetched).toMatchObject([
      { path: "/a", ends: "whole", bytes: 7 },
      { path: "/b", ends: "whole", bytes: 10, text: "to the end" },
    ]);
  });

  test("a download that is broken off is told from one whose end the capture has not", () => {
    const begun = ok("x".repeat(100)).slice(0, -50);
    expect(talk(get("/a"), begun, 5000).fetched).toMatchObject([{ ends: "size", bytes: 100 }]);
    expect(talk(get("/a"), begun)).toMatchObject({ fetched: [], unfinished: ["/a"] });
    expect(talk(get("/a"), "")).toMatchObject({ fetched: [], unfinished: ["/a"] });
  });

  test("the node's word that it is up, with a body and an interim answer", () => {
    const post = "POST /up HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody";
    const answers = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    expect(talk(post + get("/a"), answers + ok("x"))).toMatchObject({
      ups: 1,
      fetched: [{ path: "/a" }],
    });
  });

  test("hostile answers end: interim ones by the ten thousand, chunks of sizes that are none", () => {
    const interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000);
    expect(talk(get("/a"), interim + ok("x")).fetched).toMatchObject([{ path: "/a", bytes: 1 }]);
    for (const size of ["-6", "-1", "", "x", "1e", "fffffffffffffffff"]) {
      const chunks = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\nab\r\n`;
      expect(talk(get("/a"), chunks.repeat(3))).toMatchObject({ fetched: [], unfinished: ["/a"] });
    }
  });

  test("only HTTP is taken for it", () => {
    expect(isHttp(streamOf(get("/a"), ""))).toBe(true);
    expect(isHttp(streamOf("GET /a\r\n", ""))).toBe(false);
    expect(isHttp(streamOf("\x80\0\0\x28", ""))).toBe(false);
    expect(isHttp(streamOf("", ""))).toBe(false);
  });
});
