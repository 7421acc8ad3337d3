import { isMalformed } from "../../bytes/malformed.ts";
import { serialPlus } from "../../bytes/serial.ts";
import { Opcode } from "../../iscsi/pdus/header.ts";
import { type LoginRequest, type LoginResponse, Stage } from "../../iscsi/pdus/login.ts";
import {
  STORM_ISCSI_LOGIN_REQUESTS_MAX,
  STORM_ISCSI_LOGIN_TEXT_BYTES_MAX,
  STORM_ISCSI_SEGMENT_BYTES,
} from "../../limits.ts";
import { Chap, type ChapAnswer, type ChapCredentials } from "./security.ts";
import { type Keys, readKeys, readNumber, writeKeys } from "./text.ts";

export interface LoginOptions {
  readonly target: string;
  readonly initiator: string;
  readonly chap: ChapCredentials | undefined;
  readonly random: () => number;
}

/** What an initiator must know of it: RFC 7143 §13. */
export interface Agreed {
  /** What one PDU to the target may carry. */
  readonly segmentBytes: number;
  readonly burstBytes: number;
  /** What may be sent with a write before it is asked for. */
  readonly firstBurstBytes: number;
  readonly isImmediate: boolean;
  readonly isAsked: boolean;
  readonly cmdSn: number;
  readonly maxCmdSn: number;
  readonly expStatSn: number;
}

export type LoginStep =
  | { readonly kind: "send"; readonly request: LoginRequest }
  | { readonly kind: "agreed"; readonly agreed: Agreed }
  /** `isFinal`: it would say the same again. */
  | { readonly kind: "failed"; readonly why: string; readonly isFinal: boolean };

/** What Linux' initiator offers (open-iscsi, iscsid.conf), one connection and no digests. */
const offered: Keys = new Map([
  ["HeaderDigest", "None"],
  ["DataDigest", "None"],
  ["DefaultTime2Wait", "2"],
  ["DefaultTime2Retain", "0"],
  ["ErrorRecoveryLevel", "0"],
  ["InitialR2T", "No"],
  ["ImmediateData", "Yes"],
  ["MaxBurstLength", "16776192"],
  ["FirstBurstLength", "262144"],
  ["MaxOutstandingR2T", "1"],
  ["MaxConnections", "1"],
  ["DataPDUInOrder", "Yes"],
  ["DataSequenceInOrder", "Yes"],
  ["MaxRecvDataSegmentLength", String(STORM_ISCSI_SEGMENT_BYTES)],
]);
/** What a target says of itself, and wants no answer to. */
const declared = new Set(["TargetAlias", "TargetAddress", "TargetPortalGroupTag"]);

/** §13.12: what a side takes that did not say. */
const SEGMENT_BYTES_DEFAULT = 8192;
const SEGMENT_BYTES_MIN = 512;
/** §11.12.5: chosen at random, the same each time: a node that comes again takes its own session. */
const ISID = "800000000001";
const FIRST_CMD_SN = 1;
/** §11.13.5: classes of status. */
const TARGET_ERROR = 3;

type Keyed = readonly (readonly [string, string])[];

/** The login of one connection, the initiator's side: RFC 7143 §6.3. */
export class Login {
  readonly #options: LoginOptions;
  readonly #chap: Chap | undefined;
  #stage: number = Stage.SECURITY;
  #proof: "offered" | "algorithm" | "response" | "none" = "none";
  #requests = 0;
  #expStatSn = 0;
  readonly #parts: Uint8Array[] = [];
  #textBytes = 0;
  readonly #keys = new Map<string, string>();

  constructor(options: LoginOptions) {
    this.#options = options;
    if (options.chap !== undefined) this.#chap = new Chap(options.chap, options.random);
  }

