import { ISCSI_CONNECTIONS_MAX } from "../limits.ts";
import { Session, type SessionOptions } from "./session.ts";
import type { Target } from "./target.ts";

/** All sessions of a server. */
export class Sessions {
  readonly #byTsih = new Map<number, Session>();
  /** Those with a target, by initiator port and target: the nexus, of which there is one at a time. */
  readonly #byNexus = new Map<string, Session>();
  #lastTsih = 0;

  get all(): Iterable<Session> {
    return this.#byTsih.values();
  }

  has(tsih: number): boolean {
    return this.#byTsih.has(tsih);
  }

  /** Every connection may have its own. */
  get hasRoom(): boolean {
    return this.#byTsih.size < ISCSI_CONNECTIONS_MAX;
  }

  of({ name }: Target): readonly Session[] {
    return [...this.#byTsih.values()].filter((session) => session.target?.name === name);
  }

  /**
   * RFC 7143 §6.3.5: a session of the same initiator port with the same target ends at once, and its tasks have
   * ended before the new one begins. Undefined: its connection closed meanwhile.
   */
  async begin(
    options: Omit<SessionOptions, "tsih" | "sessions">,
    isWanted: () => boolean,
  ): Promise<Session | undefined> {
    const { opened, initiatorName, isid } = options.established;
    const nexus = `${initiatorName},i,0x${isid},${opened?.target.name}`;
    if (opened !== undefined) {
      for (;;) {
        const old = this.#byNexus.get(nexus);
        if (old === undefined) break;
        await old.end();
      }
    }
    if (!isWanted()) {
      await opened?.[Symbol.asyncDispose]();
      return undefined;
    }
    const session = new Session({ ...options, tsih: this.#freeTsih(), sessions: this });
    this.#byTsih.set(session.tsih, session);
    if (opened !== undefined) this.#byNexus.set(nexus, session);
    return session;
  }

  remove(session: Session): void {
    this.#byTsih.delete(session.tsih);
    const nexus = `${session.initiatorPort},${session.target?.name}`;
    if (this.#byNexus.get(nexus) === session) this.#byNexus.delete(nexus);
  }

  /** RFC 7143 §11.12.6: 16 bits, 0 is none. There are fewer sessions than that. */
  #freeTsih(): number {
    do this.#lastTsih = (this.#lastTsih % 0xffff) + 1;
    while (this.#byTsih.has(this.#lastTsih));
    return this.#lastTsih;
  }
}
