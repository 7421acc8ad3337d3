import { type MacAddress, parseMac } from "../bytes/mac.ts";
import { Architecture, type NodeFacts } from "./facts.ts";
import type { Plan } from "./plan.ts";

/**
 * Raspberry Pi boots from the network without a loader (documentation "Raspberry Pi boot modes", "Network boot your
 * Raspberry Pi"): its firmware says PXE architecture 0, takes no boot file's name, and asks the TFTP server for files of
 * fixed names below a directory that its EEPROM names: by default the last 8 digits of the serial number, else its MAC
 * address, else none. Then config.txt names the kernel and the initrd, which come out of the same directory.
 */

/** Makers' prefixes of Raspberry Pi Ltd and its Foundation (IEEE's list). */
const makers = ["28cdc1", "2ccf67", "88a29e", "b827eb", "d83add", "dca632", "e45f01"];

/** What the boards from the Pi 4 on fetch first; it stands for all of the firmware. */
export const RASPBERRY_LOADER = "start4.elf";

/** Another operating system's loader on a Pi, and UEFI on it, say what they are. */
export function isRaspberryPi({ mac, architecture, isIpxe }: NodeFacts): boolean {
  if (architecture === Architecture.RASPBERRY_PI) return true;
  return architecture === Architecture.BIOS && !isIpxe && makers.includes(mac.slice(0, 6));
}

/** Kernel and initrd by the names that `configTxt` gives them. */
const KERNEL = "kernel8.img";
const INITRD = "initramfs8";

/** What a Pi asked for, and what its directory's name says of it. */
export interface RaspberryRequest {
  /** 8 hexadecimal digits. */
  readonly serial: string | undefined;
  readonly mac: MacAddress | undefined;
  /** Without the directory: `start4.elf`, `overlays/README`. */
  readonly file: string;
}

/** Firmware, its settings and what describes the board: nothing else is looked for in these directories. */
const firmware =
  /^(?:bootcode\.bin|(?:start|fixup)[a-z0-9_]*\.(?:elf|dat)|config\.txt|cmdline\.txt|kernel8\.img|initramfs8|bcm[a-z0-9-]+\.dtb|overlays\/[A-Za-z0-9_-]+\.(?:dtbo|dtb))$/;

export function readRaspberryRequest(name: string): RaspberryRequest | undefined {
  const [, serial, dashed, file = ""] =
    /^(?:([0-9a-f]{8})\/|((?:[0-9a-f]{2}-){5}[0-9a-f]{2})\/)?(.+)$/i.exec(name) ?? [];
  if (!firmware.test(file)) return undefined;
  const mac = dashed === undefined ? undefined : parseMac(dashed);
  return { serial: serial?.toLowerCase(), mac, file };
}

/** Where Debian's raspi-firmware puts firmware, and its hook copies it; undefined: no such file. */
export function raspberryPath(file: string): readonly string[] | undefined {
  if (!firmware.test(file)) return undefined;
  return [`/boot/firmware/${file}`, `/usr/lib/raspi-firmware/${file}`];
}

/** Where Debian's kernel has the descriptions of boards, without the hook. */
export function deviceTreePath(file: string, kernelVersion: string): string | undefined {
  if (!file.endsWith(".dtb") || file.includes("/")) return undefined;
  return `/usr/lib/linux-image-${kernelVersion}/broadcom/${file}`;
}

type LinuxPlan = Extract<Plan, { kind: "linux" }>;

/** What is made for the node: text, or the name of a file that is served to all; undefined: neither. */
export function raspberryFile(
  file: string,
  plan: LinuxPlan,
): { readonly text: string } | { readonly name: string } | undefined {
  switch (file) {
    case "config.txt":
      return { text: configTxt() };
    case "cmdline.txt":
      // One line: firmware takes the first only.
      return { text: `${plan.commandLine}\n` };
    case KERNEL:
      return { name: plan.kernel };
    case INITRD:
      return { name: plan.initrd };
    default:
      return undefined;
  }
}

/** As Debian's raspi-firmware writes it, with names that are the same for each kernel. */
function configTxt(): string {
  return [
    "# for this node, by sidus",
    "arm_64bit=1",
    "enable_uart=1",
    "upstream_kernel=1",
    `kernel=${KERNEL}`,
    `initramfs ${INITRD} followkernel`,
    "",
  ].join("\n");
}
