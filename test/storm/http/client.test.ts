import { describe, expect, test } from "vitest";
import { HttpClient } from "../../../src/storm/http/client.ts";
import type { HttpRequest } from "../../../src/storm/http/request.ts";
import { address } from "../../dhcp/messages.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { pattern } from "../../tftp/files.ts";
import { firstIsRight, RecordingTally } from "../recording-tally.ts";
import { type Answer, type Network, networkTo, type ServerSide } from "./wires.ts";

const server = { address: address("10.13.0.1"), port: 80 };
const file = pattern(100_000, 9);

interface Made {
  readonly clock: VirtualClock;
  readonly tally: RecordingTally;
  readonly network: Network;
  readonly client: HttpClient;
  readonly ends: { readonly failure: string | undefined; readonly bytes: number | undefined }[];
  fetch(request?: Partial<HttpRequest>): Disposable;
}

function made(answer: Answer | (() => Answer | undefined), isKept = true): Made {
  const clock = new VirtualClock();
  const tally = new RecordingTally();
  const network = networkTo(
    answer.length === 0 ? (answer as () => Answer | undefined) : () => answer as Answer,
    clock,
  );
  const ends: Made["ends"] = [];
  const client = new HttpClient({
    from: { address: undefined },
    clock,
    tally,
    expectations: firstIsRight(),
    patienceMs: 120_000,
    isKept,
    connect: network.connect,
  });
  return {
    clock,
    tally,
    network,
    client,
    ends,
    fetch: (request = {}) =>
      client.fetch({
        method: "GET",
        server,
        path: "/file",
        ends: "whole",
        key: "file",
        done: (failure, fetched) => ends.push({ failure, bytes: fetched?.bytes }),
        ...request,
      }),
  };
}

function whole(side: ServerSide, status = "200 OK", fields = ""): void {
  side.send(`HTTP/1.1 ${status}\r\nContent-Length: ${file.length}\r\nETag: "x"\r\n${fields}\r\n`);
  side.send(file);
}

/** Breaks off after so many bytes of its content; goes on from where it is asked to, if it does that. */
function breaking(at: () => number, ranges: boolean): Answer {
  return (request, side) => {
    const from = ranges ? Number(/\r\nRange: bytes=(\d+)-\r\n/.exec(request)?.[1] ?? 0) : 0;
    const rest = file.subarray(from);
    const status =
      from > 0
        ? `206 Partial Content\r\nContent-Range: bytes ${from}-${file.length - 1}/${file.length}`
        : "200 OK";
    side.send(`HTTP/1.1 ${status}\r\nContent-Length: ${rest.length}\r\nETag: "x"\r\n\r\n`);
    const length = at();
    side.send(rest.subarray(0, length));
    if (length < rest.length) side.end();
  };
}

