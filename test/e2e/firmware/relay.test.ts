import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../../needs.ts";
import { BUILD_MS } from "../debian.ts";
import { openRowRoom, type RowRoom } from "./nodes.ts";
import { type Peer, relay } from "./peers.ts";
import { lackingForAll, rows, titles } from "./rows.ts";
import { nodeTree } from "./tree.ts";

/** Behind a router, whose relay takes broadcasts to the server (RFC 1542 §4). */

const ROW_MS = 600_000;
const pair = [rows.pxelinux, rows.grub] as const;
const dhcp = {
  range: "10.13.20.50-10.13.20.99",
  subnets: [{ network: "10.13.30.0/24", range: "10.13.30.50-10.13.30.99", router: "10.13.30.1" }],
};

const lacking = lackingOf("dhcrelay") ?? lackingForAll;

describe.skipIf(lacking !== undefined)(title("behind a relay", lacking), () => {
  let nodes: RowRoom;
  let router: Peer;

  beforeAll(async () => {
    nodes = await openRowRoom(pair, await nodeTree(), { dhcp });
    router = await relay(nodes.room);
    await nodes.room.start();
  }, BUILD_MS);
  afterAll(async () => {
    await router?.[Symbol.asyncDispose]();
    await nodes?.[Symbol.asyncDispose]();
  });

  test(titles(pair), { timeout: ROW_MS }, async () => {
    await nodes.boot(pair, { place: { namespace: router.namespace, bridge: "far0" } });
    expect(nodes.wire.addressesFrom(nodes.room.server)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^10\.13\.30\./)]),
    );
  });
});
