import { execFileSync } from "node:child_process";
import { copyFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf, outcome, sidus } from "../../sidus.ts";
import { BUILD_MS, debianTree } from "../debian.ts";
import { networkCard, type Qemu, startQemu } from "../qemu.ts";
import { openRoom, type Room } from "../served-room.ts";

/** A node is booted for administration, its changes become the next version, and another node boots that. */

const lacking =
  lackingOf("root", "mmdebstrap", "mkfs.erofs", "qemu-system-x86_64", "ip", "nsenter", "curl") ??
  (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

const BOOT_MS = 600_000;
const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const macs = { admin: "52:54:00:13:20:01", plain: "52:54:00:13:20:02" } as const;

describe.skipIf(lacking !== undefined)(title("changes made on a node", lacking), () => {
  const tree = join(directoryOf({}), "tree");
  let room: Room;
  const machines = new AsyncDisposableStack();

  beforeAll(async () => {
    execFileSync("cp", ["--archive", await debianTree(), tree]);
    addAdministrator(tree);
    room = await openRoom({
      exports: { room: { image: "room" } },
      iscsi: { size: "256M" },
      boot: {
        labels: Object.fromEntries(
          ["tmpfs", "admin"].map((label) => [
            label,
            { append: "console=ttyS0,115200 mitigations=off" },
          ]),
        ),
      },
      nodes: [
        { mac: macs.admin, name: "admin", ip: "10.13.20.11", label: "admin" },
        { mac: macs.plain, name: "plain", ip: "10.13.20.12" },
      ],
    });
    await room.seal("room", tree);
    for (const name of Object.keys(macs)) room.addPort(name);
    await room.start();
  }, BUILD_MS);
  afterAll(async () => {
    await machines.disposeAsync();
    await room?.[Symbol.asyncDispose]();
  });

  function powerOn(name: keyof typeof macs): Qemu {
    const args = ["-m", "1024", ...networkCard(name, macs[name])];
    return machines.use(startQemu(room.namespace, args));
  }

  test("are the next version, and nothing else is", { timeout: 3 * BOOT_MS }, async () => {
    const admin = powerOn("admin");
    await expect.poll(admin.hasEnded, { timeout: BOOT_MS, interval: 500 }).toBe(true);
    expect(admin.console()).toContain("ADMIN: done, on iscsi");

    const where = ["--config", room.config, "--images", room.images];
    const log = join(room.work, "commit.log");
    const args = ["image", "commit", "room", "--from-volume", "admin", ...where, "--log", log];
    const [enter = "", ...flags] = room.namespace.enter;
    const commit = () => outcome(enter, [...flags, process.execPath, main, ...args, "--reset"]);
    // A node that was switched off says nothing: the server finds out after a while, and says so until then.
    await expect
      .poll(async () => (await commit()).stderr, { timeout: BOOT_MS, interval: 5000 })
      .not.toContain(" is in use by ");

    const diff = await sidus("image", "diff", "room", "--images", room.images, "--json");
    const { packages, files } = JSON.parse(diff.stdout);
    expect(packages).toEqual([]);
    expect(files.map(({ kind, path }: Changed) => `${kind} ${path}`)).toEqual([
      "changed /etc/group",
      "changed /etc/gshadow",
      "changed /etc/marker",
      "removed /etc/obsolete",
      "changed /etc/passwd",
      "changed /etc/shadow",
      "added /opt/tool",
      "added /opt/tool/bin",
      "added /opt/tool/bin/tool",
    ]);

    const plain = powerOn("plain");
    const shown = (): boolean => plain.hasEnded() || plain.console().includes("ADMIN: shown");
    await expect.poll(shown, { timeout: BOOT_MS, interval: 500 }).toBe(true);
    expect(plain.console()).toContain("ADMIN: marker changed, obsolete \r\n");
    expect(plain.console()).toContain("ADMIN: tool 4755 daemon, carol");
  });
});

interface Changed {
  readonly kind: string;
  readonly path: string;
}

function addAdministrator(tree: string): void {
  writeFileSync(join(tree, "etc/marker"), "first\n");
  writeFileSync(join(tree, "etc/obsolete"), "");
  copyFileSync(
    fileURLToPath(new URL("admin.sh", import.meta.url)),
    join(tree, "usr/local/bin/administer"),
  );
  execFileSync("chmod", ["755", join(tree, "usr/local/bin/administer")]);
  const unit = "etc/systemd/system/administer.service";
  writeFileSync(
    join(tree, unit),
    "[Unit]\nAfter=multi-user.target sidus-up.service\n[Service]\nType=idle\nExecStart=/usr/local/bin/administer\n",
  );
  symlinkSync(
    `/${unit}`,
    join(tree, "etc/systemd/system/multi-user.target.wants/administer.service"),
  );
}
