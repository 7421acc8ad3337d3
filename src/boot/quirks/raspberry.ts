import type { Quirk } from "./quirk.ts";

/** What is odd in how Raspberry Pis boot from the network. None was here: their documentation and threads say so. */
export const raspberryQuirks: readonly Quirk[] = [
  {
    id: "pi-says-bios",
    firmware: "Raspberry Pi's boot ROM and EEPROM",
    symptom: "option 93 is 0, a PC's BIOS, for which PXELINUX would be offered",
    treatment:
      "its maker's MAC addresses tell it; it gets no boot file but its firmware out of the tree",
    source: ["raspberrypi/documentation#1686", "ltsp/ltsp#417"],
    test: {
      file: "test/boot/loaders.test.ts",
      name: "a Raspberry Pi says that it is a BIOS: it gets its own firmware or nothing",
    },
  },
  {
    id: "pi-wants-its-name",
    firmware: "Raspberry Pi's boot ROM and EEPROM",
    symptom:
      "DISCOVER after DISCOVER: an offer without `Raspberry Pi Boot` in option 43 is not looked at",
    treatment: "it is said, to Raspberry Pis alone: it keeps PCs from booting",
    source: ["raspberrypi/firmware#1265", "raspberrypi/firmware#1808", "raspberrypi/rpi-eeprom#60"],
    test: { file: "test/boot/quirks.test.ts", name: "pi-wants-its-name" },
  },
  {
    id: "pi-ignores-next-server",
    firmware: "Raspberry Pi 3's boot ROM",
    symptom: "asks the DHCP server itself for its files, whatever siaddr and option 66 say",
    treatment:
      "where we give the address we serve the files; in proxy mode it needs TFTP_IP in its EEPROM, or a Pi 4",
    source: ["raspberrypi/firmware#801", "raspberrypi/firmware#871"],
    test: undefined,
  },
  {
    id: "pi-64-mib",
    firmware: "Raspberry Pi's TFTP",
    symptom: "an initrd of more than 65,535 blocks of 1024 bytes is cut, and nobody says so",
    treatment: "MODULES=dep in the tree's initramfs.conf keeps it below 64 MiB",
    source: ["raspberrypi/rpi-eeprom#375", "raspberrypi/rpi-eeprom#720"],
    test: undefined,
  },
];
