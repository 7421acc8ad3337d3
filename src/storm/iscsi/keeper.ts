import { encodePdu, type TargetPdu } from "../../iscsi/packet.ts";
import { Opcode } from "../../iscsi/pdus/header.ts";
import {
  STORM_ISCSI_AGAIN_MAX_MS,
  STORM_ISCSI_AGAIN_MS,
  STORM_ISCSI_BUSY_MS,
  STORM_ISCSI_SILENCE_MS,
} from "../../limits.ts";
import { type Alarm, after, type Clock, type Instant } from "../../net/clock.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { Connect, StreamSocket } from "../../net/stream.ts";
import type { Origin, Tally } from "../client.ts";
import { connectStream } from "../connect.ts";
import { Login, type LoginOptions, type LoginStep } from "./login.ts";
import { Session } from "./session.ts";
import { TargetStream } from "./stream.ts";
import type { Ending, Task } from "./task.ts";

export interface KeeperOptions extends LoginOptions {
  readonly server: Endpoint;
  readonly from: Origin;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly patienceMs: number;
  readonly connect?: Connect;
}

export interface KeeperEvents {
  /** The first time; `received` and `sent` are what that login took. */
  loggedIn(received: number, sent: number): void;
  /** It was answered; it is kept until it is dropped or submitted again. */
  ended(task: Task, ending: Ending): void;
  /** The session is over. */
  failed(why: string): void;
}

interface Connection {
  readonly stream: TargetStream;
  readonly login: Login;
  socket: StreamSocket | undefined;
  session: Session | undefined;
  received: number;
  sent: number;
}

/**
 * Keeps a session, with one connection: when that breaks it logs in anew with the same ISID, which takes the old
 * session's place (RFC 7143 §6.3.5), and sends again what was not answered.
 */
export class SessionKeeper {
  readonly #options: KeeperOptions;
  readonly #events: KeeperEvents;
  /** Begun and not ended, in their order. */
  readonly #tasks = new Set<Task>();
  /** Of these, what the target was too busy for. */
  readonly #busy = new Set<Task>();
  readonly #again: Alarm;
  readonly #later: Alarm;
  readonly #watch: Alarm;
  #connection: Connection | undefined;
  #isLoggingIn = false;
  #isWatching = false;
  #isOver = false;
  #wasConnected = false;
  /** Connections since the last answer. */
  #failures = 0;
  #heardAt: Instant;
  /** When a command ended, or the first of those that are under way began. */
  #answeredAt: Instant;

  constructor(options: KeeperOptions, events: KeeperEvents) {
    const { clock } = options;
    this.#options = options;
    this.#events = events;
    this.#again = clock.alarm(() => this.#connect());
    this.#later = clock.alarm(() => this.#resubmit());
    this.#watch = clock.alarm(() => this.#look());
    this.#heardAt = this.#answeredAt = clock.now();
  }

  login(): void {
    this.#isLoggingIn = true;
    this.#answeredAt = this.#options.clock.now();
    this.#startWatch();
    this.#connect();
  }

