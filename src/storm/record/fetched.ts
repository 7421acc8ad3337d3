import type { FileDeed } from "../trace/trace.ts";

/** A file that was asked for, as a capture shows it; what it is to the node is found out when all are known. */
export interface Fetched {
  readonly sentAt: number;
  /** When it would have ended, had the node always gone on at once: what it took for itself counts as think time after it. */
  readonly endedAt: number;
  /** `path` as it was asked for. */
  readonly deed: Omit<FileDeed, "role">;
  /** The whole content, where it is short. */
  readonly text: string | undefined;
}
