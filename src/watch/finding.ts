import type { Seen } from "./seen.ts";

/** Why a node is where it is, and what helps. */
export interface Finding {
  /** One sentence, or two. */
  readonly cause: string;
  readonly advice: string;
  /** Of the table of quirks (boot/quirks.ts). */
  readonly quirk?: string;
  /** False: it does what it does on its own, and nothing need be wrong. */
  readonly isStuck?: false;
}

/** Sees one cause; undefined where it is not that. */
export type Rule = (seen: Seen) => Finding | undefined;
