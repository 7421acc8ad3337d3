import type { TargetPdu } from "./packet.ts";

/** What a session has of its connection. */
export interface Link {
  /** The initiator does not take what is sent to it. */
  readonly isStalled: boolean;
  /** `release`: when its data has left, or never will. */
  send(pdu: TargetPdu, release?: () => void): void;
  /** What was sent leaves now: for what is not part of an answer to something being received. */
  flush(): void;
  /** Ends after what was sent. */
  end(): void;
  /** Something that was not answered as asked, for those who watch. */
  refused(reason: string): void;
  /** Ends at once: what came breaks the protocol, or we do. */
  abandon(reason: string): void;
}
