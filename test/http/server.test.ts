import { execFile } from "node:child_process";
import { describe, expect, onTestFinished, test } from "vitest";
import type { BootFiles } from "../../src/boot/files.ts";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { serveHttp } from "../../src/http/server.ts";
import { HTTP_BODY_BYTES_MAX, HTTP_HEADER_BYTES_MAX, HTTP_PIPELINE_MAX } from "../../src/limits.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { tcpStreams } from "../captures.ts";
import { lackingOf, title } from "../needs.ts";
import { SeededRandom } from "../sim/random.ts";
import { fileOf, pattern, slowFileOf } from "../tftp/files.ts";
import { RawStream } from "./stream.ts";

const kernel = pattern(1_000_003);

/** 64 MiB that lie nowhere. */
const huge = {
  size: 64 << 20,
  version: "v1",
  read: async (_: number, into: Uint8Array) => into.fill(1).length,
};

const files: BootFiles = async (path) => {
  if (path === "/vmlinuz") return slowFileOf(kernel);
  if (path === "/big") return huge;
  if (path === "/empty") return fileOf(new Uint8Array());
  if (path === "/secret") return "denied";
  if (path === "/broken") throw new Error("no disk");
  if (path === "/breaks")
    return { ...slowFileOf(kernel.subarray(0, 500_000)), size: kernel.length };
  return "missing";
};

interface Bench {
  readonly port: number;
  readonly events: BootEvent[];
  readonly reports: string[];
  readonly ups: string[];
  open(): Promise<RawStream>;
  refusals(): string[];
  outcomes(): string[];
}

async function bench(): Promise<Bench> {
  const events: BootEvent[] = [];
  const reports: string[] = [];
  const ups: string[] = [];
  const server = await serveHttp({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    files,
    up: (address, body) => ups.push(`${address} ${body}`),
    status: () => ({ nodes: 3 }),
    explain: (mac) => ({ isHeard: mac.startsWith("5254"), shown: { mac } }),
    tell: (event) => events.push(event),
    report: (what, error) => reports.push(`${what}: ${error}`),
  });
  const { port } = server.local;
  onTestFinished(() => server[Symbol.asyncDispose]());
  return {
    port,
    events,
    reports,
    ups,
    async open() {
      const stream = await RawStream.open(port);
      onTestFinished(() => stream[Symbol.asyncDispose]());
      return stream;
    },
    refusals: () => events.flatMap((event) => (event.kind === "refused" ? [event.reason] : [])),
    outcomes: () =>
      events.flatMap((e) => (e.kind === "file" ? [`${e.path} ${e.outcome} ${e.bytes}`] : [])),
  };
}

