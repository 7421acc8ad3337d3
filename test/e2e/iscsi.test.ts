import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, outcome } from "../sidus.ts";
import { BUILD_MS, debianTree } from "./debian.ts";
import { networkCard, type Qemu, startQemu } from "./qemu.ts";
import { openRoom, type Room } from "./served-room.ts";

/** Nodes whose changes last: Linux's own initiator, from the initrd to iscsid, on volumes that sidus serves. */

const lacking = lackingOf(
  ...(["root", "mmdebstrap", "qemu-system-x86_64", "ip", "nsenter", "e2fsck", "debugfs"] as const),
);

const BOOT_MS = 300_000;

function nodeOf(n: number, label = "iscsi") {
  return { mac: `52:54:00:13:20:0${n}`, name: `node${n}`, ip: `10.13.20.1${n}`, label };
}

const console = "console=ttyS0,115200 mitigations=off";

/** The demonstration's tree, with what a node does when it is up. */
async function treeWithWork(): Promise<string> {
  const tree = join(directoryOf({}), "tree");
  execFileSync("cp", ["--archive", await debianTree(), tree]);
  const script = fileURLToPath(new URL("iscsi-node.sh", import.meta.url));
  execFileSync("install", ["--mode=755", script, join(tree, "usr/lib/sidus/work")]);
  const units = join(tree, "etc/systemd/system");
  writeFileSync(
    join(units, "work.service"),
    "[Unit]\nAfter=multi-user.target sidus-up.service\n[Service]\nExecStart=/usr/lib/sidus/work\n",
  );
  symlinkSync("../work.service", join(units, "multi-user.target.wants/work.service"));
  return tree;
}

describe.skipIf(lacking !== undefined)(title("iSCSI volumes", lacking), () => {
  let tree: string;
  beforeAll(async () => {
    tree = await treeWithWork();
  }, BUILD_MS);

  describe("with CHAP both ways", () => {
    const { open, powerOn, says } = roomOf({
      iscsi: { chap: "mutual", size: "1G" },
      labels: {
        iscsi: { append: console },
        forged: { layer: "iscsi", append: `${console} ISCSI_PASSWORD=notthesecret1` },
      },
      nodes: [nodeOf(1), nodeOf(2), nodeOf(3, "forged")],
    });
    beforeAll(() => open(tree));
    const kept = new Map<string, string>();

    test("two nodes at once: the first boot formats", { timeout: 2 * BOOT_MS }, async () => {
      const boots = async (name: string): Promise<void> => {
        await using node = powerOn(name);
        await says(node, /: it becomes a file system/);
        await says(node, /NODE: found nothing/);
        kept.set(name, (await says(node, /NODE: kept (\S+)/))[1] ?? "");
        expect(node.console()).toMatch(/ runs demo .*layer iscsi/);
        expect(node.console()).toMatch(/NODE: others read \d+\.\d+\r/);
      };
      await Promise.all([boots("node1"), boots("node2")]);
      expect(new Set(kept.values()).size).toBe(2);
    });

    test("the next boot finds what the first wrote; beside it, a secret that is none: the console says so, and memory takes the volume's place", {
      timeout: 2 * BOOT_MS,
    }, async () => {
      const findsIt = async (): Promise<void> => {
        await using node = powerOn("node1");
        expect((await says(node, /NODE: found (\S+)/))[1]).toBe(kept.get("node1"));
        expect(node.console()).toContain("rootaufs: ISCSI: recovering journal");
        expect(node.console()).not.toContain("is blank");
      };
      const fallsBack = async (): Promise<void> => {
        await using node = powerOn("node3");
        await says(node, /rootaufs: no session with iqn\.2013-04\.zone\.sidus\.target:10\./);
        await says(node, /rootaufs: what is written goes to memory instead/);
        await says(node, /NODE: found nothing/);
        expect(node.console()).toMatch(/layer tmpfs/);
      };
      await Promise.all([findsIt(), fallsBack()]);
    });
  });

  describe("without CHAP, on a command line as SIDUS has it", () => {
    const volume = "root=LABEL=ISCSI ISCSI_TARGET_IP=10.13.20.1";
    const initiator = "ISCSI_INITIATOR=iqn.2013-04.zone.sidus.target:10.13.20.11";
    const { open, powerOn, room } = roomOf({
      iscsi: { size: "4G" },
      labels: { paper: { layer: "none", append: `${console} load ${volume} ${initiator}` } },
      nodes: [nodeOf(1, "paper")],
    });
    beforeAll(() => open(tree));

    test("the server is killed while a node writes: the node goes on, and nothing that it synced is lost", {
      timeout: 3 * BOOT_MS,
    }, async () => {
      const synced: number[] = [];
      {
        await using node = powerOn("node1");
        const last = (): number =>
          Number([...node.console().matchAll(/NODE: synced (\d+)\r/g)].at(-1)?.[1] ?? 0);
        for (const _ of [1, 2]) {
          const before = last();
          const goesOn = { timeout: BOOT_MS, interval: 250 };
          await expect.poll(last, goesOn).toBeGreaterThan(before + 20);
          await room().served().stop("SIGKILL");
          await room().start();
        }
        const atRestart = last();
        await expect.poll(last, { timeout: BOOT_MS }).toBeGreaterThan(atRestart + 20);
        expect(node.console()).not.toMatch(/NODE: lost|I\/O error|Remounting filesystem read-only/);
        synced.push(...Array.from({ length: last() }, (_, index) => index + 1));
      }
      await room().served().stop();
      const volume = join(room().work, "state/volumes/10.13.20.11.img");
      expect(await outcome("e2fsck", ["-p", volume])).toMatchObject({ code: 0 });
      expect(await outcome("e2fsck", ["-f", "-n", volume])).toMatchObject({ code: 0 });
      const into = directoryOf({});
      execFileSync("debugfs", ["-R", `rdump /upper/var/load ${into}`, volume], { stdio: "pipe" });
      expect(readdirSync(join(into, "load")).length).toBeGreaterThanOrEqual(synced.length);
      for (const n of synced)
        expect(isWhole(join(into, "load", `${n}`), n), `file ${n}`).toBe(true);
    });
  });
});

