import type { Quirk } from "./quirk.ts";

/** What is odd in how firmware, loaders and the kernel ask for addresses. */
export const dhcpQuirks: readonly Quirk[] = [
  {
    id: "ipxe-raw-user-class",
    firmware: "iPXE",
    symptom: "option 77 holds the four bytes iPXE, without the length that RFC 3004 §4 puts first",
    treatment: "both forms are read",
    source: ["boots/a-bios-tmpfs", "jpmikkers/DHCPServer#5"],
    test: { file: "test/dhcp/facts.test.ts", name: "iPXE's ROM, then the kernel's ipconfig" },
  },
  {
    id: "ipxe-without-user-class",
    firmware: "Mellanox FlexBoot and other iPXE of card makers",
    symptom: "no user class: it is told to load iPXE, which it is",
    treatment: "option 175 says iPXE too",
    source: ["warewulf/warewulf3#104"],
    test: { file: "test/boot/quirks.test.ts", name: "ipxe-without-user-class" },
  },
  {
    id: "ipxe-no-pxedhcp",
    firmware: "iPXE",
    symptom: "waits 3 s for a ProxyDHCP server before it takes the offer that it has",
    treatment: "our offer says no-pxedhcp (option 175, 176 = 1) where we give the address",
    source: ["boots/k-fast", "boots/a-bios-tmpfs"],
    test: {
      file: "test/dhcp/answer.test.ts",
      name: "iPXE is told not to wait for a ProxyDHCP server, where it speaks iPXE's options",
    },
  },
  {
    id: "ipxe-seeks-ipv6-routers",
    firmware: "iPXE before 2021, as in Debian 12's QEMU",
    symptom:
      "13 s of `Configuring` after the DHCP ACK: six router solicitations, which nobody answers",
    treatment: "any router advertisement on the network ends it; it harms nothing but time",
    source: ["boots/a-bios-tmpfs", "boots/k-fast"],
    test: undefined,
  },
  {
    id: "x64-says-9",
    firmware: "UEFI of x64 machines",
    symptom:
      "option 93 is 7 on some and 9 on others: RFC 4578 §2.1 and IANA's list name them the other way round",
    treatment: "both are x64",
    source: ["opnsense/core#2669", "xcat2/xcat-core#7645", "boots/c-uefi-grub"],
    test: {
      file: "test/boot/loader.test.ts",
      name: "UEFI x64 is 7, and 9 as well: signed GRUB before plain GRUB before iPXE",
    },
  },
  {
    id: "arm64-says-11",
    firmware: "UEFI of ARM64 machines",
    symptom: "option 93 is 11, 0x000b, which configurations in hexadecimal take for 0x11",
    treatment: "architectures are numbers here",
    source: ["netbootxyz/netboot.xyz-docs#175"],
    test: { file: "test/boot/loader.test.ts", name: "ARM64 says 11, 0x000b: not 0x11" },
  },
  {
    id: "text-ends-in-nul",
    firmware: "clients and servers that send C strings",
    symptom:
      "texts of options end in a NUL, which RFC 2132 §2 forbids: names and classes match nothing",
    treatment: "it is cut off what is read, and not sent",
    source: ["boots/a-bios-tmpfs", "raspberrypi/firmware#871"],
    test: { file: "test/boot/quirks.test.ts", name: "text-ends-in-nul" },
  },
  {
    id: "no-uuid",
    firmware: "Intel boot agents",
    symptom: "no option 97, which PXE 2.1 §2.2.1 asks for",
    treatment: "whoever says an architecture is firmware, with a UUID or without",
    source: ["danderson/pixiecore#21"],
    test: { file: "test/boot/quirks.test.ts", name: "no-uuid" },
  },
  {
    id: "uuid-byte-order",
    firmware: "SMBIOS before 2.6, and all that copies its bytes",
    symptom: "one machine's UUID in two spellings: the first three fields in either byte order",
    treatment: "a node is known by its UUID in either order",
    source: ["ipxe/ipxe#542", "siderolabs/go-smbios#8"],
    test: { file: "test/boot/inventory.test.ts", name: "by its UUID in either byte order" },
  },
  {
    id: "pxeclient-without-43",
    firmware: "edk2 (PxeBcParseDhcp4Packet) and UEFI made of it",
    symptom:
      "an offer with option 60 PXEClient but no option 43: it asks at port 4011 and ends there",
    treatment:
      "who gives the address says no option 60 without 43; a proxy may, as it answers at port 4011",
    source: ["FOGProject/fog-docs#188", "tianocore/edk2#8149"],
    test: { file: "test/boot/quirks.test.ts", name: "pxeclient-without-43" },
  },
  {
    id: "proxy-ignored",
    firmware: "UEFI of HP DL380 Gen9, of some HP laptops, and edk2 before 2017",
    symptom: "in proxy mode it takes no offer, or only the address: never a request at port 4011",
    treatment:
      "its own DHCP server must name next-server and boot file; or UEFI HTTP boot, `dhcp: mode: server`, a boot medium",
    source: ["danderson/netboot#43", "garybowers/bootimus#77", "tianocore/edk2#6944"],
    test: undefined,
  },
  {
    id: "other-dhcp-server",
    firmware: "all",
    symptom: "its REQUEST names another server, whose offer came first or was more to its liking",
    treatment:
      "one of both must go, or `dhcp: mode: proxy` beside it; `sidus doctor --listen` names it",
    source: ["RFC 2131 §3.1", "ltsp/ltsp#446"],
    test: {
      file: "test/dhcp/answer.test.ts",
      name: "SELECTING another server: silence, and the offer is free for others",
    },
  },
  {
    id: "ipconfig-wants-broadcast",
    firmware: "klibc's ipconfig, in Debian's initramfs",
    symptom: "takes replies by broadcast only, as its broadcast bit says",
    treatment: "every client without an address is answered by broadcast",
    source: ["boots/a-bios-tmpfs", "boots/l-dhcp-broadcast"],
    test: {
      file: "test/dhcp/answer.test.ts",
      name: "to the relay, to the client's address, or to all",
    },
  },
  {
    id: "client-id-changes",
    firmware: "iPXE sends option 61, klibc's ipconfig none",
    symptom: "one node gets two addresses in one boot where leases are kept by client identifier",
    treatment: "leases are kept by MAC address",
    source: ["boots/a-bios-tmpfs", "coreos/bugs#2166"],
    test: {
      file: "test/dhcp/answer.test.ts",
      name: "the firmware and the kernel of one node get one address, whatever their client identifiers",
    },
  },
  {
    id: "ipconfig-waits-10-s",
    firmware: "klibc's ipconfig, in Debian's initramfs",
    symptom:
      "10 s of nothing after `no response after 2 secs`: its first packet met a link that was still down",
    treatment: "a hook in the initrd brings the link up before",
    source: ["boots/k-fast", "stevenshiau/clonezilla#152"],
    test: {
      file: "test/image/linkup.test.ts",
      name: "BOOTIF of PXELINUX names the only card that is brought up",
    },
  },
  {
    id: "grub-short-ack",
    firmware: "GRUB 2.06 on UEFI, started by PXE",
    symptom:
      "behind a router it stands at its prompt: of the firmware's DHCP ACK it reads 64 bytes of options, as BOOTP has",
    treatment: "the router (option 3) follows the mask, before all that is long",
    source: ["Debian grub-efi-amd64-bin 2.06-13+deb12u2", "RFC 951 §3"],
    test: {
      file: "test/dhcp/subnets.test.ts",
      name: "the router follows the mask, before all that is long",
    },
  },
];
