import { copyFileSync } from "node:fs";

/** What a node starts with. */
export const firmwares = ["bios", "uefi", "secure-boot"] as const;
export type Firmware = (typeof firmwares)[number];

/** Where Debian's package ovmf has it. */
const ovmf = "/usr/share/OVMF";
const code = { uefi: "OVMF_CODE_4M.fd", "secure-boot": "OVMF_CODE_4M.secboot.fd" } as const;
/** With Microsoft's keys, which signed Debian's shim, where they are to be asked. */
const variables = { uefi: "OVMF_VARS_4M.fd", "secure-boot": "OVMF_VARS_4M.ms.fd" } as const;

/** QEMU's arguments for the machine and its firmware. UEFI writes to its variables: `variablesFile` becomes a copy of them. */
export function firmwareArguments(firmware: Firmware, variablesFile: string): string[] {
  if (firmware === "bios") return ["-machine", "pc,graphics=off"];
  copyFileSync(`${ovmf}/${variables[firmware]}`, variablesFile);
  const flash = [
    ...["-drive", `if=pflash,format=raw,readonly=on,file=${ovmf}/${code[firmware]}`],
    ...["-drive", `if=pflash,format=raw,file=${variablesFile}`],
  ];
  if (firmware === "uefi") return ["-machine", "q35,graphics=off", ...flash];
  // Else the system could change the keys behind the firmware's back.
  const guarded = ["-global", "driver=cfi.pflash01,property=secure,value=on"];
  return ["-machine", "q35,smm=on,graphics=off", ...guarded, ...flash];
}

/** BIOS boots with the iPXE in the network card; UEFI brings a network stack of its own. */
export function romArguments(firmware: Firmware): string {
  return firmware === "bios" ? "" : ",romfile=";
}
