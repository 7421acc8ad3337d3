import type { NodeBoot } from "./timeline.ts";

/** Time that passed at the client's own wish. */
export interface Wait {
  readonly ms: number;
  readonly why: string;
}

/** Shorter pauses are nobody's concern. */
const WORTH_NAMING_MS = 1500;

/**
 * What the firmware spent between getting its address and asking for its first file. iPXE's ROM solicits IPv6 routers
 * and gives up after about 13 s where none answers: no DHCP answer shortens that.
 */
export function loaderWaitMs(boot: NodeBoot): Wait | undefined {
  const loader = boot.reached.get("loader");
  if (loader === undefined || boot.addressedAt === undefined) return undefined;
  const ms = loader - boot.addressedAt;
  if (ms < WORTH_NAMING_MS) return undefined;
  const why = boot.firmware === "ipxe" ? "iPXE seeking IPv6 routers" : "the firmware's own";
  return { ms, why };
}
