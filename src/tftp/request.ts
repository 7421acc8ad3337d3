import { ErrorCode, type ErrorPacket, Opcode, type Packet, type RequestPacket } from "./packet.ts";

/** Why something was not answered as asked. */
export type Refusal =
  | "malformed"
  | "not a request"
  | "write"
  | "mode"
  | "too many transfers"
  | "too many transfers to one host"
  /** Nothing that was sent to the client was acknowledged. */
  | "never answered"
  | "denied"
  | "unknown transfer id"
  | "not of this transfer"
  | "server error";

export interface ReadRequest {
  readonly path: string;
  readonly mode: "octet" | "netascii";
  readonly options: RequestPacket["options"];
}

/** What a datagram to the well-known port asks for, or why it gets nothing; without `reply`, in silence. */
export type Request =
  | { readonly kind: "read"; readonly read: ReadRequest }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly reply?: ErrorPacket };

export function requestOf(packet: Packet): Request {
  switch (packet.opcode) {
    case Opcode.RRQ:
      return readRequest(packet);
    case Opcode.WRQ:
      return refused("write", ErrorCode.ACCESS_VIOLATION, "this server is read-only");
    default:
      // RFC 1350 §4: an ERROR is never answered with an ERROR; nor is what may be the end of an old transfer.
      return { kind: "refused", refusal: "not a request" };
  }
}

function readRequest({ name: path, mode: modeText, options }: RequestPacket): Request {
  // RFC 1350 §1: in any combination of upper and lower case.
  const mode = modeText.toLowerCase();
  if (mode === "octet" || mode === "netascii")
    return { kind: "read", read: { path, mode, options } };
  return refused("mode", ErrorCode.ILLEGAL_OPERATION, "only octet and netascii");
}

function refused(refusal: Refusal, code: number, text: string): Request {
  return { kind: "refused", refusal, reply: errorPacket(code, text) };
}

export function errorPacket(code: number, text: string): ErrorPacket {
  return { opcode: Opcode.ERROR, code, text };
}
