import { randomFillSync } from "node:crypto";
import {
  closeSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type IscsiEvent, openFile, serveIscsi } from "../../src/library/iscsi.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, outcome } from "../sidus.ts";

/** What QEMU's own initiator makes of a volume: its tools write, give back, copy and compare. */

const lacking = lackingOf("qemu-img", "qemu-io", "/usr/lib/x86_64-linux-gnu/qemu/block-iscsi.so");

const name = "iqn.2024-01.org.example:disk";
const chap = { user: "node1", secret: "secret-of-node1", mutual: undefined };
const BLOCK_BYTES = 512;
const MIB = 1 << 20;
const DISK_BYTES = 32 * MIB;

/** A disk full of bytes of chance, served while the test runs. */
async function served({ isClosed = false } = {}) {
  const directory = directoryOf({});
  const file = join(directory, "disk.img");
  writeFileSync(file, randomFillSync(Buffer.alloc(DISK_BYTES)));
  const events: IscsiEvent[] = [];
  const volume = openFile(file);
  const server = await serveIscsi({
    port: 0,
    targets: [isClosed ? { name, volume, chap } : { name, volume }],
    onEvent: (event) => events.push(event),
  });
  return {
    directory,
    file,
    portal: `127.0.0.1:${server.port}`,
    refusals: () => events.flatMap((event) => (event.kind === "refused" ? [event.reason] : [])),
    async [Symbol.asyncDispose]() {
      await server.close();
      await volume[Symbol.asyncDispose]();
    },
  };
}

/** How QEMU's tools are told of a disk. */
interface Image {
  readonly objects: readonly string[];
  /** Before it where it is read, or both; and where it is copied to. */
  readonly flags: readonly string[];
  readonly flagsAsTarget: readonly string[];
  readonly image: string;
}

type Access = (portal: string) => Image;

const byUrl =
  (user = ""): Access =>
  (portal) => ({
    objects: [],
    flags: ["-f", "raw"],
    flagsAsTarget: ["-O", "raw"],
    image: `iscsi://${user}${portal}/${name}/0`,
  });

const byOptions =
  (...own: readonly string[]): Access =>
  (portal) => {
    const file = ["driver=iscsi", "transport=tcp", "lun=0", ...own];
    const options = [...file, `portal=${portal}`, `target=${name}`].map((one) => `file.${one}`);
    return {
      objects: ["--object", `secret,id=secret,data=${chap.secret}`],
      flags: ["--image-opts"],
      flagsAsTarget: ["--target-image-opts"],
      image: ["driver=raw", ...options].join(","),
    };
  };

async function run(tool: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await outcome(tool, args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** Fails where a command does, or reads what it does not expect. */
function qemuIo({ objects, flags, image }: Image, commands: readonly string[]): Promise<string> {
  const each = commands.flatMap((one) => ["-c", one]);
  return run("qemu-io", "-d", "unmap", ...objects, ...flags, ...each, image);
}

const patterned = ["write -P", "write -f -P"];
const zeroing = ["write -z", "write -z -u", "write -z -f", "discard"];

const operation = fc.record({
  verb: fc.constantFrom(...patterned, ...zeroing),
  pattern: fc.integer({ min: 1, max: 255 }),
  at: fc.nat(DISK_BYTES / BLOCK_BYTES - 1),
  length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 9000 })),
});

describe.skipIf(lacking !== undefined)(title("QEMU's initiator", lacking), () => {
  test("the disk is what was written, zeroed and given back, byte for byte", async () => {
    await using disk = await served();
    const access = byUrl()(disk.portal);
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 1, maxLength: 60, size: "max" }),
        async (operations) => {
          const expected = readFileSync(disk.file);
          const commands = operations.map(({ verb, pattern, at, length }) => {
            const from = at * BLOCK_BYTES;
            const to = Math.min(from + length * BLOCK_BYTES, DISK_BYTES);
            const fill = patterned.includes(verb) ? pattern : 0;
            expected.fill(fill, from, to);
            const written = fill === 0 ? verb : `${verb} ${fill}`;
            return [`${written} ${from} ${to - from}`, `read -P ${fill} ${from} ${to - from}`];
          });
          await qemuIo(access, commands.flat());
          expect(readFileSync(disk.file).equals(expected)).toBe(true);
        },
      ),
      { numRuns: 8 },
    );
    expect(disk.refusals()).toEqual([]);
  });

  test("what was given back is a hole, and QEMU is told so", async () => {
    await using disk = await served();
    const taken = (): number => statSync(disk.file).blocks * BLOCK_BYTES;
    const before = taken();
    const access = byUrl()(disk.portal);
    await qemuIo(access, [`discard ${8 * MIB} ${16 * MIB}`, "flush"]);
    const { flags, image } = access;
    const map = JSON.parse(await run("qemu-img", "map", "--output=json", ...flags, image));
    expect(map).toMatchObject([
      { start: 0, length: 8 * MIB, data: true, zero: false },
      { start: 8 * MIB, length: 16 * MIB, data: false, zero: true },
      { start: 24 * MIB, length: 8 * MIB, data: true, zero: false },
    ]);
    expect(taken()).toBeLessThan(before - 15 * MIB);
  });

  test.for([
    ["no security", false, byUrl()],
    ["header digests", false, byOptions("header-digest=crc32c")],
    ["CHAP by URL", true, byUrl(`${chap.user}%${chap.secret}@`)],
    [
      "CHAP by a secret, and header digests",
      true,
      byOptions(`user=${chap.user}`, "password-secret=secret", "header-digest=crc32c"),
    ],
  ] as const)(
    "qemu-img copies a sparse disk there, sixteen pieces at once: %s",
    async ([_, isClosed, access]) => {
      await using disk = await served({ isClosed });
      const source = join(disk.directory, "source.img");
      const fd = openSync(source, "w");
      for (const at of [0, 5 * MIB + 4096, 20 * MIB]) {
        writeSync(fd, randomFillSync(Buffer.alloc(3 * MIB)), 0, 3 * MIB, at);
      }
      closeSync(fd);
      truncateSync(source, DISK_BYTES);
      const { objects, flagsAsTarget, image } = access(disk.portal);
      const flags = ["-n", "-W", "-m", "16", "-f", "raw", ...flagsAsTarget];
      await run("qemu-img", "convert", ...objects, ...flags, source, image);
      expect(readFileSync(disk.file).equals(readFileSync(source))).toBe(true);
      expect(disk.refusals()).toEqual([]);
    },
  );

  test.each([
    ["another secret", `${chap.user}%another-secret-1@`, "CHAP failed"],
    ["no secret", "", "login without CHAP"],
  ])("%s: QEMU says that it cannot log in", async (_, user, reason) => {
    await using disk = await served({ isClosed: true });
    const { code, stderr } = await outcome("qemu-img", ["info", byUrl(user)(disk.portal).image]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Failed to (?:connect|log in)|authenticat/i);
    expect(disk.refusals()).toEqual([reason]);
  });
});
