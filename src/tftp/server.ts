import type { BootFile, BootFiles } from "../boot/files.ts";
import { isMalformed } from "../bytes/malformed.ts";
import { TFTP_TICK_MS, TFTP_TRANSFER_PORTS } from "../limits.ts";
import { type Alarm, after, afterArrivals, type Clock, type Instant } from "../net/clock.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { openUdp, type UdpSocket } from "../net/udp.ts";
import { loadBatching, openBatchedUdp } from "../net/udp-batch.ts";
import type { Tell } from "../watch/events.ts";
import { netascii, octet } from "./content.ts";
import { negotiate } from "./options.ts";
import { decode, ErrorCode, encode, Opcode } from "./packet.ts";
import { errorPacket, type ReadRequest, type Refusal, requestOf } from "./request.ts";
import { Session } from "./session.ts";
import { type Entry, Table } from "./table.ts";
import { Turns } from "./turns.ts";

export interface TftpOptions {
  /** Port 0 lets the system choose. Transfers use other ports of this address. */
  readonly local: Endpoint;
  readonly files: BootFiles;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
  /** Frames are captured here: each datagram is to be one, as it is on the wire. */
  readonly isCaptured?: boolean;
}

export interface TftpServer extends AsyncDisposable {
  readonly local: Endpoint;
}

