import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { treeKernel } from "../../src/image/build/finish.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { BUILD_MS, debianTree } from "./debian.ts";
import { differences, LIST_ALL, listDirectory, recordsOf } from "./listing.ts";
import { writeOddTree } from "./odd-tree.ts";
import { networkCard, startQemu } from "./qemu.ts";
import { openRoom, type Room } from "./served-room.ts";

/** Trees read back whole by Linux's own NFS client, with a Debian system's find, stat and sha256sum. */

const lacking = lackingOf(
  ...(["root", "mmdebstrap", "mkfs.erofs", "busybox", "perl"] as const),
  ...(["qemu-system-x86_64", "ip", "nsenter"] as const),
);

/** A whole Debian tree twice takes this client six minutes; `npm test` reads that with libnfs. */
const all = process.env["SIDUS_E2E"] === "all";

/** A listing is some megabytes. */
const DISK_BYTES = 64 << 20;

describe.skipIf(lacking !== undefined)(title("a Linux client sees the tree", lacking), () => {
  const odd = directoryOf({});
  let debian: string;
  let room: Room;

  beforeAll(async () => {
    writeOddTree(odd);
    debian = await debianTree();
    room = await openRoom({
      exports: {
        debian: { source: debian },
        odd: { source: odd },
        "debian-image": { image: "debian" },
        "odd-image": { image: "odd" },
      },
    });
    await room.seal("debian", debian);
    await room.seal("odd", odd);
    room.addPort("tap1");
    await room.start();
  }, BUILD_MS);
  afterAll(() => room?.[Symbol.asyncDispose]());

  test("names, attributes, links and contents: directories and images", {
    timeout: 600_000,
  }, async () => {
    const debians = all ? { debian, "debian-image": debian } : {};
    const exports = { ...debians, odd, "odd-image": odd };
    const disks = Object.keys(exports).map((name) => emptyDisk(join(room.work, name)));
    const words = ["rdinit=/client", "console=ttyS0", "quiet", "mitigations=off"];
    words.push(`server=${room.server}`, "tools=debian", `lists=${Object.keys(exports).join()}`);
    const { kernel, initrd } = treeKernel(debian);
    await using qemu = startQemu(room.namespace, [
      ...["-m", "1024", "-kernel", join(debian, kernel), "-append", words.join(" ")],
      ...["-initrd", withClient(join(debian, initrd), join(room.work, "initrd"))],
      ...networkCard("tap1", "52:54:00:13:20:01"),
      ...disks.flatMap((disk) => ["-drive", `file=${disk},format=raw,if=virtio`]),
    ]);
    const here = { [debian]: listDirectory(debian), [odd]: listDirectory(odd) };
    await expect.poll(qemu.hasEnded, { timeout: 500_000, interval: 500 }).toBe(true);
    expect(qemu.console()).toContain("CLIENT: done");
    for (const [at, [name, directory]] of Object.entries(exports).entries()) {
      const listed = recordsOf(readFileSync(disks[at] ?? ""));
      expect(differences(listed, here[directory] ?? []), name).toEqual([]);
    }
  });
});

function emptyDisk(path: string): string {
  writeFileSync(path, "");
  truncateSync(path, DISK_BYTES);
  return path;
}

/** An initrd with a first process of ours before what it has: the kernel unpacks one archive after the other. */
function withClient(initrd: string, path: string): string {
  const script = readFileSync(fileURLToPath(new URL("client.sh", import.meta.url)), "utf8");
  const files = directoryOf({ client: script, list: LIST_ALL });
  chmodSync(join(files, "client"), 0o755);
  const archive = execFileSync("busybox", ["cpio", "-o", "-H", "newc"], {
    cwd: files,
    input: "client\nlist\n",
    stdio: ["pipe", "pipe", "ignore"],
  });
  writeFileSync(path, Buffer.concat([archive, readFileSync(initrd)]));
  return path;
}
