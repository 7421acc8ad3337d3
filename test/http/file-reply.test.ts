import { describe, expect, test } from "vitest";
import { replyTo } from "../../src/http/file-reply.ts";

const file = { size: 1000, version: "v 1", read: () => 0 };

function reply(headers: Record<string, string> = {}, method = "GET", of = file) {
  return replyTo({ method, header: (name) => headers[name] }, of);
}

const common = {
  "Accept-Ranges": "bytes",
  "Content-Type": "application/octet-stream",
  ETag: '"v%201"',
};

describe("RFC 9110: how a file is answered", () => {
  test("GET: 200 and all of it, with the header names spelled as GRUB wants them", () => {
    expect(reply()).toEqual({
      status: 200,
      headers: { ...common, "Content-Length": 1000 },
      body: { first: 0, last: 999 },
    });
  });

  test("§9.3.2: HEAD has the same head, and ranges mean nothing to it", () => {
    const head = { ...reply(), body: undefined };
    expect(reply({}, "HEAD")).toEqual(head);
    expect(reply({ range: "bytes=0-9" }, "HEAD")).toEqual(head);
  });

  test("§15.3.7: a range: 206", () => {
    expect(reply({ range: "bytes=10-19" })).toEqual({
      status: 206,
      headers: { ...common, "Content-Range": "bytes 10-19/1000", "Content-Length": 10 },
      body: { first: 10, last: 19 },
    });
  });

  test("§15.5.17: a range beyond the end: 416 with the size", () => {
    expect(reply({ range: "bytes=1000-" })).toEqual({
      status: 416,
      headers: { ...common, "Content-Range": "bytes */1000", "Content-Length": 0 },
      body: undefined,
    });
  });

  test("§14.2: several ranges at once: the whole", () => {
    expect(reply({ range: "bytes=0-1,5-6" }).status).toBe(200);
  });

  test("an empty file has a length of 0 and no body", () => {
    const empty = reply({}, "GET", { ...file, size: 0 });
    expect(empty).toEqual({
      status: 200,
      headers: { ...common, "Content-Length": 0 },
      body: undefined,
    });
  });

  test.each(['"v%201"', 'W/"v%201"', '"old", "v%201"', "*"])(
    "§13.1.2: If-None-Match: %s: 304, before any range",
    (tags) => {
      const headers = { "if-none-match": tags, range: "bytes=0-9" };
      const unchanged = { status: 304, headers: { ETag: '"v%201"' }, body: undefined };
      expect(reply(headers)).toEqual(unchanged);
      expect(reply(headers, "HEAD")).toEqual(unchanged);
    },
  );

  test.each(['"old"', "v%201", ""])("If-None-Match: %s: sent", (tags) => {
    expect(reply({ "if-none-match": tags }).status).toBe(200);
  });

  test.each([
    ['"v%201"', 206],
    ['"old"', 200],
    ['W/"v%201"', 200],
    ["Sat, 21 Nov 2026 00:04:15 GMT", 200],
  ])("§13.1.5: a range If-Range: %s: %i", (condition, status) => {
    expect(reply({ range: "bytes=5-", "if-range": condition }).status).toBe(status);
  });
});
