import type { Deed } from "../trace/trace.ts";

/** One deed as a capture shows it: the request's first byte and its whole answer, in µs since the capture began. */
export interface Event {
  readonly sentAt: number;
  readonly endedAt: number;
  readonly deed: Deed;
}