  first(): LoginRequest {
    const { target, initiator } = this.#options;
    this.#proof = this.#chap === undefined ? "none" : "offered";
    const keys: Keyed = [
      ["InitiatorName", initiator],
      ["SessionType", "Normal"],
      ["TargetName", target],
      ["AuthMethod", this.#chap === undefined ? "None" : "CHAP"],
    ];
    return this.#request(keys, this.#chap === undefined);
  }

  receive(pdu: LoginResponse): LoginStep {
    const { statusClass, statusDetail } = pdu;
    if (statusClass !== 0) {
      const code = (statusClass * 256 + statusDetail).toString(16).padStart(4, "0");
      const isFinal = statusClass !== TARGET_ERROR;
      return { kind: "failed", why: `login: refused with status ${code}`, isFinal };
    }
    if (pdu.csg !== this.#stage) return broken("another stage than it is at");
    this.#expStatSn = serialPlus(pdu.statSn, 1);
    this.#textBytes += pdu.data.length;
    this.#parts.push(pdu.data);
    const tooLong = this.#textBytes > STORM_ISCSI_LOGIN_TEXT_BYTES_MAX;
    if (tooLong || this.#requests >= STORM_ISCSI_LOGIN_REQUESTS_MAX)
      return broken("without an end");
    if (pdu.continues) return this.#send([], false);
    const keys = readKeys(Buffer.concat(this.#parts.splice(0)));
    if (isMalformed(keys)) return broken(keys.malformed);
    return this.#stage === Stage.SECURITY ? this.#prove(pdu, keys) : this.#negotiate(pdu, keys);
  }

  #prove(pdu: LoginResponse, keys: Keys): LoginStep {
    const chap = this.#chap;
    const method = keys.get("AuthMethod");
    if (chap !== undefined && this.#proof === "offered") {
      if (method !== "CHAP") return unproven(`AuthMethod=${method ?? ""}, expected CHAP`);
      this.#proof = "algorithm";
      return this.#answer(chap.offer(), false);
    }
    if (chap !== undefined && this.#proof === "algorithm") {
      this.#proof = "response";
      return this.#answer(chap.respond(keys), true);
    }
    if (chap === undefined && method !== undefined && method !== "None") {
      return unproven(`AuthMethod=${method}, expected None`);
    }
    if (!pdu.transit) return this.#send([], true);
    if (chap?.isProven(keys) === false) return unproven("the target did not prove itself");
    if (pdu.nsg !== Stage.OPERATIONAL) return broken("a stage that was not asked for");
    this.#stage = Stage.OPERATIONAL;
    return this.#send([...offered], true);
  }

  #answer(answer: ChapAnswer, transit: boolean): LoginStep {
    return answer === undefined ? unproven("no CHAP that we know") : this.#send(answer, transit);
  }

  #negotiate(pdu: LoginResponse, keys: Keys): LoginStep {
    const answers: (readonly [string, string])[] = [];
    for (const [key, value] of keys) {
      this.#keys.set(key, value);
      if (!offered.has(key) && !declared.has(key)) answers.push([key, "NotUnderstood"]);
    }
    if (!pdu.transit || pdu.nsg !== Stage.FULL_FEATURE) return this.#send(answers, true);
    const agreed = this.#agreed(pdu);
    return agreed === undefined
      ? broken("terms that were not offered")
      : { kind: "agreed", agreed };
  }

  /** §13: a list is chosen from, of lengths the lesser holds, InitialR2T is so if one side wants it. */
  #agreed(pdu: LoginResponse): Agreed | undefined {
    const keys = this.#keys;
    const isPlain = ["HeaderDigest", "DataDigest"].every(
      (key) => (keys.get(key) ?? "None") === "None",
    );
    const segmentBytes = this.#length("MaxRecvDataSegmentLength", SEGMENT_BYTES_DEFAULT);
    const burstBytes = this.#length("MaxBurstLength");
    const firstBurstBytes = this.#length("FirstBurstLength");
    if (!isPlain || segmentBytes === undefined || burstBytes === undefined) return undefined;
    if (firstBurstBytes === undefined) return undefined;
    return {
      segmentBytes: Math.min(segmentBytes, STORM_ISCSI_SEGMENT_BYTES),
      burstBytes,
      firstBurstBytes: Math.min(firstBurstBytes, burstBytes),
      isImmediate: keys.get("ImmediateData") !== "No",
      isAsked: keys.get("InitialR2T") !== "No",
      cmdSn: FIRST_CMD_SN,
      maxCmdSn: pdu.maxCmdSn,
      expStatSn: this.#expStatSn,
    };
  }

  #length(key: string, absent = Number(offered.get(key))): number | undefined {
    const said = this.#keys.get(key);
    if (said === undefined) return absent;
    const length = readNumber(said);
    const most = key === "MaxRecvDataSegmentLength" ? 0xff_ffff : Number(offered.get(key));
    return length === undefined || length < SEGMENT_BYTES_MIN || length > most ? undefined : length;
  }

  #send(keys: Keyed, transit: boolean): LoginStep {
    return { kind: "send", request: this.#request(keys, transit) };
  }

  #request(keys: Keyed, transit: boolean): LoginRequest {
    this.#requests += 1;
    return {
      opcode: Opcode.LOGIN_REQUEST,
      transit,
      continues: false,
      csg: this.#stage,
      nsg: this.#stage === Stage.SECURITY ? Stage.OPERATIONAL : Stage.FULL_FEATURE,
      versionMax: 0,
      versionMin: 0,
      isid: ISID,
      tsih: 0,
      initiatorTaskTag: 0,
      cid: 0,
      cmdSn: FIRST_CMD_SN,
      expStatSn: this.#expStatSn,
      data: writeKeys(keys),
    };
  }
}

function broken(why: string): LoginStep {
  return { kind: "failed", why: `login: ${why}`, isFinal: false };
}

function unproven(why: string): LoginStep {
  return { kind: "failed", why: `login: ${why}`, isFinal: true };
}
