import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { type Pairs, parseText, writeText } from "../../src/iscsi/keys.ts";
import { Login, type LoginStep } from "../../src/iscsi/login.ts";
import { Opcode } from "../../src/iscsi/pdus/header.ts";
import type { LoginRequest } from "../../src/iscsi/pdus/login.ts";
import type { ChapSettings, FoundTarget, Targets } from "../../src/iscsi/target.ts";
import { Disk } from "../../src/scsi/disk.ts";
import { MemoryVolume } from "../scsi/memory-volume.ts";

export const INITIATOR = "iqn.2013-04.zone.sidus.initiator:sidus1";
export const TARGET = "iqn.2013-04.zone.sidus.target:sidus1";

/** The first request of a session: who, and what for. */
export const WHO = { InitiatorName: INITIATOR, TargetName: TARGET, SessionType: "Normal" };

/** Targets by name, and which of them are open. */
export class NamedTargets implements Targets {
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  readonly #targets: ReadonlyMap<string, FoundTarget>;

  constructor(targets: Readonly<Record<string, ChapSettings | undefined>>) {
    this.#targets = new Map(
      Object.entries(targets).map(([name, chap]) => [name, this.#found(name, chap)]),
    );
  }

  list(): readonly string[] {
    return [...this.#targets.keys()];
  }

  async find(name: string): ReturnType<Targets["find"]> {
    if (name.endsWith(":forbidden")) return "forbidden";
    if (name.endsWith(":unavailable")) return "unavailable";
    return this.#targets.get(name) ?? "not-found";
  }

  #found(name: string, chap: ChapSettings | undefined): FoundTarget {
    const target = { name, disk: smallDisk(name) };
    const close = async (): Promise<void> => void this.closed.push(name);
    return {
      chap,
      open: async () => {
        this.opened.push(name);
        return { target, [Symbol.asyncDispose]: close };
      },
    };
  }
}

function smallDisk(name: string): Disk {
  return new Disk({
    volume: new MemoryVolume({ blocks: 256 }),
    identity: { name, serial: "0001" },
    report: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
}

export interface LoginSettings {
  readonly targets?: Targets;
  readonly chap?: ChapSettings;
  readonly random?: (bytes: number) => Uint8Array;
  readonly sessions?: readonly number[];
  readonly hasRoom?: boolean;
}

/** 0, 1, 2 … as challenges are in the vectors; identifiers are 42. */
export function counting(bytes: number): Uint8Array {
  return bytes === 1 ? Uint8Array.of(42) : Uint8Array.from({ length: bytes }, (_, at) => at);
}

export function newLogin(settings: LoginSettings = {}): Login {
  return new Login({
    targets: settings.targets ?? new NamedTargets({ [TARGET]: settings.chap }),
    address: LOOPBACK_ADDRESS,
    random: settings.random ?? counting,
    hasSession: (tsih) => settings.sessions?.includes(tsih) ?? false,
    hasRoom: () => settings.hasRoom ?? true,
  });
}

type Header = Partial<Omit<LoginRequest, "data" | "opcode">>;

/** In the operational stage and on to the full feature phase, unless said. */
export function loginRequest(
  keys: Readonly<Record<string, string>>,
  header: Header = {},
): LoginRequest {
  return rawRequest(writeText(Object.entries(keys)), header);
}

export function rawRequest(data: Uint8Array, header: Header = {}): LoginRequest {
  return {
    opcode: Opcode.LOGIN_REQUEST,
    transit: true,
    continues: false,
    csg: 1,
    nsg: 3,
    versionMax: 0,
    versionMin: 0,
    isid: "00023d000001",
    tsih: 0,
    initiatorTaskTag: 7,
    cid: 0,
    cmdSn: 1,
    expStatSn: 0,
    data,
    ...header,
  };
}

/** 0x0203: class and detail. */
export function statusOf(step: LoginStep): number {
  return step.response.statusClass * 256 + step.response.statusDetail;
}

export function keysOf(step: {
  readonly response: { readonly data: Uint8Array };
}): Record<string, string> {
  return Object.fromEntries(pairsOf(step.response.data));
}

export function pairsOf(data: Uint8Array): Pairs {
  const pairs = parseText(data);
  if (isMalformed(pairs)) throw new Error(pairs.malformed);
  return pairs;
}
