import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { title } from "../../needs.ts";
import { BUILD_MS } from "../debian.ts";
import { openRowRoom, type RowRoom } from "./nodes.ts";
import { lacking, lackingForAll, rows, titles } from "./rows.ts";
import { nodeTree } from "./tree.ts";

/** Real firmware of QEMU against `sidus serve`: what each node runs, and how it came by it. */

const ROW_MS = 600_000;
const first = [rows.pxelinux, rows.grub, rows.secureBoot] as const;
const others = [
  [rows.lpxelinux, rows.httpBoot],
  [rows.ipxe, rows.uefiIpxe],
  [rows.pxelinuxVirtio, rows.uefiRom],
  [rows.secureHttpBoot],
] as const;

describe.skipIf(lacking !== undefined)(title("firmware boots from sidus alone", lacking), () => {
  let nodes: RowRoom;

  beforeAll(async () => {
    nodes = await openRowRoom([...first, ...others.flat()], await nodeTree());
    await nodes.room.start();
  }, BUILD_MS);
  afterAll(() => nodes?.[Symbol.asyncDispose]());

  test(`three at once: ${titles(first)}`, { timeout: ROW_MS }, () => nodes.boot(first));

  for (const pair of others) {
    test.skipIf(lackingForAll !== undefined)(
      title(titles(pair), lackingForAll),
      { timeout: ROW_MS },
      () => nodes.boot(pair),
    );
  }

  test("one DHCP server is heard: ours", () => {
    expect(nodes.wire.dhcpSenders(2)).toEqual([nodes.room.server]);
  });
});
