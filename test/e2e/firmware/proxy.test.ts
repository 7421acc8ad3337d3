import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { title } from "../../needs.ts";
import { BUILD_MS } from "../debian.ts";
import { openRowRoom, type RowRoom } from "./nodes.ts";
import { leaseServer, type Peer } from "./peers.ts";
import { lacking, rows, titles } from "./rows.ts";
import { nodeTree } from "./tree.ts";

/** Beside a DHCP server that gives the addresses and does not know what nodes boot. */

const ROW_MS = 600_000;
const pair = [rows.uefiIpxe, rows.lpxelinux] as const;

describe.skipIf(lacking !== undefined)(title("firmware boots by ProxyDHCP", lacking), () => {
  let nodes: RowRoom;
  let leases: Peer;

  beforeAll(async () => {
    nodes = await openRowRoom(pair, await nodeTree(), { dhcp: { mode: "proxy" } });
    leases = await leaseServer(nodes.room);
    await nodes.room.start();
  }, BUILD_MS);
  afterAll(async () => {
    await leases?.[Symbol.asyncDispose]();
    await nodes?.[Symbol.asyncDispose]();
  });

  test(titles(pair), { timeout: ROW_MS }, () => nodes.boot(pair));

  test("addresses are the other server's alone", () => {
    expect(leases.log()).toMatch(/DHCPACK\(eth0\) 10\.13\.20\.1\d\d 52:54:00:13:20:01/);
    expect(leases.log()).toMatch(/DHCPACK\(eth0\) 10\.13\.20\.1\d\d 52:54:00:13:20:02/);
    expect(nodes.wire.addressesFrom(nodes.room.server)).toEqual([]);
  });
});
