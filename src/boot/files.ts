import type { Ipv4 } from "../bytes/ipv4.ts";

/** A file that a loader asks for by TFTP or HTTP: out of the tree, out of the overlay, or rendered for this node. */
export interface BootFile {
  /** Bytes. */
  readonly size: number;
  /** Changes when the content does; part of HTTP's ETag. */
  readonly version: string;
  /** Fills `into` from `offset` as far as the file goes; a short count means that the file ended or shrank. */
  read(offset: number, into: Uint8Array): Promise<number> | number;
}

/** Whom the file is for: what is rendered and what may be read depend on it. */
export interface Requester {
  readonly address: Ipv4;
}

/** `denied`: there, but not for this address. */
export type BootFiles = (
  path: string,
  requester: Requester,
) => Promise<BootFile | "missing" | "denied">;
