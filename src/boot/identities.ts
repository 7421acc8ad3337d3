import { Bounded } from "../bytes/bounded.ts";
import type { MacAddress } from "../bytes/mac.ts";
import { IDENTITIES_MAX, IDENTITY_WRITTEN_AGAIN_MS } from "../limits.ts";
import type { NodeFacts } from "./facts.ts";
import type { Identified } from "./inventory.ts";

/** What a node said of itself at some time: the kernel says less than the firmware did. */
export interface Identity {
  readonly mac: MacAddress;
  readonly uuid: string | undefined;
  readonly serial: string | undefined;
  readonly architecture: number | undefined;
  /** When it was last heard, milliseconds since 1970. */
  readonly heardAt: number;
}

/** Where identities outlive the process. */
export interface IdentityStore {
  load(): readonly Identity[];
  /** Soon on disk: nobody waits for it. Takes the place of what was there for the MAC. */
  save(identity: Identity): void;
}

type Said = Pick<NodeFacts, "mac" | "uuid" | "serial" | "architecture">;

interface Entry {
  readonly identity: Identity;
  /** When it was heard that the store has; undefined: it has none. */
  readonly storedAt: number | undefined;
}

/**
 * Who each MAC address was heard to be. Those that the configuration names by it are kept apart, and on disk: a flood of
 * invented ones takes neither their place nor the disk's time.
 */
export class Identities {
  readonly #store: IdentityStore | undefined;
  readonly #now: () => number;
  readonly #isNamed: (identity: Identified) => boolean;
  /** Of both, the one that was silent longest makes room. */
  readonly #named = new Bounded<MacAddress, Entry>(IDENTITIES_MAX);
  readonly #strangers = new Bounded<MacAddress, Entry>(IDENTITIES_MAX);

  /** @param now milliseconds since 1970 */
  constructor(
    store: IdentityStore | undefined,
    now: () => number,
    isNamed: (identity: Identified) => boolean,
  ) {
    this.#store = store;
    this.#now = now;
    this.#isNamed = isNamed;
    for (const identity of store?.load() ?? []) {
      this.#named.put(identity.mac, { identity, storedAt: identity.heardAt });
    }
  }

  of(mac: MacAddress): Identity | undefined {
    return this.#entryOf(mac)?.identity;
  }

  all(): readonly Identity[] {
    return [...this.#named.values(), ...this.#strangers.values()].map((entry) => entry.identity);
  }

  /** What a message leaves out, an earlier one said. */
  learn({ mac, uuid, serial, architecture }: Said): void {
    const before = this.#entryOf(mac);
    const isSilent = uuid === undefined && serial === undefined && architecture === undefined;
    if (isSilent && before === undefined) return;
    const identity: Identity = {
      mac,
      uuid: uuid ?? before?.identity.uuid,
      serial: serial ?? before?.identity.serial,
      architecture: architecture ?? before?.identity.architecture,
      heardAt: this.#now(),
    };
    this.#named.delete(mac);
    this.#strangers.delete(mac);
    if (!this.#isNamed(identity)) {
      this.#strangers.put(mac, { identity, storedAt: before?.storedAt });
      return;
    }
    const isStored = before !== undefined && isAsStored(identity, before);
    if (!isStored) this.#store?.save(identity);
    this.#named.put(mac, { identity, storedAt: isStored ? before.storedAt : identity.heardAt });
  }

  #entryOf(mac: MacAddress): Entry | undefined {
    return this.#named.get(mac) ?? this.#strangers.get(mac);
  }
}

function isAsStored(identity: Identity, { identity: before, storedAt }: Entry): boolean {
  if (storedAt === undefined) return false;
  return (
    identity.uuid === before.uuid &&
    identity.serial === before.serial &&
    identity.architecture === before.architecture &&
    identity.heardAt - storedAt < IDENTITY_WRITTEN_AGAIN_MS
  );
}
