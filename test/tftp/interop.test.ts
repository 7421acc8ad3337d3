import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import type { BootFiles } from "../../src/boot/files.ts";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { systemClock } from "../../src/net/clock.ts";
import { serveTftp } from "../../src/tftp/server.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { lackingOf, title } from "../needs.ts";
import { VirtualClock } from "../sim/clock.ts";
import { RawClient } from "./client.ts";
import { fileOf, pattern, slowFileOf } from "./files.ts";
import { writePcap } from "./pcap.ts";

/** Clients that others wrote, against our server on the loopback. */

const big = pattern(1_000_000);
const even = pattern(512 * 40);
const text = Buffer.from("line\nreturn\rboth\r\nend\n".repeat(300), "latin1");

const contents: Record<string, Uint8Array> = { big, even, text, empty: new Uint8Array() };

const files: BootFiles = async (path) => {
  if (path === "secret") return "denied";
  const bytes = contents[path.replace(/^\//, "")];
  if (bytes === undefined) return "missing";
  return path.endsWith("big") ? slowFileOf(bytes) : fileOf(bytes);
};

async function serve(): Promise<{ readonly port: string; readonly events: BootEvent[] }> {
  const events: BootEvent[] = [];
  const server = await serveTftp({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    files,
    clock: systemClock,
    tell: (event) => events.push(event),
    report: (what, error) => expect.fail(`${what}: ${error}`),
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { port: String(server.local.port), events };
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "sidus-tftp-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const run = promisify(execFile);

/** Exit status and everything that was said. */
async function attempt(
  command: string,
  ...args: string[]
): Promise<{ status: number; said: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code ?? 255);
      resolve({ status, said: stdout + stderr });
    });
  });
}

const noCurl = lackingOf("curl");

describe.skipIf(noCurl !== undefined)(title("curl", noCurl), () => {
  test.each([
    ["with its own options", []],
    ["without options", ["--tftp-no-options"]],
    ["in blocks of 1468", ["--tftp-blksize", "1468"]],
    ["asking for blocks larger than a frame", ["--tftp-blksize", "65464"]],
  ])("gets files of every size %s", async (_, options) => {
    const { port, events } = await serve();
    const names = Object.keys(contents).filter((name) => name !== "empty");
    for (const name of names) {
      const out = join(directory(), "out");
      const url = `tftp://127.0.0.1:${port}/${name}`;
      await run("curl", ["--silent", "--show-error", ...options, "--output", out, url]);
      expect(readFileSync(out).equals(contents[name] ?? new Uint8Array())).toBe(true);
    }
    const done = events.filter((event) => event.kind === "file" && event.outcome === "done");
    expect(done.length).toBe(names.length);
  });

  test("gets an empty file, though not with options: curl 7.88 takes a tsize of 0 for a mistake", async () => {
    const { port } = await serve();
    const url = `tftp://127.0.0.1:${port}/empty`;
    expect((await attempt("curl", "--silent", "--tftp-no-options", url)).status).toBe(0);
  });

  test("is told what is missing, denied or not to be written", async () => {
    const { port } = await serve();
    const url = (name: string): string => `tftp://127.0.0.1:${port}/${name}`;
    // curl's exit codes: 68 file not found, 69 permission problem.
    expect((await attempt("curl", "--silent", url("nothing"))).status).toBe(68);
    expect((await attempt("curl", "--silent", url("secret"))).status).toBe(69);
    const upload = ["--silent", "--upload-file", "/etc/hostname", url("new")];
    expect((await attempt("curl", ...upload)).status).toBe(69);
  });
});

const noAtftp = lackingOf("atftp");

describe.skipIf(noAtftp !== undefined)(title("atftp", noAtftp), () => {
  test.each([
    ["no options", []],
    ["blksize, tsize and timeout", ["blksize 1428", "tsize 0", "timeout 2"]],
    ["windowsize 8 (RFC 7440)", ["blksize 1024", "windowsize 8"]],
    ["windowsize 1000, which we make smaller", ["windowsize 1000"]],
  ])("gets a file with %s", async (_, options) => {
    const { port } = await serve();
    for (const name of ["big", "even"]) {
      const out = join(directory(), "out");
      const asked = options.flatMap((option) => ["--option", option]);
      await run("atftp", [...asked, "--get", "-r", name, "-l", out, "127.0.0.1", port]);
      expect(readFileSync(out).equals(contents[name] ?? new Uint8Array())).toBe(true);
    }
  });
});

const noTftp = lackingOf("tftp");

