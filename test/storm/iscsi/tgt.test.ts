import { truncateSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { startTgt } from "../../../bench/iscsi/servers.ts";
import { addServerInterface, openNamespace } from "../../namespace.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";

const script = fileURLToPath(new URL("replay-process.ts", import.meta.url));
const lacking = lackingOf("root", "tgtd", "tgtadm", "unshare", "nsenter", "ss");
const BYTES = 64 << 20;

describe.skipIf(lacking !== undefined)(
  title("iSCSI of a simulated node, with tgt", lacking),
  () => {
    test("a recorded boot with another target: its disk is found at LUN 1, all is done and verified", async () => {
      await using servers = new AsyncDisposableStack();
      const namespace = servers.use(await openNamespace());
      addServerInterface(namespace, "room0", "10.13.20.1/24");
      const file = join(directoryOf({ "disk.img": "" }), "disk.img");
      truncateSync(file, BYTES);
      const server = await startTgt({ namespace, file, bytes: BYTES }, servers);
      const where = [server.address, String(server.port), server.target];
      const told = JSON.parse(namespace.run(process.execPath, script, ...where));
      expect(told.failures).toEqual([]);
      // REPORT LUNS is the trace's own; what each unit is, is asked besides.
      expect(told.added).toBe(2);
      expect(told.answers).toBe(1 + told.commands + 80 + told.added);
      expect(told.verifiedBytes).toBeGreaterThanOrEqual(40 * 1024 * 512);
      expect(told).toMatchObject({ complaints: [], differences: [], retransmits: 0 });
    });
  },
);
