import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Ipv4, parseIpv4 } from "../../src/bytes/ipv4.ts";
import type { FoundTarget, LoginRefusal, OpenTarget } from "../../src/iscsi/target.ts";
import { systemClock } from "../../src/net/clock.ts";
import { localSockets } from "../../src/net/local.ts";
import type { VolumeGrant } from "../../src/plane/messages.ts";
import { VolumeTargets } from "../../src/plane/volume-targets.ts";
import { claimVolume } from "../../src/volume/claim.ts";
import { serveClaims } from "../../src/volume/claims.ts";
import { VolumeStore } from "../../src/volume/store.ts";
import { directoryOf } from "../sidus.ts";

const IQN = "iqn.2013-04.zone.sidus.target";
const MIB = 1 << 20;

/** Volumes named after their nodes' addresses, and one that two nodes may have. */
async function openTargets(stack: AsyncDisposableStack, bytes = 16 * MIB) {
  const directory = directoryOf({});
  const warnings: string[] = [];
  const options = { directory, sockets: localSockets, clock: systemClock };
  const claims = stack.use(await serveClaims(options));
  const targets = new VolumeTargets({
    iqn: IQN,
    store: new VolumeStore(directory),
    claims,
    async grants(address) {
      const own = { volume: text(address), node: nodeAt(address), bytes, chap: undefined };
      const both: VolumeGrant = { ...own, volume: "both" };
      return [own, both];
    },
    clock: systemClock,
    warn: (line) => warnings.push(line),
    report(what, error) {
      throw new Error(what, { cause: error });
    },
  });
  const find = (volume: string, from: string, initiator = "iqn.x:1") =>
    targets.find(`${IQN}:${volume}`, { name: initiator, address: address(from) });
  return { directory, warnings, options, targets, find };
}

function address(dotted: string): Ipv4 {
  return parseIpv4(dotted) ?? (0 as Ipv4);
}

/** One of them has two. */
function nodeAt(address: Ipv4): string {
  return text(address) === "10.0.0.17" ? "10.0.0.7" : text(address);
}

function text(address: Ipv4): string {
  return `10.0.0.${address & 255}`;
}

async function open(found: FoundTarget | LoginRefusal): Promise<OpenTarget> {
  if (typeof found === "string") throw new Error(found);
  const opened = await found.open();
  if (typeof opened === "string") throw new Error(opened);
  return opened;
}

describe("the volume that bears a node's address", () => {
  test("is made at its first login, sparse, and not before", async () => {
    await using stack = new AsyncDisposableStack();
    const { directory, find } = await openTargets(stack);
    const found = await find("10.0.0.7", "10.0.0.7");
    expect(existsSync(join(directory, "10.0.0.7.img"))).toBe(false);
    const opened = await open(found);
    expect(opened.target.name).toBe(`${IQN}:10.0.0.7`);
    const { size, blocks } = statSync(join(directory, "10.0.0.7.img"));
    expect([size, blocks]).toEqual([16 * MIB, 0]);
    await opened[Symbol.asyncDispose]();
  });

  test("is nobody else's; discovery shows a node its own", async () => {
    await using stack = new AsyncDisposableStack();
    const { find, targets } = await openTargets(stack);
    expect(await find("10.0.0.7", "10.0.0.8")).toBe("not-found");
    await using _ = await open(await find("10.0.0.7", "10.0.0.7"));
    expect(await find("10.0.0.7", "10.0.0.8")).toBe("forbidden");
    expect(await targets.find("iqn.1999-01.x:10.0.0.7", { name: "i", address: 7 as Ipv4 })).toBe(
      "not-found",
    );
    expect(await targets.list({ name: "i", address: address("10.0.0.8") })).toEqual([
      `${IQN}:10.0.0.8`,
      `${IQN}:both`,
    ]);
  });
});

describe("sessions of one volume", () => {
  test("one node has several at once, over one disk; a second node has none until they ended", async () => {
    await using stack = new AsyncDisposableStack();
    const { find, warnings } = await openTargets(stack);
    const firmware = await open(await find("both", "10.0.0.7", "iqn.x:ipxe"));
    const kernel = await open(await find("both", "10.0.0.7", "iqn.x:linux"));
    expect(kernel.target.disk).toBe(firmware.target.disk);
    await expect(open(await find("both", "10.0.0.8"))).rejects.toThrow("unavailable");
    expect(warnings).toEqual([`${IQN}:both: iqn.x:1 was refused: another node has a session`]);
    await firmware[Symbol.asyncDispose]();
    await expect(open(await find("both", "10.0.0.8"))).rejects.toThrow("unavailable");
    await kernel[Symbol.asyncDispose]();
    await using other = await open(await find("both", "10.0.0.8"));
    expect(other.target.name).toBe(`${IQN}:both`);
  });

  test("a node that comes back with another address gets its volume; its lost session may still be there", async () => {
    await using stack = new AsyncDisposableStack();
    const { find } = await openTargets(stack);
    await using lost = await open(await find("both", "10.0.0.7"));
    await using again = await open(await find("both", "10.0.0.17"));
    expect(again.target.disk).toBe(lost.target.disk);
  });

  test("who comes while the last one ends waits, and gets a volume that is open", async () => {
    await using stack = new AsyncDisposableStack();
    const { find } = await openTargets(stack);
    const found = await find("both", "10.0.0.7");
    for (let round = 0; round < 50; round += 1) {
      const first = await open(found);
      const [second] = await Promise.all([open(found), first[Symbol.asyncDispose]()]);
      const nexus = { initiatorPort: "iqn.x:1,i,0x1" };
      second.target.disk.attach(nexus);
      // The first is told of the power-on.
      const [TEST_UNIT_READY, SYNCHRONIZE_CACHE] = [0x00, 0x35];
      const statuses: number[] = [];
      for (const opcode of [TEST_UNIT_READY, SYNCHRONIZE_CACHE]) {
        const { status } = await second.target.disk.execute({
          nexus,
          cdb: Uint8Array.of(opcode, ...new Uint8Array(15)),
          lun: 0,
          attribute: "simple",
          dataOut: [],
          dataOutBytes: 0,
          dataInRoom: 0,
        });
        statuses.push(status);
      }
      expect(statuses).toEqual([2, 0]);
      second.target.disk.detach(nexus);
      await second[Symbol.asyncDispose]();
    }
  });

  test("a command that works on the volume keeps nodes out, and nodes keep it out", async () => {
    await using stack = new AsyncDisposableStack();
    const { find, options, warnings } = await openTargets(stack);
    const found = await find("both", "10.0.0.7");
    {
      using _ = await claimVolume("both", options);
      await expect(open(found)).rejects.toThrow("unavailable");
      expect(warnings).toEqual([
        `${IQN}:both: iqn.x:1 was told to come again: sidus volume works on it`,
      ]);
    }
    const opened = await openSoon(found);
    await expect(claimVolume("both", options)).rejects.toThrow(
      "both is in use by iqn.x:1 at 10.0.0.7",
    );
    await opened[Symbol.asyncDispose]();
    using _ = await claimVolume("both", options);
  });
});

/** The server hears a little later that the command ended. */
async function openSoon(found: FoundTarget | LoginRefusal): Promise<OpenTarget> {
  let opened: OpenTarget | undefined;
  await expect
    .poll(async () => {
      opened = await open(found).catch(() => undefined);
      return opened;
    })
    .toBeDefined();
  if (opened === undefined) throw new Error("never open");
  return opened;
}
