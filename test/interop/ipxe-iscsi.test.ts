import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type ChapSettings,
  type IscsiEvent,
  openFile,
  serveIscsi,
} from "../../src/library/iscsi.ts";
import { startQemu } from "../e2e/qemu.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";

/** iPXE, from the ROM of QEMU's network card, starts a computer from a volume. */

const lacking = lackingOf("qemu-system-x86_64", "/usr/lib/ipxe/qemu/pxe-virtio.rom");

const name = "iqn.2024-01.org.example:disk";
const chap: ChapSettings = {
  user: "node1",
  secret: "secret-of-node1",
  mutual: { user: "target", secret: "secret-of-target" },
};

/** Where QEMU's user network shows this machine's 127.0.0.1. */
const HOST = "10.0.2.2";
const BOOT_MS = 120_000;
const SECTOR_BYTES = 512;

const message = "NODE: this came from block 1\r\n";

/**
 * For the first sector, at 7C00h in real mode, the BIOS' number of the disk in DL: reads block 1, writes it to block 2,
 * prints it on COM1 up to its first zero, and halts; without a word where the disk fails.
 */
const program = [
  ...[0x31, 0xc0], // ........................ xor ax, ax
  ...[0x8e, 0xd8], // ........................ mov ds, ax
  ...[0x8e, 0xd0], // ........................ mov ss, ax
  ...[0xbc, 0x00, 0x7c], // .................. mov sp, 7C00h
  ...[0xbe, 0x31, 0x7c], // .................. mov si, packet
  ...[0xb4, 0x42], // ........................ mov ah, 42h      extended read
  ...[0xcd, 0x13], // ........................ int 13h
  ...[0x72, 0x1c], // ........................ jc halt
  ...[0xc7, 0x44, 0x08, 0x02, 0x00], // ...... mov word [si + 8], 2
  ...[0xb8, 0x00, 0x43], // .................. mov ax, 4300h    extended write
  ...[0xcd, 0x13], // ........................ int 13h
  ...[0x72, 0x10], // ........................ jc halt
  ...[0xbe, 0x00, 0x7e], // .................. mov si, 7E00h
  // next:
  ...[0xac], // .............................. lodsb
  ...[0x84, 0xc0], // ........................ test al, al
  ...[0x74, 0x08], // ........................ jz halt
  ...[0xb4, 0x01], // ........................ mov ah, 1        to a serial port
  ...[0x31, 0xd2], // ........................ xor dx, dx       COM1
  ...[0xcd, 0x14], // ........................ int 14h
  ...[0xeb, 0xf3], // ........................ jmp next
  // halt:
  ...[0xf4], // .............................. hlt
  ...[0xeb, 0xfd], // ........................ jmp halt
  // packet: its length, how many blocks, where to (0000h:7E00h), and the first block.
  ...[
    0x10, 0x00, 0x01, 0x00, 0x00, 0x7e, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  ],
];

/** 64 MiB that a BIOS starts. */
function bootDisk(file: string): void {
  const fd = openSync(file, "w");
  writeSync(fd, Buffer.from(program), 0, program.length, 0);
  writeSync(fd, Buffer.from([0x55, 0xaa]), 0, 2, SECTOR_BYTES - 2);
  writeSync(fd, message, SECTOR_BYTES);
  closeSync(fd);
  truncateSync(file, 64 << 20);
}

/** Its network has this machine and a TFTP server, which iPXE gets a script from. */
function networkOf(directory: string): string[] {
  return [
    ...["-netdev", `user,id=net,ipv6=off,tftp=${directory},bootfile=script.ipxe`],
    ...["-device", "virtio-net-pci,netdev=net,bootindex=1"],
  ];
}

function credentials(settings: ChapSettings | undefined): string[] {
  if (settings === undefined) return [];
  const { user, secret, mutual } = settings;
  const own = [`set username ${user}`, `set password ${secret}`];
  if (mutual === undefined) return own;
  return [...own, `set reverse-username ${mutual.user}`, `set reverse-password ${mutual.secret}`];
}

describe.skipIf(lacking !== undefined)(title("iPXE", lacking), () => {
  test.concurrent.for([
    ["without CHAP", undefined],
    ["with CHAP both ways", chap],
  ] as const)(
    "sanboot %s starts the program on the disk, which reads and writes",
    {
      timeout: 2 * BOOT_MS,
    },
    async ([_, settings]) => {
      const directory = directoryOf({});
      const file = join(directory, "disk.img");
      bootDisk(file);
      const events: IscsiEvent[] = [];
      await using volume = openFile(file);
      await using server = await serveIscsi({
        port: 0,
        targets: [{ name, volume, ...(settings === undefined ? {} : { chap: settings }) }],
        onEvent: (event) => events.push(event),
      });
      const sanboot = `sanboot iscsi:${HOST}::${server.port}:0:${name}`;
      const lines = ["#!ipxe", ...credentials(settings), sanboot];
      const script = directoryOf({ "script.ipxe": lines.join("\n") });
      await using node = startQemu({ spawn }, ["-m", "64", ...networkOf(script)]);
      await expect
        .poll(() => node.console(), { timeout: BOOT_MS, interval: 100 })
        .toContain(message);
      const disk = readFileSync(file);
      const block = (n: number): Buffer => disk.subarray(n * SECTOR_BYTES, (n + 1) * SECTOR_BYTES);
      expect(block(2)).toEqual(block(1));
      expect(events).toMatchObject([{ kind: "session", outcome: "began", target: name }]);
    },
  );
});