  /** A new one, or one to be sent again. */
  submit(task: Task): void {
    const isFirst = !this.#isWaited;
    if (isFirst) this.#answeredAt = this.#options.clock.now();
    this.#tasks.add(task);
    this.#startWatch();
    const session = this.#connection?.session;
    if (session !== undefined) this.#send(session, task);
    else if (isFirst && this.#connection === undefined) this.#connect();
  }

  /** As `submit`, in a while. */
  submitLater(task: Task): void {
    this.#busy.add(task);
    this.#later.set(after(this.#options.clock.now(), STORM_ISCSI_BUSY_MS));
  }

  /** It was answered, and well. */
  drop(task: Task): void {
    this.#tasks.delete(task);
    this.#answeredAt = this.#options.clock.now();
    this.#failures = 0;
  }

  /** Without a word, as power fails. Answers what was under way. */
  close(): readonly Task[] {
    const tasks = [...this.#tasks];
    this.#isOver = true;
    this.#disconnect();
    for (const alarm of [this.#again, this.#later, this.#watch]) alarm[Symbol.dispose]();
    this.#tasks.clear();
    this.#busy.clear();
    return tasks;
  }

  #send(session: Session, task: Task): void {
    if (task.wasSent) this.#options.tally.retransmitted("iscsi");
    task.wasSent = true;
    session.submit(task);
  }

  #resubmit(): void {
    const tasks = [...this.#busy];
    this.#busy.clear();
    for (const task of tasks) this.submit(task);
  }

  #connect(): void {
    this.#disconnect();
    if (this.#isOver) return;
    const { server, from, tally, connect = connectStream } = this.#options;
    if (this.#wasConnected) tally.retransmitted("iscsi");
    const connection: Connection = {
      stream: new TargetStream({
        data: (pdu) => connection.session?.data(pdu),
        piece: (bytes) => connection.session?.piece(bytes),
        pdu: (pdu, bytes) => this.#pdu(connection, pdu, bytes),
      }),
      login: new Login(this.#options),
      ...{ socket: undefined, session: undefined, received: 0, sent: 0 },
    };
    this.#connection = connection;
    connection.socket = connect(
      { server, from, localPort: undefined },
      {
        opened: () => {
          this.#wasConnected = true;
          this.#step(connection, { kind: "send", request: connection.login.first() });
        },
        received: (chunk, length) => this.#received(connection, chunk.bytes.subarray(0, length)),
        closed: () => this.#lost(),
      },
    );
  }

  #received(connection: Connection, bytes: Uint8Array): void {
    this.#heardAt = this.#options.clock.now();
    const problem = connection.stream.push(bytes)?.malformed ?? connection.session?.problem;
    if (problem !== undefined && connection === this.#connection) this.#lost(problem);
  }

  #pdu(connection: Connection, pdu: TargetPdu, bytes: number): void {
    connection.received += bytes;
    if (connection.session !== undefined) connection.session.pdu(pdu, bytes);
    else if (pdu.opcode !== Opcode.LOGIN_RESPONSE) this.#lost("login: another answer");
    else this.#step(connection, connection.login.receive(pdu));
  }

  #step(connection: Connection, step: LoginStep): void {
    if (step.kind === "failed") {
      if (step.isFinal) this.#fail(`iSCSI ${step.why}`);
      else this.#lost(step.why);
    } else if (step.kind === "send") {
      const request = encodePdu(step.request);
      connection.sent += request.length;
      connection.socket?.write(request);
    } else {
      connection.session = new Session(step.agreed, {
        send: (pdu) => void connection.socket?.write(pdu),
        ended: (task, ending) => this.#events.ended(task, ending),
        rejected: (task, reason) => {
          const code = reason.toString(16).padStart(2, "0");
          this.#fail(`iSCSI: ${task.operation} was rejected with reason ${code}`);
        },
      });
      this.#begin(connection, connection.session);
    }
  }

  #begin(connection: Connection, session: Session): void {
    this.#busy.clear();
    for (const task of this.#tasks) this.#send(session, task);
    if (!this.#isLoggingIn) return;
    this.#isLoggingIn = false;
    this.#answeredAt = this.#options.clock.now();
    this.#failures = 0;
    this.#events.loggedIn(connection.received, connection.sent);
  }

  /** The connection is made anew, at once the first time: a server that was started again is there. */
  #lost(problem?: string): void {
    if (problem !== undefined) this.#options.tally.complained("iscsi", problem);
    this.#disconnect();
    if (this.#isOver || !this.#isWaited) return;
    const wait = this.#failures === 0 ? 0 : STORM_ISCSI_AGAIN_MS * 2 ** (this.#failures - 1);
    this.#failures += 1;
    const now = this.#options.clock.now();
    this.#again.set(after(now, Math.min(wait, STORM_ISCSI_AGAIN_MAX_MS)));
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#again.set(undefined);
    connection?.stream.end();
    connection?.socket?.destroy();
  }

  #fail(why: string): void {
    this.#disconnect();
    this.#events.failed(why);
  }

  get #isWaited(): boolean {
    return this.#isLoggingIn || this.#tasks.size > 0;
  }

  #startWatch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const { clock, patienceMs } = this.#options;
    this.#watch.set(after(clock.now(), Math.min(STORM_ISCSI_SILENCE_MS, patienceMs)));
  }

  /** Rings once in a while as long as an answer is waited for. */
  #look(): void {
    this.#isWatching = false;
    if (!this.#isWaited) return;
    const { clock, patienceMs } = this.#options;
    const now = clock.now();
    const left = this.#answeredAt + patienceMs - now;
    if (left <= 0) {
      this.#fail(`iSCSI: no answer for ${Math.round(patienceMs / 1000)} s`);
      return;
    }
    // One that went away without a word says so when it is spoken to.
    if (now - this.#heardAt >= STORM_ISCSI_SILENCE_MS) this.#connection?.session?.ping();
    this.#isWatching = true;
    this.#watch.set(after(now, Math.min(STORM_ISCSI_SILENCE_MS, left)));
  }
}
