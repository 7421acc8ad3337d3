import { type ChildProcess, execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Captured } from "../../src/net/capture.ts";
import { readCapture } from "../../src/storm/record/pcap.ts";
import { addServerInterface, type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, outcome, serveIn, smallTree } from "../sidus.ts";

/** What is recorded of an interface, judged by tshark and capinfos: in a room of a server's network card and a client. */

const lacking = lackingOf("ip", "nsenter", "curl", "tshark", "capinfos", "setpriv");
const capturing = fileURLToPath(new URL("capture-process.ts", import.meta.url));
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const URL_OF_KERNEL = "http://10.13.20.1/sidus/boot/vmlinuz-6.1.0-1-amd64";

/** One line a frame: the fields, with spaces between. */
function fieldsOf(file: string, filter: string, ...fields: readonly string[]): string[] {
  const args = fields.flatMap((field) => ["-e", field]);
  const shown = ["-r", file, "-Y", filter, "-T", "fields", "-E", "separator=/s", ...args];
  return execFileSync("tshark", shown, { encoding: "utf8", stdio: "pipe" })
    .split("\n")
    .slice(0, -1);
}

function framesIn(file: string): number {
  const said = execFileSync("capinfos", ["-Mc", file], { encoding: "utf8", stdio: "pipe" });
  return Number(/Number of packets: +(\d+)/.exec(said)?.[1]);
}

