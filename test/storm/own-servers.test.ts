import { crc32 } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import type { BootFile, BootFiles } from "../../src/boot/files.ts";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { serveHttp } from "../../src/http/server.ts";
import { systemClock } from "../../src/net/clock.ts";
import type { Fetched } from "../../src/storm/content.ts";
import { HttpClient } from "../../src/storm/http/client.ts";
import { tftpFetch } from "../../src/storm/tftp/fetch.ts";
import { serveTftp } from "../../src/tftp/server.ts";
import { fileOf, pattern } from "../tftp/files.ts";
import { firstIsRight, RecordingTally } from "./recording-tally.ts";

/** Simulated nodes' clients against our own servers, by real sockets. */

const bytes = pattern(2_000_000);
const files: BootFiles = async (path) => (path.endsWith("big") ? fileOf(bytes) : "missing");
const report = (what: string, error: unknown) => expect.fail(`${what}: ${error}`);

function common() {
  const tally = new RecordingTally();
  const expectations = firstIsRight();
  expectations.checkCrc("big", 0, bytes.length, crc32(bytes));
  const from = { address: undefined };
  return { tally, expectations, clock: systemClock, patienceMs: 20_000, from };
}

function http(port: number, given: BootFiles, up: string[] = []) {
  return serveHttp({
    local: { address: LOOPBACK_ADDRESS, port },
    files: given,
    up: (_, body) => up.push(body),
    status: () => ({}),
    explain: () => ({ isHeard: false, shown: {} }),
    tell: () => {},
    report,
  });
}

function result(start: (done: (failure: string | undefined, got?: Fetched) => void) => void) {
  return new Promise<readonly [string | undefined, number | undefined]>((resolve) => {
    start((failure, got) => resolve([failure, got?.bytes]));
  });
}

describe("TFTP", () => {
  test.each([
    [
      "in lock-step",
      [
        ["tsize", "0"],
        ["blksize", "1408"],
      ],
    ],
    [
      "in windows",
      [
        ["blksize", "1468"],
        ["windowsize", "4"],
      ],
    ],
    ["without options", []],
  ] as const)("%s", async (_, options) => {
    const server = await serveTftp({
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      files,
      clock: systemClock,
      tell: () => {},
      report,
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const given = common();
    const fetch = (path: string, ends: "whole" | "missing") =>
      result((done) =>
        tftpFetch({
          ...given,
          server: server.local,
          deed: { path, options, ends },
          key: path,
          done,
        }),
      );
    expect(await fetch("big", "whole")).toEqual([undefined, bytes.length]);
    expect(await fetch("none", "missing")).toEqual([undefined, 0]);
    expect(await fetch("none", "whole")).toEqual(["TFTP: file not found", undefined]);
    expect(given.tally).toMatchObject({ verifiedBytes: bytes.length, differences: [] });
  });
});

describe("HTTP", () => {
  test("files, their size, what is missing, and POST /up, on one connection", async () => {
    const ups: string[] = [];
    const server = await http(0, files, ups);
    onTestFinished(() => server[Symbol.asyncDispose]());
    const given = common();
    using client = new HttpClient({ ...given, isKept: true });
    const request = { method: "GET", server: server.local, key: "big" } as const;
    const fetch = (path: string, ends: "whole" | "missing" | "size") =>
      result((done) => client.fetch({ ...request, path, ends, done }));
    expect(await fetch("/big", "whole")).toEqual([undefined, bytes.length]);
    expect(await fetch("/big", "size")).toEqual([undefined, bytes.length]);
    expect(await fetch("/none", "missing")).toEqual([undefined, 0]);
    const up = await result((done) =>
      client.fetch({
        ...request,
        method: "POST",
        path: "/up",
        body: "up",
        ends: "whole",
        key: undefined,
        done,
      }),
    );
    expect([up, ups]).toEqual([[undefined, 0], ["up"]]);
    expect(given.tally).toMatchObject({ complaints: [], differences: [], retransmits: 0 });
  });

  test("a server that is ended in the middle and started again: the rest is asked for, by its range", async () => {
    const middle = Promise.withResolvers<void>();
    const offsets: number[] = [];
    const slow: BootFile = {
      size: bytes.length,
      version: "v1",
      read(offset, into) {
        offsets.push(offset);
        if (offset > 1_000_000) middle.resolve();
        const part = bytes.subarray(offset, offset + into.length);
        into.set(part);
        return part.length;
      },
    };
    const first = await http(0, async () => slow);
    const given = common();
    using client = new HttpClient({ ...given, isKept: true });
    const fetched = result((done) =>
      client.fetch({
        method: "GET",
        server: first.local,
        path: "/big",
        ends: "whole",
        key: "big",
        done,
      }),
    );
    await middle.promise;
    await first[Symbol.asyncDispose]();
    const second = await http(first.local.port, async () => slow);
    onTestFinished(() => second[Symbol.asyncDispose]());
    expect(await fetched).toEqual([undefined, bytes.length]);
    expect(given.tally).toMatchObject({ verifiedBytes: bytes.length, differences: [] });
    // From the beginning once only.
    expect(offsets.filter((offset) => offset === 0).length).toBe(1);
  });
});
