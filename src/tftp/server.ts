import type { BootFile, BootFiles } from "../boot/files.ts";
import { isMalformed } from "../bytes/malformed.ts";
import { TFTP_TICK_MS } from "../limits.ts";
import { type Alarm, after, type Clock, type Instant } from "../net/clock.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { openUdp, type UdpSocket } from "../net/udp.ts";
import type { Tell } from "../watch/events.ts";
import { netascii, octet } from "./content.ts";
import { negotiate } from "./options.ts";
import { decode, ErrorCode, encode } from "./packet.ts";
import { errorPacket, type ReadRequest, type Refusal, requestOf } from "./request.ts";
import { Session } from "./session.ts";
import { type Entry, Table } from "./table.ts";

export interface TftpOptions {
  /** Port 0 lets the system choose. Transfers use other ports of this address. */
  readonly local: Endpoint;
  readonly files: BootFiles;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

export interface TftpServer extends AsyncDisposable {
  readonly local: Endpoint;
}

export async function serveTftp(options: TftpOptions): Promise<TftpServer> {
  const requests = new Requests(options);
  const socket = await openUdp({
    local: options.local,
    receive: (bytes, client) => requests.receive(bytes, client, socket),
    report: options.report,
  });
  return {
    local: socket.local,
    async [Symbol.asyncDispose]() {
      await Promise.all([socket[Symbol.asyncDispose](), requests[Symbol.asyncDispose]()]);
    },
  };
}

/** What arrives at the well-known port, and the transfers that come of it. */
class Requests implements AsyncDisposable {
  readonly #options: TftpOptions;
  readonly #table = new Table();
  readonly #alarm: Alarm;
  #ringsAt: Instant | undefined;

  constructor(options: TftpOptions) {
    this.#options = options;
    this.#alarm = options.clock.alarm(() => this.#ring());
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

  /** A place in the table for a request; undefined where it begins nothing. */
  #admit(client: Endpoint, request: string): Entry | undefined {
    const before = this.#table.get(client);
    if (before !== undefined) {
      // The same again is a repeated datagram. Not so from a client that left the transfer midway.
      if (before.request === request && before.session?.stalled !== true) return undefined;
      // lpxelinux asks for every file from one port: the end of the one before can have been lost.
      this.#close(before);
    }
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
        this.#refuse("denied");
      } else await this.#openSession(entry, read, file);
    } catch (error) {
      report(`TFTP ${path}`, error);
      this.#refuse("server error");
      if (this.#table.has(entry)) answerError(ErrorCode.NOT_DEFINED, "server error");
    }
  }

  async #openSession(entry: Entry, read: ReadRequest, file: BootFile): Promise<void> {
    const { local, clock, tell, report } = this.#options;
    const isOctet = read.mode === "octet";
    // Begins to read: if the file is broken, that shows before a socket is opened.
    const content = isOctet ? octet(file) : netascii(file);
    const socket = await openUdp({
      local: { address: local.address, port: 0 },
      receive: (bytes, from) => entry.session?.receive(bytes, from),
      report,
    });
    if (!this.#table.has(entry)) return socket[Symbol.asyncDispose]();
    const session = new Session({
      client: entry.client,
      path: read.path,
      terms: negotiate(read.options, isOctet ? file.size : undefined),
      content,
      socket,
      now: () => clock.now(),
      tell,
      report,
      stepped: () => (session.ended ? this.#close(entry) : this.#wakeAt(session.wakeAt)),
    });
    entry.session = session;
    session.step();
  }

  #close(entry: Entry): void {
    this.#table.remove(entry);
    void entry.session?.[Symbol.asyncDispose]();
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm[Symbol.dispose]();
    const entries = [...this.#table.all];
    for (const entry of entries) this.#table.remove(entry);
    await Promise.all(entries.map(({ session }) => session?.[Symbol.asyncDispose]()));
  }
}
