import { isMalformed } from "../../bytes/malformed.ts";
import { Reader } from "../../bytes/reader.ts";
import { decodePdu, type Pdu } from "../../iscsi/packet.ts";
import { HEADER_BYTES, Opcode, padded } from "../../iscsi/pdus/header.ts";
import { Stage } from "../../iscsi/pdus/login.ts";
import type { ScsiCommand as CommandPdu } from "../../iscsi/pdus/scsi.ts";
import type { Deed } from "../trace/trace.ts";
import type { Event } from "./event.ts";
import type { Bytes, Stream } from "./streams.ts";

/** iSCSI (RFC 7143), as an initiator's connection shows it → login and SCSI commands of a trace. */

const DIGEST_BYTES = 4;

interface Digests {
  readonly header: boolean;
  readonly data: boolean;
}

const NO_DIGESTS: Digests = { header: false, data: false };

interface Timed {
  readonly pdu: Pdu;
  /** µs, of its first and of its last byte. */
  readonly from: number;
  readonly to: number;
}

/** Sent, and not yet answered where `endedAt` is undefined. */
interface Asked {
  readonly sentAt: number;
  readonly deed: Deed;
  endedAt: number | undefined;
}

/**
 * The login, then the commands in their order. Left out: what was not answered (the next connection asks again),
 * discovery sessions, NOPs and task management.
 */
export function iscsiEventsOf(stream: Stream): readonly Event[] {
  const digests = digestsIn(stream.received);
  if (isDiscovery(stream.sent)) return [];
  const asked: Asked[] = [];
  // Tags are used again, so that each answer is its last command's.
  const open = new Map<number, Asked>();
  let login: Asked | undefined;
  const [sent, received] = [pdusOf(stream.sent, digests), pdusOf(stream.received, digests)];
  for (const { pdu, from, to } of inOrder(sent, received)) {
    if (pdu.opcode === Opcode.LOGIN_REQUEST && login === undefined) {
      login = { sentAt: from, deed: { kind: "login" }, endedAt: undefined };
      asked.push(login);
    } else if (pdu.opcode === Opcode.SCSI_COMMAND) {
      const command: Asked = { sentAt: from, deed: deedOf(pdu), endedAt: undefined };
      asked.push(command);
      open.set(pdu.initiatorTaskTag, command);
    } else if (login !== undefined && isLoggedIn(pdu)) login.endedAt = to;
    else if (isAnswer(pdu)) {
      const command = open.get(pdu.initiatorTaskTag);
      if (command !== undefined) command.endedAt = to;
      open.delete(pdu.initiatorTaskTag);
    }
  }
  return asked.flatMap(({ sentAt, deed, endedAt }) =>
    endedAt === undefined ? [] : [{ sentAt, endedAt, deed }],
  );
}

function isLoggedIn(pdu: Pdu): boolean {
  return (
    pdu.opcode === Opcode.LOGIN_RESPONSE &&
    pdu.statusClass === 0 &&
    pdu.transit &&
    pdu.nsg === Stage.FULL_FEATURE
  );
}

/** RFC 7143 §11.7.2: the last Data-In may carry the status instead of a response. */
function isAnswer(pdu: Pdu): pdu is Extract<Pdu, { initiatorTaskTag: number }> {
  return (
    pdu.opcode === Opcode.SCSI_RESPONSE ||
    (pdu.opcode === Opcode.DATA_IN && pdu.status !== undefined)
  );
}

function deedOf(pdu: CommandPdu): Deed {
  const way = pdu.read ? "in" : pdu.write ? "out" : "none";
  const cdb = Buffer.from(pdu.cdb.subarray(0, cdbBytes(pdu.cdb))).toString("hex");
  return {
    kind: "scsi",
    command: { cdb, bytes: way === "none" ? 0 : pdu.expectedBytes, way },
  };
}

/** SPC-4 §4.2.5.1: by the group of the operation code; those of makers (6 and 7) may take all there is. */
function cdbBytes(cdb: Uint8Array): number {
  const operation = cdb[0] ?? 0;
  const VARIABLE_LENGTH = 0x7f;
  if (operation === VARIABLE_LENGTH) return 8 + (cdb[7] ?? 0);
  return [6, 10, 10, 16, 16, 12, 16, 16][operation >> 5] ?? 16;
}

/** By time, each side's being in order already. */
function* inOrder(sent: Iterable<Timed>, received: Iterator<Timed>): Generator<Timed> {
  let answer = received.next();
  for (const request of sent) {
    for (; answer.done !== true && answer.value.to <= request.from; answer = received.next()) {
      yield answer.value;
    }
    yield request;
  }
  for (; answer.done !== true; answer = received.next()) yield answer.value;
}

/** Whole PDUs only: the last may be cut where the recording ended. What no codec knows is passed over. */
function* pdusOf(stream: Bytes, digests: Digests): Generator<Timed> {
  const { bytes } = stream;
  const reader = new Reader(bytes);
  for (let start = 0; start + HEADER_BYTES <= bytes.length; ) {
    const { ahsEnd, segment, segmentEnd, end } = extentOf(reader, start, digests);
    if (end > bytes.length) return;
    const data = segmentEnd > segment ? [bytes.subarray(segment, segmentEnd)] : [];
    const pdu = decodePdu(reader.aim(start, ahsEnd), data);
    if (pdu !== undefined && !isMalformed(pdu)) {
      yield { pdu, from: stream.timeAt(start), to: stream.timeAt(end - 1) };
    }
    start = end;
  }
}

/** RFC 7143 §11.2: where header, AHS and data segment end. Digests begin when the login is over: §13.1. */
function extentOf(reader: Reader, start: number, digests: Digests) {
  const opcode = reader.aim(start, start + HEADER_BYTES).u8() & 0x3f;
  const isLogin = opcode === Opcode.LOGIN_REQUEST || opcode === Opcode.LOGIN_RESPONSE;
  const { header, data } = isLogin ? NO_DIGESTS : digests;
  reader.skip(3);
  const ahsEnd = start + HEADER_BYTES + reader.u8() * 4;
  const segment = ahsEnd + (header ? DIGEST_BYTES : 0);
  const segmentBytes = reader.u8() * 0x1_0000 + reader.u16();
  const segmentEnd = segment + segmentBytes;
  const digestBytes = data && segmentBytes > 0 ? DIGEST_BYTES : 0;
  return { ahsEnd, segment, segmentEnd, end: segment + padded(segmentBytes) + digestBytes };
}

/** What the target answered is what was agreed on: §13.1. */
function digestsIn(received: Bytes): Digests {
  const keys = loginText(received);
  return {
    header: keys.includes("HeaderDigest=CRC32C"),
    data: keys.includes("DataDigest=CRC32C"),
  };
}

function isDiscovery(sent: Bytes): boolean {
  return loginText(sent).includes("SessionType=Discovery");
}

/** All pairs of keys and values that one side said until the login was over. */
function loginText(bytes: Bytes): string[] {
  let text = "";
  for (const { pdu } of pdusOf(bytes, NO_DIGESTS)) {
    if (pdu.opcode !== Opcode.LOGIN_REQUEST && pdu.opcode !== Opcode.LOGIN_RESPONSE) break;
    text += Buffer.from(pdu.data).toString("latin1");
  }
  return text.split("\0");
}