describe("requests", () => {
  test("as iPXE sends them, one after the other on one connection", () => {
    const { network, clock, fetch, ends, tally } = made((_, side) => whole(side));
    fetch();
    clock.advance(100);
    fetch({ path: "/other", server: { ...server } });
    clock.advance(100);
    expect(network.connections).toBe(1);
    expect(network.requests[0]).toBe(
      "GET /file HTTP/1.1\r\nConnection: keep-alive\r\nUser-Agent: sidus storm\r\nHost: 10.13.0.1\r\n\r\n",
    );
    expect(ends).toEqual([
      { failure: undefined, bytes: file.length },
      { failure: undefined, bytes: file.length },
    ]);
    expect(tally).toMatchObject({
      answers: ["http GET", "http GET"],
      complaints: [],
      retransmits: 0,
    });
    expect(tally.verifiedBytes).toBe(2 * file.length);
  });

  test("as GRUB sends them, on a connection each, which it ends", () => {
    const { network, clock, fetch } = made((_, side) => whole(side), false);
    fetch({ server: { ...server, port: 8080 } });
    clock.advance(100);
    fetch();
    clock.advance(100);
    expect([network.connections, network.open]).toEqual([2, 0]);
    expect(network.requests[0]).toBe(
      "GET /file HTTP/1.1\r\nUser-Agent: sidus storm\r\nHost: 10.13.0.1:8080\r\n\r\n",
    );
  });

  test("HEAD where only the size is wanted", () => {
    const { network, clock, fetch, ends, tally } = made((_, side) =>
      side.send("HTTP/1.1 200 OK\r\nContent-Length: 4242\r\n\r\n"),
    );
    fetch({ ends: "size" });
    clock.advance(100);
    expect(network.requests[0]?.slice(0, 16)).toBe("HEAD /file HTTP/");
    expect([ends, tally.answers]).toEqual([[{ failure: undefined, bytes: 4242 }], ["http HEAD"]]);
  });

  test("POST with its text", () => {
    const { network, clock, fetch, ends } = made((_, side) =>
      side.send("HTTP/1.1 204 No Content\r\n\r\n"),
    );
    fetch({ method: "POST", path: "/up", body: "kernel 6.1 ü\n", key: undefined });
    clock.advance(100);
    expect(network.requests[0]).toMatch(/^POST \/up HTTP\/1.1\r\n/);
    expect(network.requests[0]).toContain("\r\nContent-Length: 14\r\n");
    expect(ends).toEqual([{ failure: undefined, bytes: 0 }]);
  });

  test("a file that is not there is what was expected, or a failure", () => {
    const missing = made((_, side) =>
      side.send("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"),
    );
    missing.fetch({ ends: "missing" });
    missing.clock.advance(100);
    missing.fetch();
    missing.clock.advance(100);
    expect(missing.ends).toEqual([
      { failure: undefined, bytes: 0 },
      { failure: "HTTP 404", bytes: undefined },
    ]);
  });

  test("content that differs from the first is said", () => {
    let byte = 1;
    const { clock, fetch, tally } = made((_, side) => {
      side.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
      side.send(Uint8Array.of(byte));
      byte += 1;
    });
    fetch();
    clock.advance(100);
    fetch();
    clock.advance(100);
    expect([tally.verifiedBytes, tally.differences]).toEqual([1, ["http: file"]]);
  });
});

test("bytes behind a reply are complained of", () => {
  for (const isKept of [true, false]) {
    const { clock, fetch, ends, tally } = made(
      (_, side) => side.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcd"),
      isKept,
    );
    fetch();
    clock.advance(100);
    expect(ends).toEqual([{ failure: undefined, bytes: 2 }]);
    expect(tally.complaints).toEqual(["http: HTTP: bytes after the reply"]);
  }
});

