import type { Ipv4 } from "../bytes/ipv4.ts";
import { isMalformed } from "../bytes/malformed.ts";
import { ISCSI_LOGIN_REQUESTS_MAX, ISCSI_NAME_BYTES_MAX, ISCSI_TEXT_BYTES_MAX } from "../limits.ts";
import { type Answers, type Pairs, parseText, writeText } from "./keys.ts";
import {
  initiatorError,
  LoginFailure,
  missing,
  refused,
  Status,
  unproven,
} from "./login-failure.ts";
import { Negotiation } from "./negotiation.ts";
import type { TargetNumbers } from "./pdus/header.ts";
import { type LoginRequest, type LoginResponse, Stage } from "./pdus/login.ts";
import type { SessionParameters } from "./rules.ts";
import { isSecurityKey, Security } from "./security.ts";
import type { FoundTarget, OpenTarget, Targets } from "./target.ts";

export interface LoginOptions {
  readonly targets: Targets;
  /** The initiator's. */
  readonly address: Ipv4;
  readonly random: (bytes: number) => Uint8Array;
  readonly hasSession: (tsih: number) => boolean;
  /** Whether one more session fits. */
  readonly hasRoom: () => boolean;
}

/** What to answer a login request with. */
export interface LoginStep {
  /** Its `tsih` is the request's: where a session begins, it gets its own. */
  readonly response: LoginAnswer;
  /** Present: the full feature phase begins after the response. */
  readonly established: EstablishedLogin | undefined;
  /** Present: the connection ends after the response; why, for people. */
  readonly failure: string | undefined;
}

export type LoginAnswer = Omit<LoginResponse, "opcode" | keyof TargetNumbers>;

export interface EstablishedLogin {
  readonly parameters: SessionParameters;
  readonly initiatorName: string;
  readonly isid: string;
  readonly cid: number;
  /** Its new owner's to dispose; undefined for a discovery session. */
  readonly opened: OpenTarget | undefined;
}

/** What the first request says, and what was found for it. */
interface Opening {
  readonly initiatorName: string;
  /** Undefined for a discovery session. */
  readonly found: FoundTarget | undefined;
  readonly security: Security;
}

/** The login phase of one connection: RFC 7143 §6.3. Requests go in, one after the other was answered. */
export class Login {
  readonly #options: LoginOptions;
  readonly #negotiation = new Negotiation(undefined);
  #first: LoginRequest | undefined;
  #requests = 0;
  #stage: number | undefined;
  #text = new Uint8Array(0);
  #opening: Opening | undefined;
  #isClosed = false;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** Answers at once, but for the requests that a target is looked for, or opened. */
  receive(request: LoginRequest): LoginStep | Promise<LoginStep> {
    const failure = this.#checked(request) ?? this.#collected(request.data);
    if (failure !== undefined) return failed(request, failure);
    if (request.continues) return proceeding(request, false, []);
    const pairs = parseText(this.#text);
    this.#text = new Uint8Array(0);
    if (isMalformed(pairs)) {
      return failed(request, new LoginFailure(Status.INITIATOR_ERROR, pairs.malformed));
    }
    if (this.#opening === undefined) return this.#open(request, pairs);
    return this.#proceed(request, pairs, this.#opening);
  }

  /** Its connection ended: nobody takes a session over any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** The header: versions, stages, and that it belongs to the same login. */
  #checked(request: LoginRequest): LoginFailure | undefined {
    this.#first ??= { ...request, data: new Uint8Array(0) };
    const first = this.#first;
    this.#requests += 1;
    if (this.#requests > ISCSI_LOGIN_REQUESTS_MAX) return initiatorError("login without end");
    if (request.versionMin > 0) {
      return new LoginFailure(Status.UNSUPPORTED_VERSION, "only iSCSI version 0 is spoken");
    }
    if (request.tsih !== 0) return this.#joining(request.tsih);
    const isSame =
      request.isid === first.isid &&
      request.cid === first.cid &&
      request.initiatorTaskTag === first.initiatorTaskTag;
    if (!isSame) return initiatorError("login request of another login");
    this.#stage ??= request.csg;
    return this.#stage === request.csg && areStagesRight(request)
      ? undefined
      : initiatorError("login stages in wrong order");
  }

  /** RFC 7143 §6.3.1: sessions of one connection only; and no session waits for a lost one to come back. */
  #joining(tsih: number): LoginFailure {
    return this.#options.hasSession(tsih)
      ? new LoginFailure(Status.TOO_MANY_CONNECTIONS, "second connection for a session")
      : new LoginFailure(Status.SESSION_DOES_NOT_EXIST, "login to a session that is not there");
  }

  /** RFC 7143 §6.2: a text may come in parts. */
  #collected(data: Uint8Array): LoginFailure | undefined {
    const text = new Uint8Array(this.#text.length + data.length);
    if (text.length > ISCSI_TEXT_BYTES_MAX) return initiatorError("login text too long");
    text.set(this.#text);
    text.set(data, this.#text.length);
    this.#text = text;
    return undefined;
  }

  #open(request: LoginRequest, pairs: Pairs): LoginStep | Promise<LoginStep> {
    const asked = askedIn(pairs);
    if (asked instanceof LoginFailure) return failed(request, asked);
    if (!this.#options.hasRoom()) {
      return failed(request, new LoginFailure(Status.OUT_OF_RESOURCES, "too many sessions"));
    }
    const { initiatorName, targetName } = asked;
    if (targetName !== undefined) {
      return this.#find(request, pairs, initiatorName, targetName);
    }
    const security = new Security(undefined, this.#options.random);
    const opening = { initiatorName, found: undefined, security };
    return this.#begin(request, pairs, opening);
  }

  async #find(
    request: LoginRequest,
    pairs: Pairs,
    initiatorName: string,
    name: string,
  ): Promise<LoginStep> {
    const { targets, address, random } = this.#options;
    const found = await targets.find(name, { name: initiatorName, address });
    if (typeof found === "string") return failed(request, refused(found));
    const security = new Security(found.chap, random);
    return this.#begin(request, pairs, { initiatorName, found, security });
  }

  #begin(request: LoginRequest, pairs: Pairs, opening: Opening): LoginStep | Promise<LoginStep> {
    this.#opening = opening;
    // RFC 7143 §13.9: in the first response of a session with a target.
    const told: [string, string][] =
      opening.found === undefined ? [] : [["TargetPortalGroupTag", "1"]];
    return this.#proceed(request, pairs, opening, told);
  }

  #proceed(
    request: LoginRequest,
    pairs: Pairs,
    opening: Opening,
    told: readonly [string, string][] = [],
  ): LoginStep | Promise<LoginStep> {
    const answers =
      request.csg === Stage.SECURITY
        ? this.#secured(request, pairs, opening.security)
        : this.#operational(pairs, opening.security);
    if (answers instanceof LoginFailure) return failed(request, answers);
    if (this.#negotiation.parameters.isDiscovery !== (opening.found === undefined)) {
      return failed(request, initiatorError("SessionType came late"));
    }
    const transit = request.transit && opening.security.isDone;
    const step = proceeding(request, transit, [...told, ...answers]);
    if (!step.response.transit) return step;
    this.#stage = request.nsg;
    return request.nsg === Stage.FULL_FEATURE ? this.#establish(request, step, opening) : step;
  }

