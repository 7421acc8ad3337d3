import { after } from "../bytes/instant.ts";
import { isMalformed } from "../bytes/malformed.ts";
import { serialPlus } from "../bytes/serial.ts";
import {
  ISCSI_CLOSING_MS,
  ISCSI_LOGIN_MS,
  ISCSI_PINGS_MAX,
  ISCSI_SENT_TOGETHER_BYTES,
  ISCSI_SILENCE_MS,
  ISCSI_TURN_MS,
} from "../limits.ts";
import type { Alarm, Clock } from "../net/clock.ts";
import type { TcpConnection, TcpHandler } from "../net/tcp.ts";
import type { Traffic } from "../net/traffic.ts";
import type { Tell } from "../watch/events.ts";
import type { Link } from "./link.ts";
import { Login, type LoginStep } from "./login.ts";
import { Outgoing, type Slabs } from "./outgoing.ts";
import type { Pdu, TargetPdu } from "./packet.ts";
import { Opcode } from "./pdus/header.ts";
import type { LoginRequest } from "./pdus/login.ts";
import { RejectReason } from "./pdus/notice.ts";
import { DEFAULT_PARAMETERS } from "./rules.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { PduStream, type Unfit } from "./stream.ts";
import type { Targets } from "./target.ts";

/** What the connections of one server share. */
export interface Services {
  readonly targets: Targets;
  readonly sessions: Sessions;
  readonly slabs: Slabs;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  readonly traffic: Traffic;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
  /** It has a session now. */
  readonly loggedIn: (connection: IscsiConnection) => void;
  readonly closed: (connection: IscsiConnection) => void;
}

/**
 * One connection: its login, then the session that it belongs to. PDUs in, answers out as they are ready, those that are
 * ready together in one write. While a login waits, or the initiator does not take its answers, nothing is read.
 */
export class IscsiConnection implements TcpHandler, Link {
  readonly #connection: TcpConnection;
  readonly #services: Services;
  readonly #stream = new PduStream(DEFAULT_PARAMETERS.maxRecvDataSegmentLength);
  readonly #outgoing: Outgoing;
  readonly #alarm: Alarm;
  readonly #turn: Alarm;
  readonly #login: Login;
  #session: Session | undefined;
  /** Until then StatSN is counted here: RFC 7143 §11.13.4. */
  #statSn = 0;
  #isWaiting = false;
  #isResting = false;
  #isOpen = true;
  #isPaused = false;
  isStalled = false;
  /** Something came since the alarm rang last; so often it rang without. */
  #hasHeard = false;
  #pings = 0;

