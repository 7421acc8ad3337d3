/** A frame as a capture has it. */
export interface Frame {
  /** µs since the capture began. */
  readonly at: number;
  /** A LinkType: what the bytes begin with. */
  readonly link: number;
  /** As much as was captured. */
  readonly bytes: Uint8Array;
  /** As long as it was. */
  readonly length: number;
}

/** tcpdump.org/linktypes.html. */
export const LinkType = { ETHERNET: 1, RAW: 101, LINUX_SLL: 113, LINUX_SLL2: 276 } as const;
