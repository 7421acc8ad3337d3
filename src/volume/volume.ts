/** Blocks of a disk, by offset: what a node's volume is kept in. Offsets and lengths are in bytes, multiples of VOLUME_BLOCK_BYTES. */
export interface Volume {
  readonly bytes: number;
  readonly isReadOnly: boolean;
  /** Fills `into`; what was never written, or was given back, reads as zeros. */
  read(offset: number, into: Uint8Array): Answer<undefined>;
  /**
   * The parts one after another. Answered when what is read afterwards is this: on disk it is after `flush`. Of two that
   * overlap, the later one lasts.
   */
  write(offset: number, parts: readonly Uint8Array[]): Answer<undefined>;
  /** All writes that were answered before it was asked are on disk when it answers. */
  flush(): Answer<undefined>;
  /** Reads as zeros from now on, and takes no room on the disk where its file system can give room back. */
  deallocate(offset: number, length: number): Answer<undefined>;
  /** Reads as zeros from now on: what takes room keeps it, what does not stays as it is. */
  clear(offset: number, length: number): Answer<undefined>;
  /** Whether the block at `offset` takes room, and how many bytes from there on are the same. */
  extent(offset: number): Answer<Extent>;
}

export interface Extent {
  readonly isAllocated: boolean;
  readonly length: number;
}

/** The server's disk has no room left; it failed; it is read-only; the volume is not there any more. */
export type VolumeError = "no-space" | "io" | "read-only" | "gone";

/** At once where the kernel has it in memory, later where the disk must be asked. An error is its name: a string. */
export type Answer<T> = T | VolumeError | Promise<T | VolumeError>;