/** One MiB of the number, a line each. */
function isWhole(file: string, n: number): boolean {
  const line = `${n}\n`;
  const expected = line.repeat(Math.ceil((1 << 20) / line.length)).slice(0, 1 << 20);
  return readFileSync(file, "latin1") === expected;
}

interface RoomSettings {
  readonly iscsi: object;
  readonly labels: object;
  readonly nodes: readonly ReturnType<typeof nodeOf>[];
}

/** A room for the tests of one describe. */
function roomOf({ iscsi, labels, nodes }: RoomSettings) {
  let opened: Room | undefined;
  const room = (): Room => {
    if (opened === undefined) throw new Error("not open yet");
    return opened;
  };
  const machines = new AsyncDisposableStack();
  afterAll(async () => {
    await machines.disposeAsync();
    await opened?.[Symbol.asyncDispose]();
  });
  return {
    room,
    async open(tree: string): Promise<void> {
      opened = await openRoom({
        exports: { room: { source: tree } },
        iscsi,
        boot: { labels },
        nodes,
      });
      for (const { name } of nodes) room().addPort(name);
      await room().start();
    },
    powerOn(name: string): Qemu {
      const mac = nodes.find((node) => node.name === name)?.mac ?? "";
      return machines.use(startQemu(room().namespace, ["-m", "1024", ...networkCard(name, mac)]));
    },
    async says(node: Qemu, pattern: RegExp): Promise<RegExpExecArray> {
      const look = (): boolean => {
        if (node.hasEnded()) throw new Error(`it ended: ${node.console().slice(-2000)}`);
        return pattern.test(node.console());
      };
      await expect.poll(look, { timeout: BOOT_MS, interval: 250 }).toBe(true);
      const found = pattern.exec(node.console());
      if (found === null) throw new Error("it was there");
      return found;
    },
  };
}