  async #establish(request: LoginRequest, step: LoginStep, opening: Opening): Promise<LoginStep> {
    const { initiatorName, found } = opening;
    const opened = await found?.open();
    if (typeof opened === "string") return failed(request, refused(opened));
    if (this.#isClosed) {
      await opened?.[Symbol.asyncDispose]();
      return failed(request, initiatorError("connection closed"));
    }
    const { isid, cid } = request;
    const { parameters } = this.#negotiation;
    return { ...step, established: { parameters, initiatorName, isid, cid, opened } };
  }

  #operational(pairs: Pairs, security: Security): Answers | LoginFailure {
    if (!security.isDone) return unproven("login without CHAP");
    const answers = this.#negotiation.receive(pairs, "operational");
    return isMalformed(answers) ? initiatorError(answers.malformed) : answers;
  }

  #secured(request: LoginRequest, pairs: Pairs, security: Security): Answers | LoginFailure {
    const others = new Map([...pairs].filter(([key]) => !isSecurityKey(key)));
    const answers = this.#negotiation.receive(others, "security");
    if (isMalformed(answers)) return initiatorError(answers.malformed);
    const proofs = security.receive(pairs, request.transit);
    return proofs instanceof LoginFailure ? proofs : new Map([...answers, ...proofs]);
  }
}

interface Asked {
  readonly initiatorName: string;
  /** Undefined: a discovery session is asked for. */
  readonly targetName: string | undefined;
}

/** RFC 7143 §6.3: who it is, and what for, must stand in the first request. */
function askedIn(pairs: Pairs): Asked | LoginFailure {
  const initiatorName = pairs.get("InitiatorName");
  const targetName = pairs.get("TargetName");
  const type = pairs.get("SessionType") ?? "Normal";
  if (initiatorName === undefined) return missing("InitiatorName");
  if (!isName(initiatorName)) return initiatorError("InitiatorName not a name");
  if (type === "Discovery") return { initiatorName, targetName: undefined };
  if (type !== "Normal") {
    return new LoginFailure(Status.SESSION_TYPE_NOT_SUPPORTED, "SessionType unknown");
  }
  if (targetName === undefined) return missing("TargetName");
  return isName(targetName) ? { initiatorName, targetName } : refused("not-found");
}

/** RFC 7143 §11.12.3: only forwards, never to the reserved one; §11.12.2: not in the middle of a text. */
function areStagesRight({ csg, nsg, transit, continues }: LoginRequest): boolean {
  if (csg !== Stage.SECURITY && csg !== Stage.OPERATIONAL) return false;
  if (!transit) return true;
  return !continues && nsg > csg && (nsg === Stage.OPERATIONAL || nsg === Stage.FULL_FEATURE);
}

/** RFC 7143 §4.2.7.1, but that names in use have more characters than it allows. Without commas: port names are made of it. */
function isName(text: string): boolean {
  return /^[^\s,]+$/u.test(text) && new TextEncoder().encode(text).length <= ISCSI_NAME_BYTES_MAX;
}

function proceeding(
  request: LoginRequest,
  transit: boolean,
  answers: readonly (readonly [string, string])[],
): LoginStep {
  const response = answer(request, Status.SUCCESS, writeText(answers));
  const next = transit ? request.nsg : 0;
  return {
    response: { ...response, transit, nsg: next },
    established: undefined,
    failure: undefined,
  };
}

function failed(request: LoginRequest, failure: LoginFailure): LoginStep {
  const response = answer(request, failure.status, new Uint8Array(0));
  return { response, established: undefined, failure: failure.reason };
}

function answer(request: LoginRequest, status: Status, data: Uint8Array): LoginAnswer {
  return {
    transit: false,
    continues: false,
    csg: request.csg,
    nsg: 0,
    versionMax: 0,
    versionActive: 0,
    isid: request.isid,
    tsih: request.tsih,
    initiatorTaskTag: request.initiatorTaskTag,
    statusClass: status >> 8,
    statusDetail: status & 0xff,
    data,
  };
}