describe.skipIf(lacking !== undefined)(title("a recorded interface", lacking), () => {
  const tree = directoryOf(smallTree);
  const work = directoryOf({});
  const file = join(work, "room.pcap");
  const config = join(work, "sidus.yaml");
  const stack = new AsyncDisposableStack();
  let server: Namespace;
  let client: Namespace;

  beforeAll(async () => {
    server = stack.use(await openNamespace());
    client = stack.use(await openNamespace());
    addServerInterface(server, "room0", "10.13.20.1/24");
    addServerInterface(server, "other0", "10.13.21.1/24");
    for (const [name, bridge, there] of [
      ["port0", "room0", "eth0"],
      ["port1", "other0", "eth1"],
    ] as const) {
      const ends = ["type", "veth", "peer", "name", there];
      server.run("ip", "link", "add", name, ...ends);
      server.run("ip", "link", "set", there, "netns", String(client.enter[2]));
      server.run("ip", "link", "set", name, "master", bridge, "up");
      client.run("ip", "link", "set", there, "up");
    }
    client.run("ip", "addr", "add", "10.13.20.50/24", "dev", "eth0");
    client.run("ip", "addr", "add", "10.13.21.50/24", "dev", "eth1");
    writeFileSync(
      config,
      `interface: room0\nstate: ${work}/state\ndhcp: { mode: off }\nexports:\n  sidus: { source: ${tree} }\n`,
    );
  });
  afterAll(async () => {
    await stack.disposeAsync();
    for (const directory of [tree, work]) rmSync(directory, { recursive: true });
  });

  test("sidus serve --record has whole what a client fetched, with its times, and nothing of other networks", async () => {
    writeFileSync(file, "of an earlier run".repeat(10_000), { mode: 0o644 });
    await using served = await serveIn(server, config, join(work, "ready"), "--record", file);
    const before = Date.now() / 1000;
    const bytes = client.run("curl", "--silent", "--show-error", "--max-time", "5", URL_OF_KERNEL);
    // It listens at one address only: the answer is a reset.
    expect(() => client.run("curl", "--silent", "--max-time", "5", "http://10.13.21.1/")).toThrow();
    expect(await served.stop()).toBe(0);
    expect(bytes === smallTree["boot/vmlinuz-6.1.0-1-amd64"]).toBe(true);

    const said = JSON.parse(
      served
        .log()
        .split("\n")
        .find((line) => line.includes('"recorded"')) ?? "",
    );
    expect(said).toMatchObject({ file, bytes: statSync(file).size, dropped: 0 });
    expect(framesIn(file)).toBe(said.frames);
    expect(readCapture(readFileSync(file)).frames).toHaveLength(said.frames);
    const objects = join(work, "objects");
    execFileSync("tshark", ["-r", file, "-q", "--export-objects", `http,${objects}`], {
      stdio: "pipe",
    });
    const [object = "none"] = readdirSync(objects);
    expect(readFileSync(join(objects, object), "utf8") === bytes).toBe(true);
    expect(fieldsOf(file, "arp", "arp.dst.proto_ipv4")).toContain("10.13.20.1");
    expect(fieldsOf(file, "ip.addr == 10.13.21.0/24", "frame.number")).toEqual([]);
    expect(fieldsOf(file, "_ws.malformed || frame.cap_len < frame.len", "frame.number")).toEqual(
      [],
    );
    const times = fieldsOf(file, "tcp", "frame.time_epoch").map(Number);
    expect(Math.min(...times)).toBeGreaterThan(before);
    expect(Math.max(...times)).toBeLessThan(Date.now() / 1000);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }, 60_000);

  /** Records while the client sends, then ends it. */
  async function record(
    to: string,
    bytesMax: number,
    send: (child: ChildProcess) => void,
  ): Promise<Captured> {
    const args = [capturing, "room0", to, String(bytesMax)];
    const child = server.spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    if (child.stdout === null || child.stdin === null) throw new Error("it has no pipes");
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    await lines.next();
    send(child);
    child.stdin.on("error", () => {}).end();
    return JSON.parse((await lines.next()).value ?? "");
  }

  /** Datagrams with numbers, to a port that nobody listens at: bash sends each write. */
  function sendDatagrams(count: number): void {
    const loop = `for ((i = 0; i < ${count}; i++)); do printf %0100d $i > /dev/udp/10.13.20.1/9; done`;
    client.run("bash", "-c", loop);
  }

  test("every frame is there once, in order, until it is stopped", async () => {
    const captured = await record(file, 1 << 30, () => sendDatagrams(3000));
    expect(captured).toMatchObject({ bytes: statSync(file).size, dropped: 0 });
    expect(framesIn(file)).toBe(captured.frames);
    const numbers = fieldsOf(file, "udp.dstport == 9 && !icmp", "udp.payload").map((hex) =>
      Number(Buffer.from(hex, "hex").toString()),
    );
    expect(numbers).toEqual(Array.from({ length: 3000 }, (_, at) => at));
  });

  test("blocks of TFTP that are sent together are a frame each, as they are on the wire", async () => {
    const words = [
      "sidus/boot/vmlinuz-6.1.0-1-amd64",
      "octet",
      "blksize",
      "1000",
      "windowsize",
      "20",
    ];
    const request = `\x00\x01${words.map((word) => `${word}\x00`).join("")}`;
    // RFC 7440: a window of blocks after the OACK is acknowledged, and no more.
    const fetch = `
      const socket = require("node:dgram").createSocket("udp4");
      let blocks = 0;
      socket.on("message", (bytes, { port, address }) => {
        if (bytes[1] === 6) socket.send(Uint8Array.of(0, 4, 0, 0), port, address);
        else if ((blocks += 1) === 20) socket.close();
      });
      socket.send(${JSON.stringify(request)}, 69, "10.13.20.1");`;
    await using served = await serveIn(server, config, join(work, "ready"), "--record", file);
    client.run(process.execPath, "-e", fetch);
    expect(await served.stop()).toBe(0);
    const blocks = fieldsOf(file, "tftp.opcode == 3", "tftp.block", "udp.length", "frame.len");
    const expected = Array.from({ length: 20 }, (_, at) => `${at + 1} 1012 1046`);
    expect(blocks.slice(0, 20)).toEqual(expected);
  }, 60_000);

  test("the file gets no longer than it may, and ends with a whole frame", async () => {
    const captured = await record(file, 20_000, () => sendDatagrams(300));
    expect(captured.ended).toBe("full");
    expect(captured.bytes).toBeLessThanOrEqual(20_000);
    expect(statSync(file).size).toBe(captured.bytes);
    expect(captured.bytes).toBeGreaterThan(20_000 - 200);
    expect(framesIn(file)).toBe(captured.frames);
  });

  test("frames that come while it cannot take them are counted", async () => {
    const sent = 60_000;
    const flood = `
      const socket = require("node:dgram").createSocket("udp4");
      let left = ${sent};
      const send = () => socket.send(Buffer.alloc(1400), 9, "10.13.20.1", next);
      const next = () => ((left -= 1) > 0 ? send() : socket.close());
      socket.on("error", next);
      send();`;
    const captured = await record(file, 1 << 30, (child) => {
      child.kill("SIGSTOP");
      client.run(process.execPath, "-e", flood);
      child.kill("SIGCONT");
    });
    expect(captured.dropped).toBeGreaterThan(0);
    // Some may be lost on the way; few others are there: ARP, and ICMP's answers, which Linux limits.
    const seen = captured.frames + captured.dropped;
    expect(seen).toBeGreaterThan(0.95 * sent);
    expect(seen).toBeLessThan(1.01 * sent);
  });

  test("a disk without room ends it with the system's reason", async () => {
    const { ended } = await record("/dev/full", 1 << 30, () => sendDatagrams(1));
    expect(ended).toMatchObject({ error: expect.stringContaining("ENOSPC") });
  });

  test.each([
    [
      "without the right to see the network",
      ["setpriv", "--bounding-set=-net_raw"],
      "room.pcap",
      /root, or give it CAP_NET_RAW/,
    ],
    [
      "into a directory that is not there",
      [],
      "none/room.pcap",
      /none\/room\.pcap: cannot be written: .*ENOENT/,
    ],
  ])("%s, one line says so, and nothing is served", async (_, prefix, name, said) => {
    const serve = [process.execPath, main, "serve", "-c", config, "--record", join(work, name)];
    const [program = "", ...args] = [...server.enter, ...prefix, ...serve];
    const { code, stderr } = await outcome(program, args);
    expect(stderr).toMatch(said);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(2);
  });
});
