import type { MacAddress } from "../bytes/mac.ts";
import type { Stage } from "./timeline.ts";

/** A boot that was, or one under way, as it is kept. */
export interface PastBoot {
  readonly mac: MacAddress;
  /** Milliseconds since 1970. */
  readonly beganAt: number;
  /** What the node said that it runs, once it was up. */
  readonly tree: string | undefined;
  readonly digest: string | undefined;
  /** Milliseconds after it began. Without `up`, it did not get there. */
  readonly reached: ReadonlyMap<Stage, number>;
}

/** How long a boot took, and no more of it. */
export interface BootTime {
  readonly mac: MacAddress;
  /** Milliseconds since 1970. */
  readonly beganAt: number;
  /** Milliseconds after it began; undefined: it did not get there. */
  readonly upMs: number | undefined;
}

/** Where boots outlive the process. */
export interface PastBoots {
  /** Now or a little later; a boot that is there already is replaced. */
  save(boot: PastBoot): void;
  /** Of one node, the latest first. */
  of(mac: MacAddress): readonly PastBoot[];
  /** Of all nodes, the latest first: at most so many. */
  latest(most: number): readonly PastBoot[];
  /** Of all boots that are kept, the latest first: some 30 ms. */
  times(): readonly BootTime[];
}
