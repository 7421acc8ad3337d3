import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";

/** What the clients of one simulated node share: who it is, and who is told of what it does. */

/** Of a storm's calls; portmap is MOUNT's and NFS' rendezvous, counted with mount. */
export const stormProtocols = ["dhcp", "tftp", "http", "mount", "nfs", "iscsi"] as const;
export type StormProtocol = (typeof stormProtocols)[number];

export interface SimulatedIdentity {
  /** 0 to nodes - 1. */
  readonly index: number;
  readonly name: string;
  readonly mac: MacAddress;
  /** 16 bytes, in the order of option 97. */
  readonly uuid: Uint8Array;
}

/** Where a node's sockets begin: `address` where the node's own address can be bound, undefined where the host's serves all. */
export interface Origin {
  readonly address: Ipv4 | undefined;
}

/** How a deed ended: undefined is well; else why it cannot be done, one of few texts (it is counted by it). */
export type Done = (failure?: string) => void;

/** Told by clients of every node, on the hot path: allocates nothing. `ms` is from the first sending to the whole answer. */
export interface Tally {
  /** RFC word: `READ`, `LOOKUP`, `RRQ`, `GET`, `DISCOVER`, `READ(10)`, `login`. Bytes are payload of UDP or TCP. */
  answered(
    protocol: StormProtocol,
    operation: string,
    ms: number,
    received: number,
    sent: number,
  ): void;
  /** Part of a file came, or an acknowledgement went: `answered` does not count these bytes again, but tells of the end. */
  moved(protocol: StormProtocol, received: number, sent: number): void;
  /** Something was sent again, or a connection was made anew. */
  retransmitted(protocol: StormProtocol): void;
  /** An answer that was not as it must be, from a short list; the node goes on or not. */
  complained(protocol: StormProtocol, reason: string): void;
  /** Bytes whose content was compared, and was right. */
  verified(bytes: number): void;
  /** Content that was not what it must be. */
  differed(protocol: StormProtocol, what: string): void;
}

/**
 * What content must be: the first answer says, or the tree before the storm. `key` names the content (`nfs etc/passwd`,
 * `http /boot/vmlinuz`), whoever reads it; parts are told by their offset and length.
 */
export interface Expectations {
  /** False: these are not the bytes that others got there. */
  check(key: string, offset: number, bytes: Uint8Array): boolean;
  /** Where the answer comes in pieces: a CRC-32 (node:zlib crc32) of all of them, made on the way. */
  checkCrc(key: string, offset: number, length: number, crc: number): boolean;
}
