import type { Ipv4 } from "../bytes/ipv4.ts";
import { isMalformed } from "../bytes/malformed.ts";
import { Reader } from "../bytes/reader.ts";
import { RPC_DATAGRAM_BYTES_MAX } from "../limits.ts";
import { Credentials } from "./credentials.ts";
import { piecesOf } from "./message.ts";
import { answerRecord, type RpcService, refuse } from "./program.ts";

const MARK_BYTES = 4;

/**
 * One datagram is one message, without the record mark of streams (RFC 5531 §11). What is no call gets no answer: two
 * servers would else answer one another for ever.
 */
export async function answerDatagram(
  service: RpcService,
  bytes: Uint8Array,
  address: Ipv4,
): Promise<Uint8Array | undefined> {
  if (bytes.length > RPC_DATAGRAM_BYTES_MAX) {
    refuse(service, "datagram-too-long");
    return undefined;
  }
  const client = { address, credentials: new Credentials(), expect: () => {} };
  const reply = await answerRecord(service, new Reader(bytes), client);
  if (isMalformed(reply)) {
    refuse(service, reply.malformed);
    return undefined;
  }
  return Buffer.concat(piecesOf(reply)).subarray(MARK_BYTES);
}
