import type { Ipv4 } from "../bytes/ipv4.ts";

/** Who used one version of an export lately. */
export interface VersionUse {
  readonly export: string;
  /** Of the version's tree. */
  readonly identity: bigint;
  readonly addresses: readonly Ipv4[];
}

interface Users {
  readonly export: string;
  readonly identity: bigint;
  readonly addresses: Set<Ipv4>;
}

/** Gathers who uses which version of what, for those who must not remove it. */
export class Uses {
  readonly #users = new Map<string, Users>();

  /** To be added to at each use. */
  of(name: string, identity: bigint): Set<Ipv4> {
    const key = `${name} ${identity}`;
    const known = this.#users.get(key) ?? { export: name, identity, addresses: new Set<Ipv4>() };
    this.#users.set(key, known);
    return known.addresses;
  }

  /** What was gathered since this was last asked. */
  take(): readonly VersionUse[] {
    const taken: VersionUse[] = [];
    for (const users of this.#users.values()) {
      if (users.addresses.size > 0) taken.push({ ...users, addresses: [...users.addresses] });
      users.addresses.clear();
    }
    return taken;
  }
}
