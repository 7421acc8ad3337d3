import { once } from "node:events";
import net from "node:net";

/**
 * A small RPC and NFS client that shares no code with the server: its own XDR, written from RFC 4506, 5531 and 1813.
 */

export class Out {
  readonly #parts: Buffer[] = [];

  u32(value: number): this {
    const word = Buffer.alloc(4);
    word.writeUInt32BE(value >>> 0);
    this.#parts.push(word);
    return this;
  }

  u64(value: bigint): this {
    const words = Buffer.alloc(8);
    words.writeBigUInt64BE(value);
    this.#parts.push(words);
    return this;
  }

  opaque(value: Uint8Array | string): this {
    const bytes = typeof value === "string" ? Buffer.from(value, "latin1") : Buffer.from(value);
    this.u32(bytes.length);
    this.#parts.push(bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4));
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Reads strictly: past the end, or a padding that is not zero, throws. */
export class In {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u32(): number {
    this.at += 4;
    return this.#bytes.readUInt32BE(this.at - 4);
  }

  u64(): bigint {
    this.at += 8;
    return this.#bytes.readBigUInt64BE(this.at - 8);
  }

  bool(): boolean {
    const value = this.u32();
    if (value > 1) throw new Error(`not a boolean: ${value}`);
    return value === 1;
  }

  fixed(length: number): Buffer {
    if (this.at + length > this.#bytes.length) throw new Error("past the end");
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  opaque(): Buffer {
    const length = this.u32();
    const bytes = this.fixed(length);
    for (const pad of this.fixed((4 - (length % 4)) % 4)) {
      if (pad !== 0) throw new Error("padding is not zero");
    }
    return bytes;
  }

  text(): string {
    return this.opaque().toString("latin1");
  }

  /** A linked list: TRUE and an item, …, FALSE. */
  list<T>(item: (from: this) => T): T[] {
    const found: T[] = [];
    while (this.bool()) found.push(item(this));
    return found;
  }

  end(): void {
    if (this.at !== this.#bytes.length) {
      throw new Error(`${this.#bytes.length - this.at} bytes are left over`);
    }
  }
}

export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly gids: readonly number[];
}

export const root: Caller = { uid: 0, gid: 0, gids: [] };

export interface CallHead {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly caller?: Caller | "nobody";
}

/** A call with its record mark, in one fragment. */
export function callBytes(xid: number, head: CallHead, args: Uint8Array): Buffer {
  const { program, version, procedure, caller = root } = head;
  const body = new Out().u32(xid).u32(0).u32(2).u32(program).u32(version).u32(procedure);
  if (caller === "nobody") body.u32(0).u32(0);
  else {
    const sys = new Out().u32(0).opaque("tests").u32(caller.uid).u32(caller.gid);
    sys.u32(caller.gids.length);
    for (const gid of caller.gids) sys.u32(gid);
    body.u32(1).opaque(sys.bytes());
  }
  const bytes = body.u32(0).u32(0).raw(args).bytes();
  return Buffer.concat([mark(bytes.length), bytes]);
}

export function mark(length: number, isLast = true): Buffer {
  return new Out().u32(length + (isLast ? 0x8000_0000 : 0)).bytes();
}

/** Splits a stream of single-fragment records; throws where one is anything else. */
export function records(stream: Uint8Array): Buffer[] {
  const bytes = Buffer.from(stream.buffer, stream.byteOffset, stream.length);
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const word = bytes.readUInt32BE(at);
    if (word < 0x8000_0000) throw new Error("a record of several fragments");
    const end = at + 4 + (word - 0x8000_0000);
    if (end > bytes.length) break;
    found.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return found;
}

export type RpcReply =
  | { readonly accepted: number; readonly results: In }
  | { readonly denied: number; readonly why: number };

export function parseReply(record: Uint8Array): RpcReply & { readonly xid: number } {
  const reader = new In(record);
  const xid = reader.u32();
  if (reader.u32() !== 1) throw new Error("not a reply");
  if (reader.u32() === 1) return { xid, denied: reader.u32(), why: reader.u32() };
  // REPORT.md 3.6: klibc's nfsmount expects exactly this verifier.
  if (reader.u32() !== 0 || reader.u32() !== 0) throw new Error("verifier is not AUTH_NONE");
  return { xid, accepted: reader.u32(), results: reader };
}

export class RpcTestClient implements AsyncDisposable {
  readonly socket: net.Socket;
  readonly #waiting = new Map<number, (reply: RpcReply) => void>();
  #received = Buffer.alloc(0);
  #xid = 1;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, Buffer.from(chunk)]);
      for (const record of records(this.#received)) {
        this.#received = this.#received.subarray(record.length + 4);
        const reply = parseReply(record);
        this.#waiting.get(reply.xid)?.(reply);
        this.#waiting.delete(reply.xid);
      }
    });
  }

  static async connect(port: number): Promise<RpcTestClient> {
    const socket = net.connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RpcTestClient(socket);
  }

  call(head: CallHead, args: Uint8Array = Buffer.alloc(0)): Promise<RpcReply> {
    this.#xid += 1;
    const xid = this.#xid;
    const { promise, resolve, reject } = Promise.withResolvers<RpcReply>();
    this.#waiting.set(xid, resolve);
    this.socket.once("close", () => reject(new Error("the server closed the connection")));
    this.socket.setMaxListeners(0);
    this.socket.write(callBytes(xid, head, args));
    return promise;
  }

  /** The results of a call that must be accepted and succeed as RPC. */
  async results(head: CallHead, args?: Uint8Array): Promise<In> {
    const reply = await this.call(head, args);
    if (!("accepted" in reply) || reply.accepted !== 0) {
      throw new Error(`RPC failed: ${JSON.stringify({ ...reply, results: undefined })}`);
    }
    return reply.results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.destroyed) return;
    const closed = once(this.socket, "close");
    this.socket.destroy();
    await closed;
  }
}
