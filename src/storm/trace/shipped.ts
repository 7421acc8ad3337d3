import { fileURLToPath } from "node:url";

/** Recorded boots that come with sidus: QEMU nodes (Debian 12) of its own server. See fixtures/README.md. */
export const shippedTraces = ["bios-tmpfs", "bios-iscsi", "uefi-tmpfs"] as const;

export function shippedTraceFile(name: (typeof shippedTraces)[number]): string {
  return fileURLToPath(new URL(`../traces/${name}.trace.gz`, import.meta.url));
}
