import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { BUILD_MS } from "../debian.ts";
import { openRowRoom, type RowRoom } from "./nodes.ts";
import { leaseServer, type Peer } from "./peers.ts";
import { lackingForAll, lacking as lackingForRows, type Row, rows, titles } from "./rows.ts";
import { nodeTree } from "./tree.ts";

/** `sidus medium`, where only a DHCP server answers that knows nothing of us. */

const ROW_MS = 600_000;
const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const file = join(directoryOf({}), "boot.iso");

const drive = `file=${file},format=raw,if=none,id=medium,readonly=on`;
const disc = ["-drive", `${drive},media=cdrom`, "-device", "ide-cd,drive=medium,bootindex=1"];
const stick = ["-drive", drive, "-device", "qemu-xhci"];
stick.push("-device", "usb-storage,drive=medium,bootindex=1");

function from(medium: readonly string[], what: string, row: Row, fetches: readonly string[]): Row {
  const { computer, says } = row;
  return { title: `${what}: ${row.title}`, computer: { ...computer, medium }, says, fetches };
}

const byHttp = rows.ipxe.fetches.slice(-2);
const byTftp = rows.secureBoot.fetches.slice(-2);
const quick = [
  from(stick, "stick", rows.ipxe, ["http /boot.ipxe", ...byHttp]),
  from(disc, "CD", rows.secureBoot, ["tftp grub/grub.cfg", ...byTftp]),
];
const more = [
  from(disc, "CD", rows.ipxe, ["http /boot.ipxe", ...byHttp]),
  from(stick, "stick", rows.grub, ["http /grub/grub.cfg", ...byHttp]),
];

const late = from(disc, "CD, before the server", rows.ipxe, ["http /boot.ipxe", ...byHttp]);

const lacking = lackingForRows ?? lackingOf("xorriso", "mformat", "/usr/lib/ISOLINUX/isolinux.bin");

describe.skipIf(lacking !== undefined)(title("nodes boot from a medium", lacking), () => {
  let nodes: RowRoom;
  let leases: Peer;

  beforeAll(async () => {
    const settings = { dhcp: { mode: "off" } };
    nodes = await openRowRoom([...quick, ...more, late], await nodeTree(), settings);
    const { room } = nodes;
    leases = await leaseServer(room);
    const args = ["medium", "--out", file, "--config", room.config];
    room.namespace.run(process.execPath, main, ...args);
    await room.start();
  }, BUILD_MS);
  afterAll(async () => {
    await leases?.[Symbol.asyncDispose]();
    await nodes?.[Symbol.asyncDispose]();
  });

  test(titles(quick), { timeout: ROW_MS }, () => nodes.boot(quick));

  test.skipIf(lackingForAll !== undefined)(
    title(titles(more), lackingForAll),
    { timeout: ROW_MS },
    () => nodes.boot(more),
  );

  test.skipIf(lackingForAll !== undefined)(
    title("says what is wrong where the server does not answer, and asks again", lackingForAll),
    { timeout: ROW_MS },
    async () => {
      await nodes.room.served().stop();
      await nodes.boot([late], {
        async meanwhile(machines) {
          for (const machine of machines) {
            const says = () => machine.console().replaceAll(/\s+/g, " ");
            await expect.poll(says, { timeout: ROW_MS }).toContain("does not boot this node");
          }
          await nodes.room.start();
        },
      });
    },
  );

  test("nobody else answered DHCP", () => {
    expect(nodes.wire.dhcpSenders(2)).toEqual(["10.13.20.2"]);
  });
});
