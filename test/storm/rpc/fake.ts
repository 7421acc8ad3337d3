import { Reader } from "../../../src/bytes/reader.ts";
import type { Connect, StreamHandler, StreamOptions } from "../../../src/net/stream.ts";
import { Out, records } from "../../nfs/client.ts";

/** A connection of a node's, as the server's side sees it. */
export interface FakeConnection {
  readonly options: StreamOptions;
  readonly handler: StreamHandler;
  /** Whole calls that came, without their marks. */
  readonly calls: Buffer[];
  isClosed: boolean;
}

/** In the place of a network and a server: what nodes send is kept, and answered by hand or by a function. */
export class FakeServer {
  readonly connections: FakeConnection[] = [];
  /** Answers a call, without its mark; undefined: never. */
  answer: ((call: Buffer) => Uint8Array | undefined) | undefined;
  /** Of a connection that is opened; a code: it cannot be. */
  accepts: (options: StreamOptions) => string | undefined = () => undefined;
  /** Whether what is written has left at once. */
  takes = true;

  readonly connect: Connect = (options, handler) => {
    const connection: FakeConnection = { options, handler, calls: [], isClosed: false };
    this.connections.push(connection);
    const refused = this.accepts(options);
    queueMicrotask(() => {
      if (connection.isClosed) return;
      if (refused === undefined) handler.opened();
      else this.break(connection, refused);
    });
    return {
      write: (bytes) => {
        const calls = records(Buffer.from(bytes));
        connection.calls.push(...calls);
        queueMicrotask(() => {
          for (const call of calls) this.#reply(connection, call);
        });
        return this.takes;
      },
      destroy: () => {
        connection.isClosed = true;
      },
    };
  };

  /** The connection of now. */
  get last(): FakeConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("nobody connected");
    return last;
  }

  send(bytes: Uint8Array, connection = this.last): void {
    if (!connection.isClosed) connection.handler.received(new Reader(bytes), bytes.length);
  }

  break(connection = this.last, code?: string): void {
    if (connection.isClosed) return;
    connection.isClosed = true;
    connection.handler.closed(code);
  }

  #reply(connection: FakeConnection, call: Buffer): void {
    const reply = this.answer?.(call);
    if (reply !== undefined) this.send(reply, connection);
  }
}

/** A record with its mark. */
export function marked(record: Uint8Array): Buffer {
  return new Out()
    .u32(0x8000_0000 + record.length)
    .raw(record)
    .bytes();
}

/** RFC 5531 §9: an accepted reply to that call, with its mark. */
export function success(call: Buffer, results: Uint8Array = Buffer.alloc(0), status = 0): Buffer {
  const head = new Out().u32(call.readUInt32BE(0)).u32(1).u32(0).u32(0).u32(0).u32(status);
  return marked(head.raw(results).bytes());
}

/** Lets everything happen that waits for no time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
