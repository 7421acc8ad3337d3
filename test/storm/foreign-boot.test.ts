import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { startPeers } from "../../bench/storm/peers.ts";
import { loaderPath } from "../../src/boot/loader-files.ts";
import { systemClock } from "../../src/net/clock.ts";
import { stormResult } from "../../src/storm/result.ts";
import { stormTree } from "../../src/storm/room/tree.ts";
import { writeTrace } from "../../src/storm/trace/file.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, outcome } from "../sidus.ts";
import { makeStormNetwork } from "../storm-room.ts";
import { briefTrace } from "./brief-trace.ts";

/** Whole boots from servers that others wrote, all at once. */

const programs = ["dnsmasq", "ganesha.nfsd", "ip", "nsenter", "rpcbind", "ss", "unshare"];
const lacking = lackingOf("root", ...programs, "tgtadm", "tgtd", "/usr/sbin/kea-dhcp4");
const NODES = 3;
/** As far as disks are logged in to, formatted and read again, and the root is looked about in. */
const STEPS = 700;

describe.skipIf(lacking !== undefined)(title("a storm of others' servers", lacking), () => {
  test("addresses by kea, files by dnsmasq, roots by nfs-ganesha, disks by tgt: all come up, nothing differs", async () => {
    await using servers = new AsyncDisposableStack();
    const work = directoryOf({});
    const trace = await briefTrace("bios-iscsi", STEPS);
    const file = join(work, "brief.trace.gz");
    await writeTrace(file, trace);
    const tree = stormTree({ trace, seed: 1, cache: work, loaderPath, clock: systemClock });
    const network = await makeStormNetwork(servers);
    const room = { tree, work: join(work, "servers"), layer: "iscsi", nodes: NODES } as const;
    const flags = await startPeers(network, room, "kea", servers);

    const [command = "", ...enter] = network.nodes.enter;
    const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
    const storm = [process.execPath, main, "storm", "--trace", file, "--nodes", String(NODES)];
    const said = await outcome(command, [
      ...[...enter, ...storm, "--think", "0", "--json", "-"],
      ...flags,
    ]);

    expect(said.stdout, said.stderr).not.toBe("");
    const result = stormResult.parse(JSON.parse(said.stdout));
    expect(result).toMatchObject({ up: NODES, failed: 0, verified: { differences: 0 } });
    expect(new Set(result.nodes.map(({ address }) => address)).size).toBe(NODES);
    for (const { received } of result.nodes) {
      // What each of the four sent; nothing by HTTP, which none of them serves.
      expect(received).toMatchObject({
        ...{ dhcp: expect.any(Number), tftp: expect.any(Number) },
        ...{ nfs: expect.any(Number), iscsi: expect.any(Number) },
      });
      expect(received.http).toBeUndefined();
    }
    expect(result.server?.cpuSeconds).toBeGreaterThan(0);
  }, 120_000);
});
