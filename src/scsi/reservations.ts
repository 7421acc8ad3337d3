import { SCSI_REGISTRATIONS_MAX } from "../limits.ts";
import type { Attentions } from "./attentions.ts";
import type { Nexus } from "./command.ts";
import type { Access } from "./operation.ts";
import { Additional, type AdditionalSense } from "./sense.ts";

/** SPC-4 table 220: what a persistent reservation keeps from whom. */
export const ReservationType = {
  WRITE_EXCLUSIVE: 1,
  EXCLUSIVE_ACCESS: 3,
  WRITE_EXCLUSIVE_REGISTRANTS_ONLY: 5,
  EXCLUSIVE_ACCESS_REGISTRANTS_ONLY: 6,
  WRITE_EXCLUSIVE_ALL_REGISTRANTS: 7,
  EXCLUSIVE_ACCESS_ALL_REGISTRANTS: 8,
} as const;
export type ReservationType = (typeof ReservationType)[keyof typeof ReservationType];

export interface Reservation {
  readonly type: ReservationType;
  /** The initiator port; undefined where every registrant holds it. */
  readonly holder: string | undefined;
}

export interface Registration {
  readonly port: string;
  readonly key: bigint;
}

/** What became of a service action of PERSISTENT RESERVE OUT: done, refused by status, or by what the sense says. */
export type Outcome = "done" | "conflict" | "no-room" | "wrong-release" | "wrong-key";

/**
 * SPC-4 §5.12: who has registered with which key, and who holds the disk. Registrations and persistent reservations are
 * an initiator port's, whether it has a session or not, until the server ends; those of RESERVE are a nexus's.
 */
export class Reservations {
  readonly #attentions: Attentions;
  readonly #keys = new Map<string, bigint>();
  #reservation: Reservation | undefined;
  /** SPC-2 §5.5.1: who called RESERVE. */
  #reserver: Nexus | undefined;
  #generation = 0;

  constructor(attentions: Attentions) {
    this.#attentions = attentions;
  }

  get generation(): number {
    return this.#generation;
  }

  get reservation(): Reservation | undefined {
    return this.#reservation;
  }

  get isReserved(): boolean {
    return this.#reserver !== undefined;
  }

