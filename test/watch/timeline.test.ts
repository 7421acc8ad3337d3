import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { parseMac } from "../../src/bytes/mac.ts";
import {
  BOOT_PAUSE_MS,
  NODES_HEARD_MAX,
  NODES_WATCHED_MAX,
  STORY_FACTS_TOTAL_MAX,
} from "../../src/limits.ts";
import type { BootEvent, DhcpClient } from "../../src/watch/events.ts";
import { Refusals } from "../../src/watch/refusals.ts";
import { Timeline } from "../../src/watch/timeline.ts";
import { loaderWaitMs } from "../../src/watch/waits.ts";
import { VirtualClock } from "../sim/clock.ts";

const address = ipv4(0x0a4d000b);
/** Of a lease from before. */
const leased = ipv4(0x0a4d0009);

function dhcp(
  client: DhcpClient,
  reply: "OFFER" | "ACK" | "NAK" | undefined,
  macText = "525400770001",
): BootEvent {
  const mac = parseMac(macText);
  if (mac === undefined) throw new Error(macText);
  const message = reply === "ACK" ? "REQUEST" : "DISCOVER";
  return { kind: "dhcp", mac, client, message, reply, address, name: "n1" };
}

function file(path: string, outcome: "started" | "missing" = "started"): BootEvent {
  return { kind: "file", protocol: "tftp", address, path, outcome, bytes: 0 };
}

function watched() {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const mac = parseMac("525400770009");
  const timeline = new Timeline(
    clock,
    (boot, stage) => seen.push(`${stage} ${(clock.now() - boot.startedAt) / 1000}`),
    (of) => (of === leased && mac !== undefined ? { mac, name: "n9" } : undefined),
  );
  return { clock, seen, timeline };
}

