import type { Clock } from "../../net/clock.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { Connect } from "../../net/stream.ts";
import type { Expectations, Origin, Tally } from "../client.ts";
import { connectStream } from "../connect.ts";
import { Exchange } from "./exchange.ts";
import { Line, type LineUser } from "./line.ts";
import type { HttpRequest } from "./request.ts";

export interface HttpClientOptions {
  readonly from: Origin;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly expectations: Expectations;
  readonly patienceMs: number;
  /** One connection for all that is asked of one server, as iPXE does; else one for each, as GRUB and PXELINUX do. */
  readonly isKept: boolean;
  readonly connect?: Connect;
}

/** One node's HTTP. */
export class HttpClient implements Disposable {
  readonly #options: HttpClientOptions;
  readonly #exchanges = new Set<Exchange>();
  #idle: Line | undefined;
  #isOver = false;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** Disposing of what it answers breaks off without a word. */
  fetch(request: HttpRequest): Disposable {
    const exchange: Exchange = new Exchange(
      {
        ...this.#options,
        open: (server, user) => this.#open(server, user),
        free: (line) => this.#free(line),
      },
      {
        ...request,
        done: (failure, fetched) => {
          this.#exchanges.delete(exchange);
          request.done(failure, fetched);
        },
      },
    );
    this.#exchanges.add(exchange);
    return exchange;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#idle?.destroy();
    this.#idle = undefined;
    for (const exchange of this.#exchanges) exchange[Symbol.dispose]();
    this.#exchanges.clear();
  }

  #open(server: Endpoint, user: LineUser): Line {
    const idle = this.#idle;
    if (idle?.server.address === server.address && idle.server.port === server.port) {
      this.#idle = undefined;
      idle.give(user);
      return idle;
    }
    const { connect = connectStream, from } = this.#options;
    return new Line(connect, server, from, user);
  }

  #free(line: Line): void {
    this.#idle?.destroy();
    this.#idle = line;
    const forget = (): void => {
      line.destroy();
      if (this.#idle === line) this.#idle = undefined;
    };
    // Nothing was asked for: what comes now is no answer.
    line.give({ received: forget, closed: forget });
    if (this.#isOver) forget();
  }
}
