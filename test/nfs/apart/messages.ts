/** What a server that is a process of its own is asked, and what it says. */

export interface Asked {
  /** After the garbage is collected. */
  readonly collected: boolean;
}

export interface State {
  /** Open now. */
  readonly connections: number;
  readonly descriptors: number;
  /** Live objects and buffers. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Of the cache: what is still to be sent keeps its place. */
  readonly pinnedBytes: number;
  readonly refused: Readonly<Record<string, number>>;
  /** What should never be. */
  readonly reported: readonly string[];
}

export type Answer =
  | { readonly kind: "listening"; readonly port: number }
  | ({ readonly kind: "state" } & State);
