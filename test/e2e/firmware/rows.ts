import { lackingOf } from "../../needs.ts";
import { type Computer, type Said, startedBy } from "./machine.ts";

/** Every boot below, or those that `npm test` has time for. */
export const all = process.env["SIDUS_E2E"] === "all";

export const lacking = lackingOf(
  ...(["root", "mmdebstrap", "gcc", "busybox", "ip", "nsenter", "dnsmasq", "tcpdump"] as const),
  ...(["tshark", "curl", "qemu-system-x86_64", "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"] as const),
);

/** Why a test that only `npm run e2e` has time for is skipped. */
export const lackingForAll = lacking ?? (all ? undefined : "npm run e2e runs it");

/** One computer, what it is given, and what must then have happened. */
export interface Row {
  readonly title: string;
  readonly computer: Computer;
  /** Of sidus.yaml; undefined: what fits the firmware. */
  readonly loader?: string;
  readonly says: Omit<Said, "words">;
  /** In this order, among others. */
  readonly fetches: readonly string[];
}

const kernel = "room/boot/vmlinuz";
const initrd = "room/boot/node.img";
const byTftp = [`tftp ${kernel}`, `tftp ${initrd}`];
const byHttp = [`http /${kernel}`, `http /${initrd}`];

const bios = { firmware: "bios", secureboot: "off" } as const;
const uefi = { firmware: "uefi", secureboot: "off" } as const;

const pxelinux = ["tftp pxelinux.0", "tftp ldlinux.c32", ...byTftp];

export const rows = {
  pxelinux: {
    title: "BIOS, e1000: PXELINUX",
    computer: { firmware: "bios", card: "e1000" },
    loader: "pxelinux",
    says: { loader: startedBy.syslinux, ...bios },
    fetches: pxelinux,
  },
  pxelinuxVirtio: {
    title: "BIOS, virtio: PXELINUX",
    computer: { firmware: "bios" },
    loader: "pxelinux",
    says: { loader: startedBy.syslinux, ...bios },
    fetches: pxelinux,
  },
  lpxelinux: {
    title: "BIOS: lpxelinux, then HTTP",
    computer: { firmware: "bios" },
    loader: "lpxelinux",
    says: { loader: startedBy.syslinux, ...bios },
    fetches: ["tftp lpxelinux.0", ...byHttp],
  },
  ipxe: {
    title: "BIOS: iPXE, by HTTP alone",
    computer: { firmware: "bios" },
    says: { loader: startedBy.ipxe, ...bios },
    fetches: ["http /boot.ipxe", ...byHttp],
  },
  grub: {
    title: "UEFI: GRUB by TFTP, then HTTP",
    computer: { firmware: "uefi" },
    loader: "grub",
    says: { loader: startedBy.grub, ...uefi },
    fetches: ["tftp grubnetx64.efi", "tftp grub/grub.cfg", ...byHttp],
  },
  uefiIpxe: {
    title: "UEFI: iPXE, then HTTP",
    computer: { firmware: "uefi" },
    loader: "ipxe",
    says: { loader: startedBy.stub, ...uefi },
    fetches: ["tftp snponly.efi", "http /boot.ipxe", ...byHttp],
  },
  uefiRom: {
    title: "UEFI, e1000 with iPXE in it: by HTTP alone",
    computer: { firmware: "uefi", card: "e1000", rom: true },
    says: { loader: startedBy.stub, ...uefi },
    fetches: ["http /boot.ipxe", ...byHttp],
  },
  httpBoot: {
    title: "UEFI HTTP boot",
    computer: { firmware: "uefi", httpBoot: true },
    says: { loader: startedBy.stub, ...uefi },
    fetches: ["http /snponly.efi", "http /boot.ipxe", ...byHttp],
  },
  secureBoot: {
    title: "UEFI, Secure Boot: shim, signed GRUB, signed kernel",
    computer: { firmware: "secure-boot" },
    says: { loader: startedBy.stub, firmware: "uefi", secureboot: "on" },
    fetches: ["tftp shimx64.efi", "tftp grubx64.efi", "tftp grub/grub.cfg", ...byTftp],
  },
  secureHttpBoot: {
    title: "UEFI HTTP boot, Secure Boot: a disk with shim and signed GRUB",
    computer: { firmware: "secure-boot", httpBoot: true },
    loader: "shim",
    says: { loader: startedBy.stub, firmware: "uefi", secureboot: "on" },
    fetches: ["http /uefi-x64.img", "tftp grub/grub.cfg", ...byTftp],
  },
} as const satisfies Readonly<Record<string, Row>>;

export function titles(some: readonly Row[]): string {
  return some.map((row) => row.title).join("; ");
}