  registrations(): readonly Registration[] {
    return [...this.#keys].map(([port, key]) => ({ port, key }));
  }

  isHolder(port: string): boolean {
    if (this.#reservation === undefined) return false;
    const { holder } = this.#reservation;
    return holder === undefined ? this.#keys.has(port) : holder === port;
  }

  /** Whether a command of this kind runs; otherwise its status is RESERVATION CONFLICT. */
  permits(nexus: Nexus, access: Access): boolean {
    if (this.#reserver !== undefined && this.#reserver !== nexus) {
      return access === "identify" || access === "release";
    }
    if (this.#reservation === undefined || !isKept(this.#reservation.type, access)) return true;
    if (isForRegistrants(this.#reservation.type)) return this.#keys.has(nexus.initiatorPort);
    return this.#reservation.holder === nexus.initiatorPort;
  }

  /** SPC-2 §7.21 RESERVE; false: conflict. */
  reserve(nexus: Nexus): boolean {
    if (this.#isKeptByKey(nexus)) return true;
    if (this.#keys.size > 0) return false;
    if (this.#reserver !== undefined && this.#reserver !== nexus) return false;
    this.#reserver = nexus;
    return true;
  }

  /** SPC-2 §7.16 RELEASE, which is no error for those that hold nothing; false: conflict. */
  release(nexus: Nexus): boolean {
    if (this.#keys.size > 0 && !this.#isKeptByKey(nexus)) return false;
    if (this.#reserver === nexus) this.#reserver = undefined;
    return true;
  }

  /** The session ended: what RESERVE took goes with it, what is registered stays. */
  detach(nexus: Nexus): void {
    if (this.#reserver === nexus) this.#reserver = undefined;
  }

  /** Resets end what RESERVE took (SPC-2 §5.5.1), and nothing that is persistent. */
  reset(): void {
    this.#reserver = undefined;
  }

  /** SPC-4 §5.12.7 REGISTER: `key` is what it says to be registered with (0: not at all); undefined: whatever. */
  register(port: string, key: bigint | undefined, next: bigint): Outcome {
    const registered = this.#keys.get(port);
    if (key !== undefined && key !== (registered ?? 0n)) return "conflict";
    if (registered === undefined && next === 0n) return "done";
    if (registered === undefined && this.#keys.size >= SCSI_REGISTRATIONS_MAX) return "no-room";
    this.#advance();
    if (next === 0n) this.#unregister(port);
    else this.#keys.set(port, next);
    return "done";
  }

  /** SPC-4 §5.12.9 */
  reservePersistently(port: string, key: bigint, type: ReservationType): Outcome {
    if (!this.#isRegisteredWith(port, key)) return "conflict";
    if (this.#reservation !== undefined) {
      return this.isHolder(port) && this.#reservation.type === type ? "done" : "conflict";
    }
    this.#hold(port, type);
    return "done";
  }

  /** SPC-4 §5.12.11.2 */
  releasePersistently(port: string, key: bigint, type: ReservationType): Outcome {
    if (!this.#isRegisteredWith(port, key)) return "conflict";
    if (this.#reservation === undefined || !this.isHolder(port)) return "done";
    if (this.#reservation.type !== type) return "wrong-release";
    this.#letGo(port);
    return "done";
  }

  /** SPC-4 §5.12.11.5 */
  clear(port: string, key: bigint): Outcome {
    if (!this.#isRegisteredWith(port, key)) return "conflict";
    this.#advance();
    const others = this.#portsWhere((other) => other !== port);
    this.#reservation = undefined;
    this.#keys.clear();
    this.#tell(others, Additional.RESERVATIONS_PREEMPTED);
    return "done";
  }

  /** SPC-4 §5.12.11.4: takes the reservation from those registered with `victim`, or only their registrations. */
  preempt(port: string, key: bigint, victim: bigint, type: ReservationType): Outcome {
    if (!this.#isRegisteredWith(port, key)) return "conflict";
    const held = this.#reservation;
    const isForAll = held !== undefined && held.holder === undefined;
    if (victim === 0n && !isForAll) return "wrong-key";
    const isTaken = isForAll
      ? victim === 0n
      : held?.holder !== undefined && this.#keys.get(held.holder) === victim;
    if (isTaken) return this.#take(port, victim, type);
    const victims = this.#portsWhere((_, other) => other === victim);
    if (victims.size === 0) return "conflict";
    this.#advance();
    for (const one of victims) this.#keys.delete(one);
    if (isForAll && this.#keys.size === 0) this.#reservation = undefined;
    victims.delete(port);
    this.#tell(victims, Additional.REGISTRATIONS_PREEMPTED);
    return "done";
  }

  /** SPC-4 §5.12.11.4.3: another holder, or the same with another type; who loses by it is told. */
  #take(port: string, victim: bigint, type: ReservationType): Outcome {
    const before = this.#reservation?.type;
    const victims = this.#portsWhere(
      (other, key) => other !== port && (victim === 0n || key === victim),
    );
    this.#advance();
    for (const one of victims) this.#keys.delete(one);
    this.#hold(port, type);
    this.#tell(victims, Additional.REGISTRATIONS_PREEMPTED);
    if (before !== type) {
      const others = this.#portsWhere((other) => other !== port);
      this.#tell(others, Additional.RESERVATIONS_RELEASED);
    }
    return "done";
  }

  #hold(port: string, type: ReservationType): void {
    this.#reservation = { type, holder: isForAllRegistrants(type) ? undefined : port };
  }

  /** SPC-4 §5.12.11.3: the last holder's reservation goes with its registration. */
  #unregister(port: string): void {
    const wasHolder = this.isHolder(port);
    this.#keys.delete(port);
    const isForAll = this.#reservation?.holder === undefined;
    if (wasHolder && (!isForAll || this.#keys.size === 0)) this.#letGo(port);
  }

  /** Registrants that a reservation let in hear that it is gone. */
  #letGo(port: string): void {
    const type = this.#reservation?.type;
    this.#reservation = undefined;
    if (type === undefined || !isForRegistrants(type)) return;
    const others = this.#portsWhere((other) => other !== port);
    this.#tell(others, Additional.RESERVATIONS_RELEASED);
  }

  /** SPC-4 §5.12.3: for whom RESERVE and RELEASE do nothing, and say so with GOOD. */
  #isKeptByKey({ initiatorPort }: Nexus): boolean {
    if (this.#reservation === undefined) return false;
    if (this.isHolder(initiatorPort)) return true;
    return isForRegistrants(this.#reservation.type) && this.#keys.has(initiatorPort);
  }

  #isRegisteredWith(port: string, key: bigint): boolean {
    return this.#keys.get(port) === key;
  }

  /** SPC-4 §6.15.2: of 32 bits, and going round. */
  #advance(): void {
    this.#generation = (this.#generation + 1) >>> 0;
  }

  #portsWhere(wanted: (port: string, key: bigint) => boolean): Set<string> {
    return new Set(
      [...this.#keys].filter(([port, key]) => wanted(port, key)).map(([port]) => port),
    );
  }

  #tell(ports: ReadonlySet<string>, sense: AdditionalSense): void {
    this.#attentions.establishWhere(({ initiatorPort }) => ports.has(initiatorPort), sense);
  }
}

/** SPC-4 table 66: whether it is kept from those that the reservation does not let in. */
function isKept(type: ReservationType, access: Access): boolean {
  if (access === "write" || access === "manage") return true;
  return access === "read" && !isWriteExclusive(type);
}

function isWriteExclusive(type: ReservationType): boolean {
  return (
    type === ReservationType.WRITE_EXCLUSIVE ||
    type === ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY ||
    type === ReservationType.WRITE_EXCLUSIVE_ALL_REGISTRANTS
  );
}

function isForRegistrants(type: ReservationType): boolean {
  return type >= ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
}

function isForAllRegistrants(type: ReservationType): boolean {
  return type >= ReservationType.WRITE_EXCLUSIVE_ALL_REGISTRANTS;
}
