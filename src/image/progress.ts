/** What work on a tree is doing now, for a display. */
export interface Progress {
  /** Its part, in a word or two: `downloading`, `copying`, `sealing`. */
  readonly step: string;
  /** What it is at: a package, a file; "" where there is nothing to name. */
  readonly item: string;
  /** Of `total` in this step, in `unit`; both 0 where nobody knows. */
  readonly done: number;
  readonly total: number;
  readonly unit: "items" | "bytes";
  readonly elapsedMs: number;
}