describe("timeline", () => {
  test("a node that began to boot before the server was started again is told by its lease", () => {
    const { seen, timeline } = watched();
    timeline.tell({ kind: "up", address: leased, tree: "sidus" });
    expect(timeline.boots()).toMatchObject([
      { name: "n9", address: leased, stage: "up", tree: "sidus" },
    ]);
    expect(seen).toEqual(["up 0"]);
    timeline.tell({ kind: "up", address: ipv4(0x0a4d0008), tree: "a stranger's" });
    expect(timeline.boots()).toHaveLength(1);
  });

  test("a boot, stage by stage, and the wait that was the firmware's", () => {
    const { clock, seen, timeline } = watched();
    timeline.tell(dhcp("ipxe", "OFFER"));
    clock.advance(100);
    timeline.tell(dhcp("ipxe", "ACK"));
    clock.advance(13_000);
    timeline.tell(file("pxelinux.0"));
    timeline.tell(file("pxelinux.cfg/0A4D", "missing"));
    clock.advance(400);
    timeline.tell(file("sidus/boot/vmlinuz-6.1"));
    timeline.tell(file("sidus/boot/initrd.img-6.1"));
    clock.advance(10_000);
    timeline.tell(dhcp("kernel", "OFFER"));
    timeline.tell(dhcp("kernel", "ACK"));
    timeline.tell({ kind: "mount", address, path: "/srv/nfsroot/sidus", outcome: "granted" });
    clock.advance(20_000);
    timeline.tell({ kind: "up", address, tree: "sidus bookworm" });
    expect(seen).toEqual(["dhcp 0.1", "loader 13.1", "kernel 13.5", "root 23.5", "up 43.5"]);
    const [boot] = timeline.boots();
    expect(boot).toMatchObject({
      stage: "up",
      tree: "sidus bookworm",
      name: "n1",
      firmware: "ipxe",
    });
    expect(boot && loaderWaitMs(boot)).toEqual({
      ms: 13_000,
      why: "iPXE seeking IPv6 routers",
    });
  });

  test("a node that logs in to its volume; firmware that does so first has not got so far", () => {
    const { seen, timeline } = watched();
    const session = { kind: "session", address, initiator: "iqn.x:i", target: "iqn.x:t" } as const;
    timeline.tell(dhcp("ipxe", "ACK"));
    timeline.tell({ ...session, outcome: "began" });
    timeline.tell({ ...session, outcome: "ended" });
    timeline.tell({ kind: "mount", address, path: "/srv/nfsroot/sidus", outcome: "granted" });
    timeline.tell({ ...session, outcome: "began" });
    timeline.tell({ kind: "up", address, tree: "sidus bookworm" });
    expect(seen).toEqual(["dhcp 0", "root 0", "volume 0", "up 0"]);
  });

  test("firmware that asks again begins a new boot; a kernel that does goes on with the old one", () => {
    const { seen, timeline } = watched();
    for (let boot = 0; boot < 2; boot += 1) {
      timeline.tell(dhcp("pxe", "OFFER"));
      timeline.tell(dhcp("pxe", "OFFER"));
      timeline.tell(dhcp("pxe", "ACK"));
      timeline.tell(file("pxelinux.0"));
      timeline.tell(dhcp("kernel", "OFFER"));
    }
    expect(seen).toEqual(["dhcp 0", "loader 0", "dhcp 0", "loader 0"]);
    expect(timeline.boots()).toHaveLength(1);
  });

  test("an address that went on to another node stays with that one", () => {
    const { timeline } = watched();
    const other = ipv4(0x0a4d000c);
    timeline.tell(dhcp("pxe", "ACK", "525400770001"));
    timeline.tell(dhcp("pxe", "ACK", "525400770002"));
    timeline.tell({ ...dhcp("pxe", "ACK", "525400770001"), address: other } as BootEvent);
    timeline.tell({ kind: "up", address, tree: "x" });
    const stages = timeline.boots().map((boot) => [boot.mac, boot.stage]);
    expect(stages).toEqual([
      ["525400770001", "dhcp"],
      ["525400770002", "up"],
    ]);
  });

  test("iPXE that the firmware fetched goes on with its boot; the second one does not", () => {
    const { clock, seen, timeline } = watched();
    const chained = () => {
      for (const client of ["pxe", "ipxe"] as const) {
        timeline.tell(dhcp(client, "OFFER"));
        timeline.tell(dhcp(client, "OFFER"));
        timeline.tell(dhcp(client, "ACK"));
        timeline.tell(file("snponly.efi"));
        clock.advance(1000);
      }
    };
    chained();
    expect(seen).toEqual(["dhcp 0", "loader 0"]);
    chained();
    expect(seen).toEqual(["dhcp 0", "loader 0", "dhcp 0", "loader 0"]);
    expect(timeline.boots()[0]?.story.begun).toEqual([0, 2000]);
  });

  test("firmware that asks after a long pause begins anew, though it came no further before", () => {
    const { clock, timeline } = watched();
    timeline.tell(dhcp("pxe", "ACK"));
    clock.advance(BOOT_PAUSE_MS + 1);
    timeline.tell(dhcp("pxe", "OFFER"));
    expect(timeline.boots()).toMatchObject([{ stage: "heard", startedAt: BOOT_PAUSE_MS + 1 }]);
  });

  test("who was not answered is heard, and who has no address is nobody", () => {
    const { seen, timeline } = watched();
    timeline.tell(dhcp("pxe", undefined));
    timeline.tell(dhcp("pxe", "NAK"));
    timeline.tell(file("pxelinux.0"));
    timeline.tell({ kind: "up", address, tree: "x" });
    const mac = parseMac("525400770002");
    if (mac === undefined) throw new Error();
    timeline.tell({ kind: "refused", protocol: "dhcp", reason: "unknown-node", mac });
    timeline.tell({ kind: "refused", protocol: "tftp", reason: "denied", address });
    expect(seen).toEqual([]);
    expect(timeline.boots()).toMatchObject([
      { mac: "525400770001", stage: "heard", firmware: "pxe", address: undefined },
      { mac: "525400770002", stage: "heard" },
    ]);
  });

  test("the address that a node takes from another server is known, too: in proxy mode it is all there is", () => {
    const { seen, timeline } = watched();
    const taken = {
      ...dhcp("pxe", undefined),
      message: "REQUEST",
      elsewhere: ipv4(1),
    } as BootEvent;
    timeline.tell(dhcp("pxe", "OFFER"));
    expect(timeline.boots()).toMatchObject([{ stage: "heard", address: undefined }]);
    timeline.tell(taken);
    timeline.tell(file("snponly.efi"));
    expect(timeline.boots()).toMatchObject([{ stage: "loader", address }]);
    expect(seen).toEqual(["loader 0"]);
  });

  test("a flood of strangers forgets the oldest of them, and nobody who took an address", () => {
    const { timeline } = watched();
    timeline.tell(dhcp("pxe", "ACK"));
    const strangers = NODES_HEARD_MAX + 10;
    for (let n = 0; n < strangers; n += 1) {
      timeline.tell(dhcp("pxe", "OFFER", n.toString(16).padStart(12, "0")));
    }
    expect(timeline.boots()).toHaveLength(1 + NODES_HEARD_MAX);
    expect(timeline.boots()[0]?.mac).toBe("525400770001");
    expect(timeline.boots()[1]?.mac).toBe("00000000000a");
  });

  test("an INFORM is asked by who has an address: it is no boot, and takes it from nobody", () => {
    const { timeline } = watched();
    timeline.tell(dhcp("pxe", "ACK"));
    const asked = { ...dhcp("other", "ACK", "525400770002"), message: "INFORM" } as BootEvent;
    timeline.tell(asked);
    timeline.tell(file("lpxelinux.0"));
    expect(timeline.boots()).toMatchObject([{ stage: "loader", address }, { stage: "heard" }]);
    for (let at = 0; at < NODES_WATCHED_MAX; at += 1) {
      const mac = parseMac((0x0600_0000_0000 + at).toString(16).padStart(12, "0"));
      if (mac !== undefined && asked.kind === "dhcp") timeline.tell({ ...asked, mac });
    }
    expect(timeline.boots()[0]).toMatchObject({ stage: "loader", address });
  });

  test("of those who took an address the oldest is forgotten, when there are too many", () => {
    const { timeline } = watched();
    for (let n = 0; n < NODES_WATCHED_MAX + 10; n += 1) {
      timeline.tell(dhcp("other", "ACK", n.toString(16).padStart(12, "0")));
    }
    expect(timeline.boots()).toHaveLength(NODES_WATCHED_MAX);
    expect(timeline.boots()[0]?.mac).toBe("00000000000a");
  });

  test("all stories together are bounded: the older halves go", () => {
    const { timeline } = watched();
    const nodes = 10_000;
    for (let n = 0; n < nodes; n += 1) {
      const from = ipv4(0x0a00_0000 + n);
      const of = n.toString(16).padStart(12, "0");
      timeline.tell({ ...dhcp("pxe", "ACK", of), address: from } as BootEvent);
      for (let name = 0; name < 40; name += 1) {
        timeline.tell({ ...file(`${name}`, "missing"), address: from } as BootEvent);
      }
    }
    const facts = timeline.boots().reduce((sum, { story }) => sum + story.facts.length, 0);
    expect(facts).toBeLessThanOrEqual(STORY_FACTS_TOTAL_MAX);
    expect(facts).toBeGreaterThan(STORY_FACTS_TOTAL_MAX / 4);
    expect(timeline.boots().at(-1)?.story.facts).toHaveLength(41);
  });
});

test("refusals are counted by protocol and reason", () => {
  const refusals = new Refusals();
  refusals.tell({ kind: "refused", protocol: "dhcp", reason: "truncated" });
  refusals.tell({ kind: "refused", protocol: "dhcp", reason: "truncated" });
  refusals.tell({ kind: "refused", protocol: "nfs", reason: "denied" });
  refusals.tell(file("x"));
  expect(refusals.counts()).toEqual({ dhcp: { truncated: 2 }, nfs: { denied: 1 } });
});