describe.skipIf(noTftp !== undefined)(title("tftp-hpa", noTftp), () => {
  test.each(["binary", "netascii"])("gets files in mode %s", async (mode) => {
    const { port } = await serve();
    for (const name of ["big", "even", "text", "empty"]) {
      const out = join(directory(), "out");
      await run("tftp", ["-m", mode, "127.0.0.1", port, "-c", "get", name, out]);
      const bytes = contents[name] ?? new Uint8Array();
      expect(readFileSync(out).equals(bytes), `${mode} ${name}`).toBe(true);
    }
  });

  test("is told what is missing and not to be written", async () => {
    const { port } = await serve();
    const out = join(directory(), "out");
    const get = await attempt("tftp", "127.0.0.1", port, "-c", "get", "nothing", out);
    expect(get.said).toContain("Error code 1: file not found");
    const put = await attempt("tftp", "127.0.0.1", port, "-c", "put", "/etc/hostname", "new");
    expect(put.said).toContain("Error code 2: this server is read-only");
  });
});

const noBusybox = lackingOf("busybox");

describe.skipIf(noBusybox !== undefined)(title("busybox", noBusybox), () => {
  test.each(["512", "1468"])("gets files in blocks of %s", async (blockBytes) => {
    const { port } = await serve();
    for (const name of ["big", "even", "empty"]) {
      const out = join(directory(), "out");
      const args = ["tftp", "-g", "-b", blockBytes, "-r", name, "-l", out, "127.0.0.1", port];
      await run("busybox", args);
      expect(readFileSync(out).equals(contents[name] ?? new Uint8Array())).toBe(true);
    }
  });
});

const noTshark = lackingOf("tshark");

test.skipIf(noTshark !== undefined)(
  title("tshark understands all that we send, and finds nothing malformed", noTshark),
  async () => {
    await using server = await serveTftp({
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      files,
      clock: new VirtualClock(),
      tell: () => {},
      report: (what, error) => expect.fail(`${what}: ${error}`),
    });
    await using client = await RawClient.open();
    await using stranger = await RawClient.open();
    // On the record the server's well-known port is 69, so that tshark knows it.
    const record: { from: number; to: number; bytes: Uint8Array }[] = [];
    const onRecord = (port: number): number => (port === server.local.port ? 69 : port);
    const say = async (bytes: Buffer, to: number, from = client): Promise<number> => {
      const clientPort = from === client ? 1069 : 1070;
      from.send(bytes, to);
      const answer = await from.next();
      record.push({ from: clientPort, to: onRecord(to), bytes });
      record.push({ from: onRecord(answer.port), to: clientPort, bytes: answer.bytes });
      return answer.port;
    };
    const latin1 = (bytes: string): Buffer => Buffer.from(bytes, "latin1");
    await say(latin1("\0\x01nothing\0octet\0"), server.local.port);
    await say(latin1("\0\x01secret\0octet\0"), server.local.port);
    await say(latin1("\0\x02new\0octet\0"), server.local.port);
    const options = "tsize\x000\0blksize\x001000\0timeout\x005\0windowsize\x001\0";
    const tid = await say(latin1(`\0\x01even\0octet\0${options}`), server.local.port);
    await say(latin1("\0\x04\0\x01"), tid, stranger);
    for (let block = 0; block <= 20; block += 1) await say(Buffer.from([0, 4, 0, block]), tid);

    const pcap = join(directory(), "ours.pcap");
    writeFileSync(pcap, writePcap(record));
    // It cannot know by itself that the stranger's datagrams are TFTP, too.
    const read = ["-r", pcap, "-d", `udp.port==${tid},tftp`];
    // Severity error; a warning is what any TFTP ERROR is to it.
    const bad = "_ws.malformed || _ws.expert.severity >= 0x00800000 || !tftp";
    expect((await run("tshark", [...read, "-Y", bad])).stdout).toBe("");
    const fields = ["opcode", "error.code", "option.name", "option.value", "block"];
    const columns = fields.flatMap((name) => ["-e", `tftp.${name}`]);
    const ours = [...read, "-Y", "udp.dstport == 1069 || udp.dstport == 1070", "-T", "fields"];
    const { stdout } = await run("tshark", [...ours, ...columns]);
    const rows = stdout.trimEnd().split("\n");
    expect(rows.slice(0, 7)).toEqual([
      "5\t1\t\t\t",
      "5\t2\t\t\t",
      "5\t2\t\t\t",
      "6\t\ttsize,blksize,timeout,windowsize\t20480,1000,5,1\t",
      "5\t5\t\t\t",
      "3\t\t\t\t1",
      "3\t\t\t\t2",
    ]);
    expect(rows.length).toBe(26);
  },
);
