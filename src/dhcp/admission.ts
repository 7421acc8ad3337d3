import { DISCOVERS_A_TURN, DISCOVERS_WAITING_MAX } from "../limits.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { MessageType, Option } from "./options.ts";
import { HEADER_BYTES } from "./packet.ts";

export interface AdmissionDeps {
  readonly handle: (bytes: Uint8Array, from: Endpoint) => void;
  /** A DISCOVER was dropped. */
  readonly refused: () => void;
  /** Calls back when what has come by now was received. */
  readonly soon: (work: () => void) => void;
}

/**
 * What is answered first when more comes than can be answered. A REQUEST completes what was begun, so it goes before all
 * DISCOVERs; of these only a few wait, and the rest is dropped unread. Else a room that asks too fast would be offered
 * addresses that nobody is left to acknowledge. Clients ask again (RFC 2131 §4.1).
 */
export class Admission {
  readonly #deps: AdmissionDeps;
  #waiting: { readonly bytes: Uint8Array; readonly from: Endpoint }[] = [];

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  /** `bytes` are not kept. */
  receive(bytes: Uint8Array, from: Endpoint): void {
    if (!isDiscover(bytes)) this.#deps.handle(bytes, from);
    else if (this.#waiting.length >= DISCOVERS_WAITING_MAX) this.#deps.refused();
    else {
      this.#waiting.push({ bytes: Uint8Array.from(bytes), from });
      if (this.#waiting.length === 1) this.#deps.soon(() => this.#turn());
    }
  }

  #turn(): void {
    const first = this.#waiting.slice(0, DISCOVERS_A_TURN);
    this.#waiting = this.#waiting.slice(DISCOVERS_A_TURN);
    const isMore = this.#waiting.length > 0;
    for (const { bytes, from } of first) this.#deps.handle(bytes, from);
    // One that came meanwhile found nobody waiting, and has a turn of its own coming.
    if (isMore) this.#deps.soon(() => this.#turn());
  }
}

/** RFC 2132 §9.6 lets the type stand anywhere, but all put it first; a DISCOVER that does not has no place in the queue to lose. */
function isDiscover(bytes: Uint8Array): boolean {
  return (
    bytes[HEADER_BYTES] === Option.MESSAGE_TYPE && bytes[HEADER_BYTES + 2] === MessageType.DISCOVER
  );
}
