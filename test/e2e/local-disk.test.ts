import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addServerInterface, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, serveIn } from "../sidus.ts";

const lacking = lackingOf(
  "root",
  "qemu-system-x86_64",
  "ip",
  "nsenter",
  "/usr/lib/PXELINUX/pxelinux.0",
);
const message = "started from its own disk\r\n";

/** A boot sector that writes the message to the first serial port and halts. */
function bootSector(): Uint8Array {
  const sector = new Uint8Array(512);
  sector.set([
    ...[0xbe, 0x11, 0x7c], // mov si, 0x7c11
    ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
    0xac, // lodsb
    ...[0x84, 0xc0], // test al, al
    ...[0x74, 0x03], // jz +3
    0xee, // out dx, al
    ...[0xeb, 0xf8], // jmp -8
    0xf4, // hlt
    ...[0xeb, 0xfd], // jmp -3
    ...new TextEncoder().encode(`${message}\0`),
  ]);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

test.skipIf(lacking !== undefined)(
  title("label local: firmware goes on to the node's own disk", lacking),
  { timeout: 120_000 },
  async () => {
    const tree = directoryOf({});
    for (const loader of ["/usr/lib/PXELINUX", "/usr/lib/syslinux/modules/bios"]) {
      cpSync(loader, join(tree, loader), { recursive: true });
    }
    const work = directoryOf({ "sidus.yaml": "" });
    await using cleanup = new AsyncDisposableStack();
    for (const directory of [tree, work])
      cleanup.defer(() => rmSync(directory, { recursive: true }));
    const namespace = cleanup.use(await openNamespace());
    addServerInterface(namespace, "room0", "10.13.20.1/24");
    namespace.run("ip", "tuntap", "add", "tap1", "mode", "tap");
    namespace.run("ip", "link", "set", "tap1", "master", "room0", "up");
    const config = join(work, "sidus.yaml");
    writeFileSync(
      config,
      `interface: room0
state: ${work}/state
dhcp: { range: 10.13.20.50-10.13.20.99 }
exports: { sidus: { source: ${tree} } }
nodes: [{ mac: 52:54:00:13:20:01, label: local, loader: pxelinux }]
`,
    );
    cleanup.use(await serveIn(namespace, config, join(work, "ready")));
    const disk = join(work, "disk.img");
    writeFileSync(disk, bootSector());

    const qemu = namespace.spawn(
      "qemu-system-x86_64",
      [
        ...[
          "-accel",
          "tcg",
          "-machine",
          "pc,graphics=off",
          "-m",
          "256",
          "-nodefaults",
          "-vga",
          "none",
        ],
        ...["-display", "none", "-serial", "stdio", "-no-reboot"],
        ...["-drive", `file=${disk},format=raw,if=ide`],
        ...["-netdev", "tap,id=net0,ifname=tap1,script=no,downscript=no"],
        ...["-device", "virtio-net-pci,netdev=net0,mac=52:54:00:13:20:01,bootindex=1"],
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    cleanup.defer(() => void qemu.kill("SIGKILL"));
    let console = "";
    qemu.stdout?.on("data", (bytes: Buffer) => {
      console += bytes.toString("latin1");
    });
    await expect.poll(() => console, { timeout: 90_000, interval: 250 }).toContain(message);
    expect(console).toContain("PXELINUX");
  },
);
