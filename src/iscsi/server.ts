import type { Ipv4 } from "../bytes/ipv4.ts";
import {
  ISCSI_CONNECTIONS_MAX,
  ISCSI_CONNECTIONS_PER_HOST_MAX,
  ISCSI_KEEP_ALIVE_MS,
  ISCSI_LOGINS_MAX,
  ISCSI_LOGOUT_MS,
  ISCSI_STALLED_MS,
} from "../limits.ts";
import { after, type Clock, type Instant } from "../net/clock.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { listenTcp, type TcpListener } from "../net/tcp.ts";
import { noTraffic, type Traffic } from "../net/traffic.ts";
import type { Tell } from "../watch/events.ts";
import { IscsiConnection, type Services } from "./connection.ts";
import { Slabs } from "./outgoing.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import type { Targets } from "./target.ts";

export interface IscsiOptions {
  readonly local: Endpoint;
  /** Other threads serve at the same endpoint, and the kernel spreads the connections. */
  readonly isShared?: boolean;
  readonly targets: Targets;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Its PDUs and bytes are added to it. */
  readonly traffic?: Traffic;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

export interface IscsiServer extends TcpListener {
  sessions(): readonly SessionInfo[];
}

/** A session with a target. */
export interface SessionInfo {
  readonly target: string;
  readonly initiator: string;
  readonly address: Ipv4;
  readonly since: Instant;
  /** SCSI commands so far. */
  readonly commands: number;
}

/** iSCSI at one TCP port. Its disposal asks for the logout of all sessions, and gives them a moment for it. */
export async function serveIscsi(options: IscsiOptions): Promise<IscsiServer> {
  const { local, isShared = false, clock, traffic = noTraffic(), tell } = options;
  const sessions = new Sessions();
  const connections = new Connections(clock);
  const services: Services = {
    ...options,
    ...connections.hooks,
    traffic,
    sessions,
    slabs: new Slabs(),
  };
  const listener = await listenTcp({
    local,
    isShared,
    connectionsMax: ISCSI_CONNECTIONS_MAX,
    connectionsPerHostMax: ISCSI_CONNECTIONS_PER_HOST_MAX,
    keepAliveMs: ISCSI_KEEP_ALIVE_MS,
    stalledMs: ISCSI_STALLED_MS,
    traffic,
    accept: (connection) => connections.add(new IscsiConnection(connection, services)),
    refused: () => tell({ kind: "refused", protocol: "iscsi", reason: "connections" }),
  });
  return {
    local: listener.local,
    get connections() {
      return listener.connections;
    },
    hosts: () => listener.hosts(),
    sessions: () => [...sessions.all].flatMap(infoOf),
    async [Symbol.asyncDispose]() {
      await connections.leave();
      await listener[Symbol.asyncDispose]();
      await Promise.all([...sessions.all].map((session) => session.close()));
    },
  };
}

/** Those that are there, in the order in which they came. */
class Connections {
  readonly #clock: Clock;
  readonly #all = new Set<IscsiConnection>();
  readonly #loggingIn = new Set<IscsiConnection>();
  #emptied: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly hooks: Pick<Services, "loggedIn" | "closed"> = {
    loggedIn: (connection) => this.#loggingIn.delete(connection),
    closed: (connection) => {
      this.#loggingIn.delete(connection);
      this.#all.delete(connection);
      if (this.#all.size === 0) this.#emptied?.();
    },
  };

  /** A flood of logins that do not go on drives out its own. */
  add(connection: IscsiConnection): IscsiConnection {
    const [oldest] = this.#loggingIn;
    if (this.#loggingIn.size >= ISCSI_LOGINS_MAX) oldest?.abandon("too many logins");
    this.#all.add(connection);
    this.#loggingIn.add(connection);
    if (this.#emptied !== undefined) connection.askToLeave(0);
    return connection;
  }

  async leave(): Promise<void> {
    for (const connection of this.#all) connection.askToLeave(ISCSI_LOGOUT_MS / 1000);
    if (this.#all.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#emptied = resolve;
    using alarm = this.#clock.alarm(resolve);
    alarm.set(after(this.#clock.now(), ISCSI_LOGOUT_MS));
    await promise;
  }
}

function infoOf({ target, initiatorName, peer, since, commands }: Session): SessionInfo[] {
  if (target === undefined) return [];
  const { address } = peer;
  return [{ target: target.name, initiator: initiatorName, address, since, commands }];
}
