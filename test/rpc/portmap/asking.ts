import { type Ipv4, LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { isMalformed } from "../../../src/bytes/malformed.ts";
import { Reader } from "../../../src/bytes/reader.ts";
import { Credentials } from "../../../src/rpc/credentials.ts";
import { piecesOf } from "../../../src/rpc/message.ts";
import type { Binding, Mapping, Netid } from "../../../src/rpc/portmap/bindings.ts";
import { bindingsOf } from "../../../src/rpc/portmap/bindings.ts";
import { rpcbind } from "../../../src/rpc/portmap/rpcbind.ts";
import { portmapVersion2 } from "../../../src/rpc/portmap/version2.ts";
import { answerRecord, type RpcService } from "../../../src/rpc/program.ts";
import type { RpcReply } from "../../nfs/client.ts";
import { callBytes, type In, Out, parseReply } from "../../nfs/client.ts";

export const EPOCH_MS = 1_800_000_000_999;

export interface Asking {
  readonly refused: readonly string[];
  /** A call without its mark → the reply with it. */
  answer(record: Uint8Array): Promise<Buffer>;
  ask(version: number, procedure: number, args?: Out): Promise<RpcReply>;
  /** Of a call that must succeed. */
  results(version: number, procedure: number, args?: Out): Promise<In>;
}

export interface Portmapper {
  readonly address: Ipv4;
  readonly netid?: Netid;
  readonly mappings: readonly Mapping[];
}

/** The portmapper's three programs without sockets. */
export function askPortmapper({ address, netid = "tcp", mappings }: Portmapper): Asking {
  const refused: string[] = [];
  const bindings = (): Binding[] => bindingsOf(111, mappings);
  const deps = { bindings, address, netid, epochMs: () => EPOCH_MS };
  const service: RpcService = {
    protocol: "portmap",
    programs: [portmapVersion2(bindings), rpcbind(3, deps), rpcbind(4, deps)],
    tell: (event) => refused.push(event.kind === "refused" ? event.reason : event.kind),
    report: (_, error) => {
      throw error;
    },
  };
  const answer = async (record: Uint8Array): Promise<Buffer> => {
    const client = { address: LOOPBACK_ADDRESS, credentials: new Credentials(), expect: () => {} };
    const reply = await answerRecord(service, new Reader(record), client);
    if (isMalformed(reply)) throw new Error(reply.malformed);
    return Buffer.concat(piecesOf(reply));
  };
  const ask = async (version: number, procedure: number, args = new Out()): Promise<RpcReply> => {
    const head = { program: 100_000, version, procedure, caller: "nobody" as const };
    const reply = await answer(callBytes(3, head, args.bytes()).subarray(4));
    return parseReply(reply.subarray(4));
  };
  return {
    refused,
    answer,
    ask,
    async results(version, procedure, args) {
      const reply = await ask(version, procedure, args);
      if (!("accepted" in reply) || reply.accepted !== 0) throw new Error("not accepted");
      return reply.results;
    },
  };
}

/** RFC 1833 §2.1: rpcb. */
export function rpcb(program: number, version: number, netid = "tcp", address = ""): Out {
  return new Out().u32(program).u32(version).opaque(netid).opaque(address).opaque("root");
}

/** Results that are a linked list, and no more. */
export function listOf<T>(results: In, item: (results: In) => T): T[] {
  const found = results.list(item);
  results.end();
  return found;
}