const get = (path: string, headers = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const statusOf = (head: string): string => head.split("\r\n", 1)[0] ?? "";

describe("loaders", () => {
  test.each(["d1-bios-ipxe-http", "d2-uefi-ipxe-http"])(
    "iPXE's own request gets the kernel: %s",
    async (capture) => {
      const request = tcpStreams(capture, 80).find(({ to }) => to.port === 80)?.bytes ?? "";
      expect(Buffer.from(request).toString("latin1")).toMatch(/^GET \/vmlinuz HTTP\/1.1\r\n/);
      const { open, outcomes } = await bench();
      const stream = await open();
      stream.send(request);
      const { head, body } = await stream.reply();
      expect(statusOf(head)).toBe("HTTP/1.1 200 OK");
      expect(body.equals(kernel)).toBe(true);
      expect(outcomes()).toEqual(["/vmlinuz started 0", "/vmlinuz done 1000003"]);
      // It keeps the connection, for the initrd.
      stream.send(request);
      expect((await stream.reply()).body.equals(kernel)).toBe(true);
    },
  );

  test("GRUB seeks by an open range, with one line end too many, and wants HTTP/1.1 and Content-Length spelled so", async () => {
    const { open, refusals } = await bench();
    const stream = await open();
    stream.send(
      "GET /vmlinuz HTTP/1.1\r\nHost: 10.77.0.1\r\nUser-Agent: GRUB 2.06\r\nRange: bytes=1000000-\r\n\r\n\r\n",
    );
    const { head, body } = await stream.reply();
    expect(head).toMatch(
      /^HTTP\/1\.1 206 .*\r\nContent-Range: bytes 1000000-1000002\/1000003\r\nContent-Length: 3\r\n/s,
    );
    expect(body.equals(kernel.subarray(1_000_000))).toBe(true);
    stream.send(get("/empty"));
    expect(statusOf((await stream.reply()).head)).toBe("HTTP/1.1 200 OK");
    expect(refusals()).toEqual([]);
  });

  test("UEFI HTTP boot asks by HEAD for the size first", async () => {
    const { open, outcomes } = await bench();
    const stream = await open();
    stream.send("HEAD /vmlinuz HTTP/1.1\r\nHost: x\r\n\r\n");
    const head = (await stream.until((bytes) => bytes.includes("\r\n\r\n"))).toString("latin1");
    expect(head).toContain("\r\nContent-Length: 1000003\r\n");
    expect(head.endsWith("\r\n\r\n")).toBe(true);
    expect(outcomes()).toEqual([]);
  });

  test("HTTP/1.0: one request, then the end", async () => {
    const { open } = await bench();
    const stream = await open();
    stream.send("GET /vmlinuz HTTP/1.0\r\n\r\n");
    const whole = await stream.end();
    expect(whole.subarray(-kernel.length).equals(kernel)).toBe(true);
    expect(whole.toString("latin1", 0, 500)).toContain("\r\nConnection: close\r\n");
  });

  test("requests sent ahead are answered in order; too many at once end the connection", async () => {
    const { open, refusals } = await bench();
    const stream = await open();
    stream.send(get("/vmlinuz", "Range: bytes=0-2\r\n") + get("/nothing") + get("/status.json"));
    expect((await stream.reply()).body.equals(kernel.subarray(0, 3))).toBe(true);
    expect(statusOf((await stream.reply()).head)).toBe("HTTP/1.1 404 Not Found");
    expect((await stream.reply()).body.toString()).toBe('{"nodes":3}\n');
    stream.send(get("/vmlinuz").repeat(HTTP_PIPELINE_MAX + 1));
    await stream.end();
    expect(refusals()).toContain("too many requests");
  });
});

describe("replies without a file", () => {
  test.each([
    [get("/nothing"), "404 Not Found", "not found\n"],
    [get("/secret"), "403 Forbidden", "not for this address\n"],
    [get("/%zz"), "400 Bad Request", "no such path can be\n"],
    [get("/status.json"), "200 OK", '{"nodes":3}\n'],
    [get("/explain.json?mac=52:54:00:77:00:01"), "200 OK", '{"mac":"525400770001"}\n'],
    [get("/explain.json?mac=000000000001"), "404 Not Found", '{"mac":"000000000001"}\n'],
    [get("/explain.json?mac=node1"), "400 Bad Request", "no such path can be\n"],
    [get("/up"), "405 Method Not Allowed", "only POST\n"],
    [
      "PUT /vmlinuz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
      "405 Method Not Allowed",
      "only GET, HEAD\n",
    ],
    [get("/broken"), "500 Internal Server Error", ""],
    [get("/vmlinuz", "Range: bytes=1000003-\r\n"), "416 Range Not Satisfiable", ""],
    ["GET /vmlinuz HTTP/1.1\r\n\r\n", "400 Bad Request", ""],
  ])("%j: %s", async (request, status, text) => {
    const { open } = await bench();
    const stream = await open();
    stream.send(request);
    const { head, body } = await stream.reply();
    expect(statusOf(head)).toBe(`HTTP/1.1 ${status}`);
    expect(body.toString()).toBe(text);
    expect(head).not.toMatch(/^Location:/im);
  });

  test("what is refused is told, by its reason", async () => {
    const { open, events, refusals, outcomes, reports } = await bench();
    for (const request of [
      get("/nothing"),
      get("/secret"),
      get("/%zz"),
      get("/up"),
      get("/broken"),
    ]) {
      const stream = await open();
      stream.send(request);
      await stream.reply();
    }
    expect(outcomes()).toEqual(["/nothing missing 0"]);
    expect(refusals()).toEqual(["denied", "path", "method", "server error"]);
    expect(events).toContainEqual({
      kind: "refused",
      protocol: "http",
      reason: "denied",
      address: LOOPBACK_ADDRESS,
      path: "/secret",
    });
    expect(reports).toEqual(["HTTP GET /broken: Error: no disk"]);
  });

  test("If-None-Match with the tag of the last reply: 304", async () => {
    const { open } = await bench();
    const stream = await open();
    stream.send(get("/empty"));
    const tag = /\r\nETag: (.*)\r\n/.exec((await stream.reply()).head)?.[1];
    stream.send(get("/vmlinuz", `If-None-Match: ${tag}\r\n`));
    expect(statusOf((await stream.reply()).head)).toBe("HTTP/1.1 304 Not Modified");
  });
});

describe("POST /up", () => {
  const post = (body: string, length = body.length): string =>
    `POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n${body}`;

  test("hands on who said what", async () => {
    const { open, ups } = await bench();
    const stream = await open();
    stream.send(post("tree-1"));
    expect(statusOf((await stream.reply()).head)).toBe("HTTP/1.1 204 No Content");
    stream.send(post("x".repeat(HTTP_BODY_BYTES_MAX)));
    await stream.reply();
    expect(ups).toEqual([
      `${LOOPBACK_ADDRESS} tree-1`,
      `${LOOPBACK_ADDRESS} ${"x".repeat(HTTP_BODY_BYTES_MAX)}`,
    ]);
  });

  test.each([
    ["declared", post("x".repeat(HTTP_BODY_BYTES_MAX + 1))],
    [
      "chunked",
      `POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${"400\r\n".concat("x".repeat(1024), "\r\n").repeat(5)}`,
    ],
  ])("takes no more than 4 KiB: 413 (%s)", async (_, request) => {
    const { open, ups, refusals } = await bench();
    const stream = await open();
    stream.send(request);
    expect(statusOf((await stream.reply()).head)).toMatch(/^HTTP\/1.1 413 /);
    await stream.end();
    expect(ups).toEqual([]);
    expect(refusals()).toEqual(["body"]);
  });

  test("a body that never ends whole is not handed on", async () => {
    const { open, ups } = await bench();
    const stream = await open();
    stream.send(post("half", 100));
    stream.destroy();
    await stream.end();
    const next = await open();
    next.send(post("whole"));
    await next.reply();
    expect(ups).toEqual([`${LOOPBACK_ADDRESS} whole`]);
  });
});

describe("hostile or broken", () => {
  test("a client that stops reading is not read for: two chunks, and what the kernel holds", async () => {
    const { open, outcomes } = await bench();
    const before = process.memoryUsage().arrayBuffers;
    const streams = await Promise.all(Array.from({ length: 8 }, open));
    for (const stream of streams) {
      stream.stopReading();
      stream.send(get("/big"));
    }
    await expect.poll(() => outcomes().length).toBe(8);
    const held = (process.memoryUsage().arrayBuffers - before) / 8;
    expect(held).toBeLessThan(1 << 20);
    for (const stream of streams) stream.destroy();
    await expect.poll(() => outcomes().filter((line) => line.includes("aborted")).length).toBe(8);
  });

  test("a file that is cut while it is sent ends the connection, never as if it were whole", async () => {
    const { open, outcomes, reports } = await bench();
    const stream = await open();
    stream.send(get("/breaks"));
    const whole = await stream.end();
    expect(whole.length).toBeLessThan(kernel.length);
    expect(reports).toEqual(["HTTP /breaks: Error: the file shrank while it was sent"]);
    expect(outcomes()[0]).toBe("/breaks started 0");
    expect(outcomes()[1]).toMatch(/^\/breaks aborted \d+$/);
  });

  test.each([
    ["garbage", "garbage\r\n\r\n", "400 Bad Request"],
    ["binary", "\x16\x03\x01\x02\0\x01\0", "400 Bad Request"],
    [
      "two lengths",
      "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "400 Bad Request",
    ],
    [
      "length and chunks",
      "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "400 Bad Request",
    ],
    [
      "long headers",
      get("/vmlinuz", `X: ${"x".repeat(HTTP_HEADER_BYTES_MAX)}\r\n`),
      "431 Request Header Fields Too Large",
    ],
    [
      "a long target",
      get(`/${"x".repeat(HTTP_HEADER_BYTES_MAX)}`),
      "431 Request Header Fields Too Large",
    ],
  ])("%s: answered, counted, ended", async (_, bytes, status) => {
    const { open, refusals, reports } = await bench();
    const stream = await open();
    stream.send(bytes);
    expect(statusOf((await stream.end()).toString("latin1"))).toBe(`HTTP/1.1 ${status}`);
    expect(refusals()).toEqual(["malformed"]);
    expect(reports).toEqual([]);
  });

  test("HTTP/0.9 ends as a request without headers: one reply, and the connection's end", async () => {
    const { open } = await bench();
    const stream = await open();
    stream.send("GET /empty\r\n\r\n");
    expect(statusOf((await stream.end()).toString("latin1"))).toBe("HTTP/1.1 200 OK");
  });

  test("garbage after a request does not get into the reply", async () => {
    const { open, refusals } = await bench();
    const stream = await open();
    stream.send(`${get("/big")}garbage\r\n\r\n`);
    expect((await stream.end()).includes("400 Bad Request")).toBe(false);
    expect(refusals()).toEqual(["malformed"]);
  });

  test("1,000 random and mutated streams: it goes on, and counts", {
    timeout: 60_000,
  }, async () => {
    const { open, refusals, reports } = await bench();
    const random = new SeededRandom(20_261_121);
    const seeds = [
      ...tcpStreams("d1-bios-ipxe-http", 80).flatMap(({ to, bytes }) =>
        to.port === 80 ? [bytes] : [],
      ),
      Buffer.from(get("/vmlinuz", 'Range: bytes=5-9\r\nIf-Range: "v1"\r\n')),
      Buffer.from(
        "POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
      ),
    ];
    const mutated = (): Uint8Array => {
      if (random.chance(0.2)) return random.bytes(random.below(1000));
      const bytes = Uint8Array.from(seeds[random.below(seeds.length)] ?? []);
      for (let flips = random.below(5); flips > 0; flips -= 1) {
        bytes[random.below(bytes.length)] = random.below(256);
      }
      return random.chance(0.5) ? bytes : bytes.subarray(0, random.below(bytes.length));
    };
    const one = async (): Promise<void> => {
      await using stream = await open();
      stream.send(mutated());
      await Promise.race([stream.until((bytes) => bytes.length > 0), pause(20)]);
    };
    for (let sent = 0; sent < 1000; sent += 20) {
      await Promise.all(Array.from({ length: 20 }, one));
    }
    expect(refusals().length).toBeGreaterThan(200);
    expect(reports).toEqual([]);
    const stream = await open();
    stream.send(get("/vmlinuz"));
    expect((await stream.reply()).body.equals(kernel)).toBe(true);
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test("a port that is taken is said in one line", async () => {
  const { port } = await bench();
  const second = serveHttp({
    local: { address: LOOPBACK_ADDRESS, port },
    files,
    up: () => {},
    status: () => ({}),
    explain: () => ({ isHeard: false, shown: {} }),
    tell: () => {},
    report: () => {},
  });
  await expect(second).rejects.toThrow(
    /^cannot listen on TCP 127\.0\.0\.1:\d+: another program has it/,
  );
});

const noCurl = lackingOf("curl");

describe.skipIf(noCurl !== undefined)(title("curl", noCurl), () => {
  const curl = (...args: string[]): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const options = { encoding: "buffer", maxBuffer: 1 << 24 } as const;
      execFile("curl", ["--silent", "--show-error", ...args], options, (error, stdout) =>
        error === null ? resolve(stdout) : reject(error),
      );
    });

  test("gets files, parts, heads, and goes on where it broke off", async () => {
    const { port } = await bench();
    const url = `http://127.0.0.1:${port}/vmlinuz`;
    expect((await curl(url)).equals(kernel)).toBe(true);
    expect((await curl("--http1.0", url)).equals(kernel)).toBe(true);
    expect((await curl("--range", "100-299", url)).equals(kernel.subarray(100, 300))).toBe(true);
    expect((await curl("--range", "-7", url)).equals(kernel.subarray(-7))).toBe(true);
    expect((await curl("--range", "0-1,5-6", url)).equals(kernel)).toBe(true);
    expect((await curl("--head", url)).toString()).toContain("Content-Length: 1000003\r\n");
    const status = ["--output", "/dev/null", "--write-out", "%{http_code}"];
    expect((await curl(...status, "--range", "2000000-", url)).toString()).toBe("416");
  });

  test("tells that a node is up", async () => {
    const { port, ups } = await bench();
    await curl("--fail", "--data-binary", "tree-7", `http://127.0.0.1:${port}/up`);
    expect(ups).toEqual([`${LOOPBACK_ADDRESS} tree-7`]);
  });
});
