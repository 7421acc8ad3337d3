import type { LoginRefusal } from "./target.ts";

/** RFC 7143 §11.13.5: class and detail. */
export const Status = {
  SUCCESS: 0x0000,
  INITIATOR_ERROR: 0x0200,
  AUTHENTICATION_FAILURE: 0x0201,
  AUTHORIZATION_FAILURE: 0x0202,
  NOT_FOUND: 0x0203,
  UNSUPPORTED_VERSION: 0x0205,
  TOO_MANY_CONNECTIONS: 0x0206,
  MISSING_PARAMETER: 0x0207,
  SESSION_TYPE_NOT_SUPPORTED: 0x0209,
  SESSION_DOES_NOT_EXIST: 0x020a,
  SERVICE_UNAVAILABLE: 0x0301,
  OUT_OF_RESOURCES: 0x0302,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

/** Why a login ends before a session began. */
export class LoginFailure {
  readonly status: Status;
  readonly reason: string;

  constructor(status: Status, reason: string) {
    this.status = status;
    this.reason = reason;
  }
}

export function initiatorError(reason: string): LoginFailure {
  return new LoginFailure(Status.INITIATOR_ERROR, reason);
}

export function missing(key: string): LoginFailure {
  return new LoginFailure(Status.MISSING_PARAMETER, `${key} missing`);
}

export function unproven(reason: string): LoginFailure {
  return new LoginFailure(Status.AUTHENTICATION_FAILURE, reason);
}

const refusals: Readonly<Record<LoginRefusal, LoginFailure>> = {
  "not-found": new LoginFailure(Status.NOT_FOUND, "no such target"),
  forbidden: new LoginFailure(Status.AUTHORIZATION_FAILURE, "target not for this initiator"),
  unavailable: new LoginFailure(Status.SERVICE_UNAVAILABLE, "target not available now"),
};

export function refused(refusal: LoginRefusal): LoginFailure {
  return refusals[refusal];
}
