import { Reader } from "../../../src/bytes/reader.ts";
import type { Clock, Instant } from "../../../src/net/clock.ts";
import type { Connect, StreamHandler } from "../../../src/net/stream.ts";

/** One connection, as the server has it. */
export interface ServerSide {
  /** Which one it is, from 0. */
  readonly index: number;
  send(bytes: Uint8Array | string): void;
  /** Ends it, after what was sent has arrived. */
  end(): void;
}

/** A request's first line and header fields, once it has come whole. */
export type Answer = (request: string, side: ServerSide) => void;

export interface Network {
  readonly connect: Connect;
  /** Of all connections, in order. */
  readonly requests: string[];
  connections: number;
  /** Connections that the client has not ended. */
  open: number;
}

/** TCP in virtual time: bytes take 1 ms, in order, and come in pieces of up to `pieceBytes`. Undefined: nobody listens. */
export function networkTo(
  answer: () => Answer | undefined,
  clock: Clock,
  pieceBytes = 1460,
): Network {
  const made: Network = {
    requests: [],
    connections: 0,
    open: 0,
    connect: (_options, handler) => {
      const index = made.connections;
      made.connections += 1;
      made.open += 1;
      let isOver = false;
      let order = 0;
      const later = (act: () => void): void => {
        order += 1;
        clock.alarm(() => isOver || act()).set((clock.now() + 1 + order / 1e6) as Instant);
      };
      const close = (): void => {
        isOver = true;
        made.open -= 1;
        handler.closed(undefined);
      };
      const side: ServerSide = {
        index,
        send: (bytes) => deliver(handler, later, bytes, pieceBytes),
        end: () => later(close),
      };
      if (answer() === undefined) later(close);
      let text = "";
      return {
        write(bytes) {
          text += Buffer.from(bytes).toString("latin1");
          later(() => {
            const end = text.indexOf("\r\n\r\n");
            if (end < 0) return;
            made.requests.push(text);
            const request = text;
            text = "";
            answer()?.(request, side);
          });
          return false;
        },
        destroy() {
          if (!isOver) made.open -= 1;
          isOver = true;
        },
      };
    },
  };
  return made;
}

function deliver(
  handler: StreamHandler,
  later: (act: () => void) => void,
  content: Uint8Array | string,
  pieceBytes: number,
): void {
  const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = Uint8Array.from(bytes.subarray(at, at + pieceBytes));
    later(() => handler.received(new Reader(piece), piece.length));
  }
}
