import type { Quirk } from "./quirk.ts";

/** What is odd in how firmware and loaders fetch files, and in what they make of them. */
export const loadingQuirks: readonly Quirk[] = [
  {
    id: "uefi-size-probe",
    firmware: "edk2 and UEFI made of it",
    symptom:
      "ERROR 8 `User aborted the transfer`, at once after the OACK: it only asked for the size (tsize)",
    treatment: "no failure: the transfer that follows counts; without tsize it would not boot",
    source: ["boots/c-uefi-grub", "pin/tftp#125", "sirMackk/py3tftp#10"],
    test: {
      file: "test/tftp/server.test.ts",
      name: "OVMF asks for the size and breaks off with ERROR 8: nothing was begun, nothing failed",
    },
  },
  {
    id: "shim-512-byte-blocks",
    firmware: "shim",
    symptom: "fetches GRUB without options, 512 bytes a block: seconds where the network is far",
    treatment: "only GRUB itself comes so; kernel and initrd follow by HTTP where GRUB can",
    source: ["rhboot/shim#618"],
    test: {
      file: "test/tftp/server.test.ts",
      name: "without options DATA 1 answers at once; netascii is converted and has no tsize",
    },
  },
  {
    id: "uefi-1024-byte-blocks",
    firmware: "QEMU's UEFI of 2017",
    symptom: "downloads stop with blocks of more than 1024 bytes",
    treatment: "today's asks for 1468 and takes them: newer firmware, or UEFI HTTP boot",
    source: ["crowbar/crowbar-core#1078", "boots/c-uefi-grub"],
    test: undefined,
  },
  {
    id: "block-number-wraps",
    firmware: "PXELINUX, GRUB, iPXE",
    symptom:
      "files of more than 65,535 blocks: the number starts again, which RFC 1350 does not know",
    treatment: "0 follows 65535, as all of them expect",
    source: ["troglobit/uftpd#45", "pypxe/PyPXE#94"],
    test: {
      file: "test/tftp/transfer.test.ts",
      name: "the block number goes on with 0 after 65535, and the file does not end there",
    },
  },
  {
    id: "uefi-http-no-redirect",
    firmware: "UEFI HTTP boot, Raspberry Pi's HTTP boot",
    symptom: "a 301, as for a doubled slash in the path, ends the boot",
    treatment: "paths are cleaned where they are asked for; nothing is ever redirected",
    source: ["tinkerbell/smee#229", "tianocore/edk2#9714", "raspberrypi/rpi-eeprom#475"],
    test: { file: "test/boot/quirks.test.ts", name: "uefi-http-no-redirect" },
  },
  {
    id: "grub-content-length",
    firmware: "GRUB 2.06",
    symptom: "files by HTTP are empty where the header is not spelled `Content-Length: `",
    treatment: "it is spelled so",
    source: ["rhboot/grub2#216"],
    test: {
      file: "test/http/file-reply.test.ts",
      name: "GET: 200 and all of it, with the header names spelled as GRUB wants them",
    },
  },
  {
    id: "pxelinux-ipappend",
    firmware: "PXELINUX with `ipappend 1` or `3`, before Debian 12's initramfs",
    symptom: "its `ip=` of four fields beside BOOTIF: `shift: can't shift that many`, then a panic",
    treatment: "IPAPPEND 2, and `ip=dhcp` on the command line",
    source: ["initramfs-tools 0.142, _update_ip_param"],
    test: { file: "test/boot/quirks.test.ts", name: "pxelinux-ipappend" },
  },
  {
    id: "many-cards",
    firmware: "Linux on nodes with several network cards",
    symptom: "up to 15 s a card without a cable until the one that netbooted is tried",
    treatment: "every loader passes on which one it was: BOOTIF",
    source: ["stevenshiau/clonezilla#152", "poseidon/matchbox#410"],
    test: { file: "test/boot/quirks.test.ts", name: "many-cards" },
  },
  {
    id: "secure-boot-unsigned",
    firmware: "UEFI with Secure Boot on",
    symptom:
      "a loader that is not signed is fetched whole, then refused: `Access denied`, the next boot device",
    treatment: "Debian's signed shim goes first; for iPXE, Secure Boot must be off",
    source: ["FOGProject/fogproject#597", "ipxe/ipxe#1776"],
    test: {
      file: "test/boot/loader.test.ts",
      name: "UEFI x64 is 7, and 9 as well: signed GRUB before plain GRUB before iPXE",
    },
  },
  {
    id: "shim-forgets-directory",
    firmware: "shim",
    symptom:
      "looks for GRUB beside the boot file of the DHCP header's `file`, or at the root where only option 67 names one",
    treatment: "loaders are at the root, and both name the boot file",
    source: ["rhboot/shim#710", "rhboot/shim#300"],
    test: {
      file: "test/dhcp/answer.test.ts",
      name: "firmware gets the boot file twice and the server twice, and no root path",
    },
  },
  {
    id: "shim-asks-dhcp-server",
    firmware: "shim 15",
    symptom:
      "in proxy mode it asks the server that gave the address for GRUB, though it came from here",
    treatment:
      "iPXE goes first in proxy mode; with Secure Boot, the other server must name us as its next-server",
    source: ["rhboot/shim#165", "rhboot/shim#137"],
    test: { file: "test/boot/loader.test.ts", name: "UEFI gets iPXE first, GRUB after it" },
  },
  {
    id: "grub-no-proxydhcp",
    firmware: "GRUB",
    symptom:
      "in proxy mode it asks the server that gave the address for grub.cfg: a prompt, or `time out opening`",
    treatment: "iPXE goes first in proxy mode, or the other server names us as its next-server",
    source: ["rhboot/grub2#56", "rhboot/grub2#87", "ltsp/ltsp#108"],
    test: { file: "test/boot/loader.test.ts", name: "UEFI gets iPXE first, GRUB after it" },
  },
  {
    id: "grub-http-boot",
    firmware: "GRUB of Debian 12, fetched by UEFI HTTP boot",
    symptom: "it asks the PXE stack where it came from, which knows nothing: a prompt `grub>`",
    treatment:
      "firmware that boots by HTTP gets iPXE; where Secure Boot refuses that, or GRUB was chosen, a disk with GRUB on it",
    source: ["seen with OVMF 2022.11 and GRUB 2.06-13+deb12u2 in QEMU"],
    test: {
      file: "test/boot/loader.test.ts",
      name: "HTTP boot leaves GRUB without a server: it comes on a disk, after iPXE unless it was chosen",
    },
  },
  {
    id: "ipxe-loop",
    firmware: "iPXE, where a DHCP server does not see that it is",
    symptom: "it fetches iPXE again and again",
    treatment:
      "user class or option 175 is enough for us: it gets its script, by HTTP; only one server may name the file",
    source: ["danderson/netboot#77", "xcat2/xcat-core#7645", "ipxe/ipxe#203"],
    test: {
      file: "test/boot/loader.test.ts",
      name: "iPXE gets its script, or the loader that it is to start",
    },
  },
  {
    id: "ipxe-escapes-wrongly",
    firmware: "iPXE of 2019, as in Debian 12",
    symptom: "a serial number beyond ASCII in a URL: `%FFFFFFFFFFFFC3`, which is no URL",
    treatment:
      "the script asks again without the serial number: such a node is known by its MAC address",
    source: ["iPXE 1.0.0+git-20190125"],
    test: {
      file: "test/boot/served-scripts.test.ts",
      name: "a node that nobody knows says who it is, as far as iPXE can write it",
    },
  },
  {
    id: "ipxe-driver-fails",
    firmware:
      "machines with which snponly.efi, ipxe.efi, undionly.kpxe or ipxe.pxe does not work, never all of them",
    symptom: "iPXE is loaded, finds no network device or hangs, and the firmware comes back",
    treatment:
      "the firmware's own driver first; after two failures the next of them, then GRUB or PXELINUX",
    source: [
      "CSCfi/ansible-role-pxe_config#35",
      "ltsp/ltsp#29",
      "danderson/netboot#63",
      "warewulf/warewulf#681",
    ],
    test: {
      file: "test/boot/loaders.test.ts",
      name: "gets the next loader after two times: the other iPXE, then PXELINUX",
    },
  },
  {
    id: "nfsmount-wants-portmapper",
    firmware: "klibc's nfsmount, in Debian's initramfs",
    symptom:
      "asks TCP port 111 for MOUNT, whatever the options say; without an answer it hangs for minutes",
    treatment: "a portmapper of our own answers there",
    source: ["boots/a-bios-tmpfs"],
    test: { file: "test/rpc/portmap/server.test.ts", name: "the same, and where NFS is" },
  },
  {
    id: "nfsmount-reads-once",
    firmware: "klibc's nfsmount, in Debian's initramfs",
    symptom: "`short read: 4 < 28`: a reply must arrive in one piece, in one fragment",
    treatment: "each reply leaves in one write, as one fragment",
    source: ["boots/a-bios-tmpfs", "klibc 2.0.12, usr/kinit/nfsmount/sunrpc.c"],
    test: {
      file: "test/rpc/connection.test.ts",
      name: "a reply in parts leaves as one fragment in one write",
    },
  },
];