export async function serveTftp(options: TftpOptions): Promise<TftpServer> {
  await using opened = new AsyncDisposableStack();
  const { local, report } = options;
  const requests = opened.use(new Requests(options));
  const batching = loadBatching();
  for (let count = 0; count < TFTP_TRANSFER_PORTS; count += 1) {
    const port: UdpSocket = await openBatchedUdp(
      {
        local: { address: local.address, port: 0 },
        receive: (bytes, client) => requests.receiveAt(port, bytes, client),
        report,
        joins: options.isCaptured !== true,
      },
      batching,
    );
    requests.ports.push(opened.use(port));
  }
  const socket: UdpSocket = await openUdp({
    local,
    receive: (bytes, client) => requests.receive(bytes, client, socket),
    report,
  });
  opened.use(socket);
  const running = opened.move();
  return { local: socket.local, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** What arrives at the well-known port, and the transfers that come of it. */
class Requests implements Disposable {
  /** What transfers are sent from: their ids, together with each client's own. */
  readonly ports: UdpSocket[] = [];
  readonly #options: TftpOptions;
  readonly #table = new Table();
  readonly #turns = new Turns<Session>(afterArrivals, (session) => session.step());
  readonly #alarm: Alarm;
  #ringsAt: Instant | undefined;
  #begun = 0;

  constructor(options: TftpOptions) {
    this.#options = options;
    // A server that was busy finds the answers of that time first, and sends nothing twice for its own delay.
    this.#alarm = options.clock.alarm(() => afterArrivals(() => this.#ring()));
  }

  /** ERRORs go out by the well-known port's `socket`: there is no transfer that could have an id. */
  receive(bytes: Uint8Array, client: Endpoint, socket: UdpSocket): void {
    const packet = decode(bytes);
    if (isMalformed(packet)) {
      this.#refuse("malformed");
      return;
    }
    const request = requestOf(packet);
    if (request.kind === "read") {
      const entry = this.#admit(client, Buffer.from(bytes).toString("latin1"));
      if (entry !== undefined) void this.#begin(entry, request.read, socket);
    } else {
      this.#refuse(request.refusal);
      if (request.reply !== undefined) socket.send(encode(request.reply), client);
    }
  }

  /** What arrives at a port of transfers. */
  receiveAt(port: UdpSocket, bytes: Uint8Array, client: Endpoint): void {
    const entry = this.#table.get(client);
    if (entry?.session?.port === port) entry.session.receive(bytes);
    else this.#rebuff(port, bytes, client, entry === undefined);
  }

  /**
   * RFC 1350 §4: a stranger is told; but no ERROR is answered with an ERROR. One who is known, from another port, sent
   * what belonged to the transfer before: its loader may not look from which port the ERROR comes.
   */
  #rebuff(port: UdpSocket, bytes: Uint8Array, client: Endpoint, isStranger: boolean): void {
    const packet = decode(bytes);
    if (isMalformed(packet)) {
      this.#refuse("malformed");
      return;
    }
    this.#refuse("unknown transfer id");
    if (!isStranger || packet.opcode === Opcode.ERROR) return;
    port.send(encode(errorPacket(ErrorCode.UNKNOWN_TID, "unknown transfer id")), client);
  }

  /** A place in the table for a request; undefined where it begins nothing. */
  #admit(client: Endpoint, request: string): Entry | undefined {
    const before = this.#table.get(client);
    if (before !== undefined) {
      // The same again is a repeated datagram. Not so from a client that left the transfer midway.
      if (before.request === request && before.session?.stalledSince === undefined)
        return undefined;
      // lpxelinux asks for every file from one port: the end of the one before can have been lost.
      this.#close(before);
    }
    const superfluous = this.#table.superfluous(client.address);
    if (superfluous !== undefined) this.#close(superfluous);
    const entry = this.#table.add(client, request);
    if (typeof entry !== "string") return entry;
    // In silence: firmware asks again after some seconds, but an ERROR would end its boot.
    this.#refuse(entry);
    return undefined;
  }

  async #begin(entry: Entry, read: ReadRequest, socket: UdpSocket): Promise<void> {
    const { files, tell, report } = this.#options;
    const { client } = entry;
    const { path } = read;
    const answerError = (code: number, text: string): void => {
      this.#table.remove(entry);
      socket.send(encode(errorPacket(code, text)), client);
    };
    try {
      const file = await files(path, { address: client.address });
      if (!this.#table.has(entry)) return;
      if (file === "missing") {
        answerError(ErrorCode.FILE_NOT_FOUND, "file not found");
        const { address } = client;
        tell({ kind: "file", protocol: "tftp", address, path, outcome: "missing", bytes: 0 });
      } else if (file === "denied") {
        answerError(ErrorCode.ACCESS_VIOLATION, "access denied");
        const { address } = client;
        tell({ kind: "refused", protocol: "tftp", reason: "denied", address, path });
      } else this.#openSession(entry, read, file);
    } catch (error) {
      report(`TFTP ${path}`, error);
      this.#refuse("server error");
      if (this.#table.has(entry)) answerError(ErrorCode.NOT_DEFINED, "server error");
    }
  }

  #openSession(entry: Entry, read: ReadRequest, file: BootFile): void {
    const { clock, tell, report } = this.#options;
    const isOctet = read.mode === "octet";
    const port = this.ports[this.#begun % this.ports.length];
    if (port === undefined) throw new Error("no ports for transfers");
    this.#begun += 1;
    const session = new Session({
      client: entry.client,
      path: read.path,
      terms: negotiate(read.options, isOctet ? file.size : undefined),
      content: isOctet ? octet(file) : netascii(file),
      port,
      now: () => clock.now(),
      tell,
      report,
      stepped: (more) => this.#stepped(entry, session, more),
    });
    entry.session = session;
    session.step();
  }

  #stepped(entry: Entry, session: Session, more: boolean): void {
    if (session.answered) this.#table.answered(entry);
    if (session.ended) this.#close(entry);
    else {
      if (more) this.#turns.add(session);
      this.#wakeAt(session.wakeAt);
    }
  }

  #close(entry: Entry): void {
    this.#table.remove(entry);
    entry.session?.[Symbol.dispose]();
  }

  /** One alarm for all transfers: it rings for the earliest, and may ring early. */
  #wakeAt(at: Instant | undefined): void {
    if (at === undefined || (this.#ringsAt !== undefined && this.#ringsAt <= at)) return;
    this.#ringsAt = at;
    this.#alarm.set(at);
  }

  #ring(): void {
    const now = this.#options.clock.now();
    let next: Instant | undefined;
    for (const { session } of this.#table.all) {
      session?.tick(now);
      const at = session?.wakeAt;
      if (at !== undefined && (next === undefined || at < next)) next = at;
    }
    this.#ringsAt = undefined;
    const pauseEnds = after(now, TFTP_TICK_MS);
    this.#wakeAt(next !== undefined && next < pauseEnds ? pauseEnds : next);
  }

  #refuse(reason: Refusal): void {
    this.#options.tell({ kind: "refused", protocol: "tftp", reason });
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
    for (const entry of [...this.#table.all]) this.#close(entry);
  }
}