  constructor(connection: TcpConnection, services: Services) {
    this.#connection = connection;
    this.#services = services;
    this.#outgoing = new Outgoing(services.slabs);
    const { sessions, clock, targets, random } = services;
    this.#login = new Login({
      targets,
      address: connection.peer.address,
      random,
      hasSession: (tsih) => sessions.has(tsih),
      hasRoom: () => sessions.hasRoom,
    });
    this.#alarm = clock.alarm(() => this.#ring());
    this.#turn = clock.alarm(() => {
      this.#isResting = false;
      this.#proceed();
    });
    this.#wakeAfter(ISCSI_LOGIN_MS);
  }

  data(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#hasHeard = true;
    this.#stream.push(bytes);
    this.#proceed();
  }

  drained(): void {
    this.isStalled = false;
    this.#session?.drained();
    this.#proceed();
  }

  closed(): void {
    this.#isOpen = false;
    this.#alarm[Symbol.dispose]();
    this.#turn[Symbol.dispose]();
    this.#services.closed(this);
    this.#login.close();
    this.#inBackground(async () => await this.#session?.close());
  }

  send(pdu: TargetPdu, release?: () => void): void {
    if (!this.#isOpen) {
      release?.();
      return;
    }
    this.#outgoing.add(pdu, release);
    if (this.#outgoing.bytes >= ISCSI_SENT_TOGETHER_BYTES) this.flush();
  }

  flush(): void {
    if (this.#outgoing.bytes === 0) return;
    const { parts, sent } = this.#outgoing.take();
    if (!this.#isOpen) sent?.();
    else if (!this.#connection.send(parts, sent)) this.isStalled = true;
  }

  end(): void {
    if (!this.#isOpen) return;
    this.flush();
    this.#isOpen = false;
    this.#connection.end();
    this.#wakeAfter(ISCSI_CLOSING_MS);
  }

  abandon(reason: string): void {
    if (!this.#isOpen) return;
    this.refused(reason);
    this.flush();
    this.#isOpen = false;
    this.#connection.destroy();
  }

  refused(reason: string): void {
    const { address } = this.#connection.peer;
    this.#services.tell({ kind: "refused", protocol: "iscsi", reason, address });
  }

  /** The server ends: asks for a logout within so many seconds, or ends at once where there is no session yet. */
  askToLeave(seconds: number): void {
    if (this.#session === undefined) this.#connection.destroy();
    else this.#session.askForLogout(seconds);
  }

  #proceed(): void {
    try {
      const began = this.#services.clock.now();
      while (this.#isReady()) {
        const pdu = this.#stream.next();
        if (pdu === undefined) break;
        if (typeof pdu === "string") this.#refuse(pdu);
        else if (isMalformed(pdu)) this.abandon(pdu.malformed);
        else this.#receive(pdu);
        if (this.#services.clock.now() - began > ISCSI_TURN_MS) this.#letOthers();
      }
    } catch (error) {
      this.#services.report("iSCSI connection", error);
      this.abandon("target failure");
    }
    this.flush();
    if (!this.#isOpen) return;
    const isReady = this.#isReady();
    if (isReady && this.#isPaused) this.#connection.resume();
    if (!isReady && !this.#isPaused) this.#connection.pause();
    this.#isPaused = !isReady;
  }

  #isReady(): boolean {
    return this.#isOpen && !this.isStalled && !this.#isWaiting && !this.#isResting;
  }

  /** Goes on when the other connections had their turn. */
  #letOthers(): void {
    this.#isResting = true;
    this.#turn.set(this.#services.clock.now());
  }

  #receive(pdu: Pdu): void {
    this.#services.traffic.calls += 1;
    if (this.#session !== undefined) this.#session.receive(pdu);
    else if (pdu.opcode === Opcode.LOGIN_REQUEST) this.#receiveLogin(pdu);
    // RFC 7143 §6.3: nothing else until the login is done.
    else this.abandon("no login");
  }

  /** RFC 7143 §7.8: at error recovery level 0 a lost segment ends the session; what is no PDU is only rejected. */
  #refuse(unfit: Unfit): void {
    if (this.#session === undefined) {
      this.abandon(unfit);
      return;
    }
    const { DATA_DIGEST_ERROR, COMMAND_NOT_SUPPORTED } = RejectReason;
    const isLost = unfit === "data-digest";
    this.#session.reject(isLost ? DATA_DIGEST_ERROR : COMMAND_NOT_SUPPORTED, this.#stream.header);
    if (isLost) this.end();
  }

  #receiveLogin(request: LoginRequest): void {
    const step = this.#login.receive(request);
    if (!(step instanceof Promise)) {
      this.#answerLogin(request, step);
      return;
    }
    this.#isWaiting = true;
    this.#inBackground(async () => {
      await this.#establish(request, await step);
      this.#isWaiting = false;
      this.#proceed();
    });
  }

  async #establish(request: LoginRequest, step: LoginStep): Promise<void> {
    const { established } = step;
    if (established === undefined) return this.#answerLogin(request, step);
    const { targets, sessions, clock, tell, report, loggedIn } = this.#services;
    const { peer, local } = this.#connection;
    const options = {
      established,
      link: this,
      peer,
      portal: local,
      since: clock.now(),
      statSn: serialPlus(this.#statSn, 1),
      cmdSn: request.cmdSn,
      targets,
      tell,
      report,
    };
    const session = await sessions.begin(options, () => this.#isOpen);
    if (session === undefined) return;
    const { parameters } = established;
    this.#answerLogin(request, { ...step, response: { ...step.response, tsih: session.tsih } });
    this.flush();
    this.#outgoing.agree(parameters);
    const segmentBytesMax = parameters.maxRecvDataSegmentLength;
    this.#stream.agree({ ...parameters, segmentBytesMax });
    this.#session = session;
    loggedIn(this);
    this.#wakeAfter(ISCSI_SILENCE_MS);
  }

  #answerLogin({ cmdSn }: LoginRequest, { response, failure }: LoginStep): void {
    const statSn = this.#statSn;
    this.#statSn = serialPlus(statSn, 1);
    const numbers = { statSn, expCmdSn: cmdSn, maxCmdSn: cmdSn };
    this.send({ opcode: Opcode.LOGIN_RESPONSE, ...response, ...numbers });
    if (failure === undefined) return;
    this.refused(failure);
    this.end();
  }

  /** Neither a login nor an end takes for ever. An initiator that says nothing is asked, and given up at last. */
  #ring(): void {
    if (!this.#isOpen) {
      this.#connection.destroy();
      return;
    }
    if (this.#session === undefined) {
      this.abandon("login timed out");
      return;
    }
    this.#pings = this.#hasHeard || this.isStalled ? 0 : this.#pings + 1;
    this.#hasHeard = false;
    if (this.#pings > ISCSI_PINGS_MAX) {
      this.abandon("initiator is silent");
      return;
    }
    if (this.#pings > 0) this.#session.ping();
    this.#wakeAfter(ISCSI_SILENCE_MS);
  }

  #wakeAfter(ms: number): void {
    const { clock } = this.#services;
    this.#alarm.set(after(clock.now(), ms));
  }

  #inBackground(work: () => Promise<void>): void {
    work().catch((error) => {
      this.#services.report("iSCSI connection", error);
      this.abandon("target failure");
    });
  }
}
