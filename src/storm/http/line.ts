import type { Endpoint } from "../../net/endpoint.ts";
import type { Connect, StreamSocket } from "../../net/stream.ts";
import type { Origin } from "../client.ts";

/** Who has the connection at the moment. */
export interface LineUser {
  /** The bytes are the user's only until it returns. */
  received(bytes: Uint8Array): void;
  closed(): void;
}

/** A connection that carries one request after the other. */
export class Line {
  readonly server: Endpoint;
  readonly #socket: StreamSocket;
  #user: LineUser;
  /** Bytes and requests that it has seen. */
  uses = 0;

  constructor(connect: Connect, server: Endpoint, from: Origin, user: LineUser) {
    this.server = server;
    this.#user = user;
    this.#socket = connect(
      { server, from, localPort: undefined },
      {
        opened() {},
        received: (chunk, length) => this.#user.received(chunk.bytes.subarray(0, length)),
        closed: () => this.#user.closed(),
      },
    );
  }

  send(request: Uint8Array): void {
    this.uses += 1;
    this.#socket.write(request);
  }

  give(user: LineUser): void {
    this.#user = user;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