describe("a connection that breaks off", () => {
  test("is made anew, and goes on from there (Range, If-Range)", () => {
    const breaks = [40_000, 30_000, file.length];
    const { network, clock, fetch, ends, tally } = made(breaking(() => breaks.shift() ?? 0, true));
    fetch();
    clock.advance(1000);
    expect(ends).toEqual([{ failure: undefined, bytes: file.length }]);
    expect(
      network.requests.slice(1).map((request) => /Range(?:.|\s)*(?=\r\n\r\n)/.exec(request)?.[0]),
    ).toEqual(['Range: bytes=40000-\r\nIf-Range: "x"', 'Range: bytes=70000-\r\nIf-Range: "x"']);
    expect([tally.retransmits, tally.differences]).toEqual([2, []]);
  });

  test("starts again where the server knows no ranges", () => {
    const breaks = [40_000, file.length];
    const { clock, fetch, ends, tally } = made(breaking(() => breaks.shift() ?? 0, false));
    fetch();
    clock.advance(1000);
    expect(ends).toEqual([{ failure: undefined, bytes: file.length }]);
    expect(tally.verifiedBytes).toBe(file.length);
  });

  test("another part than was asked for is a failure", () => {
    const { clock, fetch, ends } = made((request, side) => {
      if (request.includes("Range")) {
        side.send(
          "HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\nContent-Range: bytes 5-5/9\r\n\r\nx",
        );
      } else breaking(() => 10, false)(request, side);
    });
    fetch();
    clock.advance(1000);
    expect(ends).toEqual([{ failure: "HTTP: another range than was asked for", bytes: undefined }]);
  });

  test("while it was idle costs nothing", () => {
    const { network, clock, fetch, ends, tally } = made((_, side) => {
      whole(side);
      if (side.index === 0) side.end();
    });
    fetch();
    clock.advance(100);
    fetch();
    clock.advance(100);
    expect([network.connections, ends.length, tally.retransmits]).toEqual([2, 2, 0]);
  });

  test("always at one place, it is given up when the node's patience ends", () => {
    for (const at of [0, 40_000]) {
      const { clock, fetch, ends, network } = made(breaking(() => at, false));
      fetch();
      clock.advance(130_000);
      expect(ends).toEqual([{ failure: "HTTP: no answer", bytes: undefined }]);
      expect([network.open, clock.next()]).toEqual([0, undefined]);
    }
  });

  test("100 seeds: however often, the file arrives whole", () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const chance = new SeededRandom(seed);
      const ranges = chance.below(2) === 0;
      const at = (): number => (chance.below(4) === 0 ? file.length : chance.below(file.length));
      const { clock, fetch, ends, tally } = made(breaking(at, ranges));
      fetch();
      clock.advance(600_000);
      expect([ends.length, ends[0]?.failure, ends[0]?.bytes], `SEED=${seed}`).toEqual([
        1,
        undefined,
        file.length,
      ]);
      expect(tally.differences).toEqual([]);
    }
  });
});

describe("a server that is not there", () => {
  test("is waited for", () => {
    let isThere = false;
    const answer: Answer = (_, side) => whole(side);
    const { clock, fetch, ends, tally } = made(() => (isThere ? answer : undefined));
    fetch();
    clock.advance(60_000);
    expect(ends).toEqual([]);
    isThere = true;
    clock.advance(6000);
    expect(ends).toEqual([{ failure: undefined, bytes: file.length }]);
    // 100, 200, … 3,200 ms, then every 5 s.
    expect(tally.retransmits).toBeLessThan(20);
  });

  test("is given up, when the node's patience ends", () => {
    const { clock, fetch, ends, network } = made(() => undefined);
    fetch();
    clock.advance(119_999);
    expect(ends).toEqual([]);
    clock.advance(10);
    expect(ends).toEqual([{ failure: "HTTP: no answer", bytes: undefined }]);
    expect([network.open, clock.next()]).toEqual([0, undefined]);
  });

  test("says nothing: asked anew after 30 s, and given up after 120", () => {
    const { clock, fetch, ends, network } = made((_request, _side) => {});
    fetch();
    clock.advance(35_000);
    expect(network.connections).toBe(2);
    clock.advance(90_000);
    expect(ends).toEqual([{ failure: "HTTP: no answer", bytes: undefined }]);
    expect(network.open).toBe(0);
  });

  test("that has no time now (503) is asked again", () => {
    const { clock, fetch, ends, tally } = made((_, side) => {
      if (side.index > 1) whole(side);
      else side.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nbusy\n");
    });
    fetch();
    clock.advance(1000);
    expect(ends).toEqual([{ failure: undefined, bytes: file.length }]);
    expect(tally.complaints).toEqual(["http: 503", "http: 503"]);
  });
});

test("disposed of, it is silent", () => {
  const { clock, fetch, ends, network, client } = made((_, side) => whole(side));
  fetch();
  clock.advance(1);
  client[Symbol.dispose]();
  clock.advance(200_000);
  expect([ends, network.open, clock.next()]).toEqual([[], 0, undefined]);
});
