import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { startCutter } from "./cutter.ts";
import { startTarget, TARGET_NAME } from "./mortal-target.ts";

/**
 * Many writers with verification on one volume, while its target is killed or their session is cut. fio speaks NBD to
 * qemu-nbd, and that iSCSI to the target, with libiscsi, which logs in again by itself and for as long as it takes.
 */

const lacking = lackingOf("fio", "qemu-nbd", "/usr/lib/x86_64-linux-gnu/qemu/block-iscsi.so");

/** Killed before the test itself is given up, so that nothing is left behind. */
const FIO_MS = 100_000;

const WRITERS = 8;
/** Of each writer, its part of the volume; then what is given back meanwhile, so that pages are shared by both. */
const WRITTEN_BYTES = 16 << 20;
const GIVEN_BACK_BYTES = (2 << 20) + 1536;
const STRIDE_BYTES = WRITTEN_BYTES + GIVEN_BACK_BYTES;

const common = `
[global]
group_reporting=1
iodepth=8
numjobs=${WRITERS}
verify=crc32c
verify_fatal=1
`;

/** Each block of each part is written once, and given back once, in an order of chance that is the same each time. */
const writtenOnce = `${common}
bssplit=512/20:4k/30:16k/20:32k/15:64k/15
offset_increment=${STRIDE_BYTES}
[writers]
rw=randwrite
size=${WRITTEN_BYTES}
[trimmers]
new_group
rw=randtrim
offset=${WRITTEN_BYTES}
size=${GIVEN_BACK_BYTES}
`;

const REWRITTEN_BYTES = 1 << 20;
const REWRITING_BYTES = 16 << 20;

/** Few blocks, each written again soon, and read back in between: what comes late would destroy what is newer. */
const writtenAgain = `${common}
bs=16k
offset_increment=${REWRITTEN_BYTES}
[writers]
rw=randwrite
norandommap
verify_backlog=64
serialize_overlap=1
size=${REWRITTEN_BYTES}
io_size=${REWRITING_BYTES}
`;

const zeros = Buffer.alloc(GIVEN_BACK_BYTES);

function givenBack(disk: Buffer): Buffer[] {
  return Array.from({ length: WRITERS }, (_, at) =>
    disk.subarray(at * STRIDE_BYTES + WRITTEN_BYTES, (at + 1) * STRIDE_BYTES),
  );
}

/** Nothing that fio writes. */
function fill(file: string): void {
  const fd = openSync(file, "w");
  const old = Buffer.alloc(STRIDE_BYTES, "old content ");
  for (let left = WRITERS; left > 0; left -= 1) writeSync(fd, old);
  closeSync(fd);
}

interface FioJob {
  readonly jobname: string;
  readonly read: { readonly io_bytes: number };
  readonly write: { readonly io_bytes: number };
  readonly trim: { readonly io_bytes: number };
}

/** Throws, with what fio says, where it found a bad block or could not write one. */
async function fio(...args: readonly string[]): Promise<Record<string, FioJob>> {
  const all = ["--output-format=json", ...args];
  const { stdout } = await promisify(execFile)("fio", all, {
    maxBuffer: 64 << 20,
    timeout: FIO_MS,
    // It leaves files there.
    cwd: directoryOf({}),
  });
  const { jobs } = JSON.parse(stdout.slice(stdout.indexOf("{"))) as { jobs: FioJob[] };
  return Object.fromEntries(jobs.map((job) => [job.jobname, job]));
}

interface Exported extends AsyncDisposable {
  /** For fio. */
  readonly engine: readonly string[];
}

/** The target at a port, as NBD on a Unix socket. */
async function exportAsNbd(directory: string, port: number): Promise<Exported> {
  const socket = join(directory, "nbd");
  const flags = ["--shared=0", "--persistent", "--format=raw", "--cache=none", "--discard=unmap"];
  const url = `iscsi://127.0.0.1:${port}/${TARGET_NAME}/0`;
  const child = spawn("qemu-nbd", ["--socket", socket, ...flags, url], {
    stdio: ["ignore", "inherit", "pipe"],
  });
  const ended = once(child, "exit");
  await expect.poll(() => existsSync(socket)).toBe(true);
  return {
    engine: ["--ioengine=nbd", `--uri=nbd+unix:///?socket=${socket}`],
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

describe.skipIf(lacking !== undefined)(title("fio over QEMU's initiator", lacking), () => {
  test("eight that write and eight that give back, the target is killed three times: no block is bad", {
    timeout: 3 * FIO_MS,
  }, async () => {
    const directory = directoryOf({ jobs: writtenOnce });
    const file = join(directory, "disk.img");
    const jobs = join(directory, "jobs");
    fill(file);
    let target = await startTarget({ file, writes: 1500 });
    const { port } = target;
    await using _ = { [Symbol.asyncDispose]: () => target[Symbol.asyncDispose]() };
    await using nbd = await exportAsNbd(directory, port);
    const working = fio("--do_verify=0", ...nbd.engine, jobs);
    for (const writes of [1500, 1500, undefined]) {
      expect(await Promise.race([target.ended, working])).toBe("SIGKILL");
      target = await startTarget({ file, port, ...(writes === undefined ? {} : { writes }) });
    }
    const { writers, trimmers } = await working;
    expect(writers?.write.io_bytes).toBe(WRITERS * WRITTEN_BYTES);
    expect(trimmers?.trim.io_bytes).toBe(WRITERS * GIVEN_BACK_BYTES);
    const direct = ["--ioengine=psync", `--filename=${file}`];
    const verify = (engine: readonly string[]) =>
      fio("--verify_only", "--section=writers", ...engine, jobs);
    for (const engine of [nbd.engine, direct]) {
      const verified = await verify(engine);
      expect(verified["writers"]?.read.io_bytes).toBe(WRITERS * WRITTEN_BYTES);
    }
    expect(givenBack(readFileSync(file)).every((part) => part.equals(zeros))).toBe(true);
    // The judge finds one byte.
    const fd = openSync(file, "r+");
    writeSync(fd, "?", STRIDE_BYTES);
    closeSync(fd);
    await expect(verify(direct)).rejects.toThrow("bad magic header");
  });

  test("eight that write the same blocks again and again, their session is cut four times: the newest lasts", {
    timeout: 2 * FIO_MS,
  }, async () => {
    const directory = directoryOf({ jobs: writtenAgain, "disk.img": "" });
    const file = join(directory, "disk.img");
    truncateSync(file, WRITERS * REWRITTEN_BYTES);
    await using target = await startTarget({ file });
    const cuts = { everyBytes: 20 << 20, times: 4 };
    await using cutter = await startCutter({ serverPort: target.port, ...cuts });
    await using nbd = await exportAsNbd(directory, cutter.port);
    const { writers } = await fio(...nbd.engine, join(directory, "jobs"));
    expect(cutter.left).toBe(0);
    // What it reads back in between counts too.
    const moved = (writers?.write.io_bytes ?? 0) + (writers?.read.io_bytes ?? 0);
    expect(moved).toBeGreaterThan(WRITERS * REWRITING_BYTES);
  });
});
