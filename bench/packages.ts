import { missingPackages, requirePackages } from "../src/cli/packages.ts";

/** What benches go on without: the servers that sidus is compared with, and other people's clients. */
const optional = [
  "nfs-ganesha",
  "nfs-ganesha-vfs",
  "rpcbind",
  "tgt",
  "libiscsi-bin",
  "dnsmasq-base",
  "kea-dhcp4-server",
  "tftpd-hpa",
];

/** Those of `wanted` that are not installed. @throws UserError where something is missing that every bench needs. */
export function missingOf(wanted: readonly string[]): string[] {
  const missing = missingPackages("bench").map(({ name }) => name);
  if (missing.some((name) => !optional.includes(name))) requirePackages("bench");
  return missing.filter((name) => wanted.includes(name));
}
