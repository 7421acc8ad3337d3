import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { IscsiConnection, type Services } from "../../src/iscsi/connection.ts";
import { writeText } from "../../src/iscsi/keys.ts";
import { Slabs } from "../../src/iscsi/outgoing.ts";
import { encodePdu, type Pdu } from "../../src/iscsi/packet.ts";
import type { DataOut } from "../../src/iscsi/pdus/data.ts";
import { NO_TAG, Opcode } from "../../src/iscsi/pdus/header.ts";
import type { LogoutRequest } from "../../src/iscsi/pdus/logout.ts";
import type { NopOut } from "../../src/iscsi/pdus/nop.ts";
import type { ScsiCommand } from "../../src/iscsi/pdus/scsi.ts";
import type { TaskRequest } from "../../src/iscsi/pdus/task.ts";
import { Sessions } from "../../src/iscsi/sessions.ts";
import { PduStream } from "../../src/iscsi/stream.ts";
import type { Target, Targets } from "../../src/iscsi/target.ts";
import type { TcpConnection } from "../../src/net/tcp.ts";
import { noTraffic } from "../../src/net/traffic.ts";
import { Disk } from "../../src/scsi/disk.ts";
import type { Answer, Extent, Volume } from "../../src/volume/volume.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { VirtualClock } from "../sim/clock.ts";
import { SeededRandom } from "../sim/random.ts";
import { INITIATOR, loginRequest, TARGET } from "./logins.ts";

/** The other side of iscsi/, with a network in memory: sends PDUs as it is told to, and shows what comes back. */

export const BLOCK = 512;
const VOLUME_BYTES = 16 << 20;

/** Answers at once, or, while it is slow, one question after the other when told to. */
export class SlowVolume implements Volume {
  readonly bytes: number;
  readonly isReadOnly = false;
  readonly content: Uint8Array;
  isSlow = false;
  /** What it was asked while it was slow. */
  readonly waiting: (() => void)[] = [];

  constructor(bytes: number) {
    this.bytes = bytes;
    this.content = new Uint8Array(bytes);
  }

  read(offset: number, into: Uint8Array): Answer<undefined> {
    return this.#soon(() => into.set(this.content.subarray(offset, offset + into.length)));
  }

  write(offset: number, parts: readonly Uint8Array[]): Answer<undefined> {
    return this.#soon(() => this.content.set(Buffer.concat(parts), offset));
  }

  flush(): Answer<undefined> {
    return this.#soon(() => {});
  }

  deallocate(offset: number, length: number): Answer<undefined> {
    return this.#soon(() => this.content.fill(0, offset, offset + length));
  }

  clear(offset: number, length: number): Answer<undefined> {
    return this.#soon(() => this.content.fill(0, offset, offset + length));
  }

  extent(offset: number): Answer<Extent> {
    return { isAllocated: true, length: this.bytes - offset };
  }

  #soon(work: () => void): Answer<undefined> {
    if (!this.isSlow) {
      work();
      return undefined;
    }
    return new Promise((resolve) => {
      this.waiting.push(() => {
        work();
        resolve(undefined);
      });
    });
  }
}

/** A connection in memory, as net/tcp.ts gives them. */
class Wire implements TcpConnection {
  readonly peer = { address: LOOPBACK_ADDRESS, port: 1000 };
  readonly local = { address: LOOPBACK_ADDRESS, port: 3260 };
  readonly writes: Uint8Array[] = [];
  /** What waits until it has left. */
  readonly sent: (() => void)[] = [];
  isPaused = false;
  isOpen = true;
  isFull = false;
  handler: IscsiConnection | undefined;

  send(parts: readonly Uint8Array[], sent?: () => void): boolean {
    this.writes.push(Uint8Array.from(Buffer.concat(parts)));
    if (sent !== undefined) this.sent.push(sent);
    return !this.isFull;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const sent of this.sent.splice(0)) sent();
    setImmediate(() => this.handler?.closed());
  }
}

/** A server without sockets: one target with one disk. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly volume: SlowVolume;
  readonly sessions = new Sessions();
  readonly events: BootEvent[] = [];
  readonly reports: unknown[] = [];
  readonly #target: Target;
  readonly #services: Services;
  /** How often the target is open. */
  opened = 0;

  constructor(volumeBytes = VOLUME_BYTES) {
    this.volume = new SlowVolume(volumeBytes);
    const report = (what: string, error: unknown): void => void this.reports.push([what, error]);
    const disk = new Disk({ volume: this.volume, identity: { name: TARGET, serial: "1" }, report });
    this.#target = { name: TARGET, disk };
    const random = new SeededRandom(1);
    this.#services = {
      targets: this.#targets(),
      sessions: this.sessions,
      slabs: new Slabs(),
      traffic: noTraffic(),
      clock: this.clock,
      random: (bytes) => random.bytes(bytes),
      tell: (event) => this.events.push(event),
      report,
      loggedIn: () => {},
      closed: () => {},
    };
  }

  get refusals(): string[] {
    return this.events.flatMap((event) => (event.kind === "refused" ? [event.reason] : []));
  }

  connect(): Initiator {
    const wire = new Wire();
    const connection = new IscsiConnection(wire, this.#services);
    wire.handler = connection;
    return new Initiator(wire, connection);
  }

  /** In the full feature phase, power-on told of. */
  async login(keys: Readonly<Record<string, string>> = {}, isid = "00023d000001") {
    const initiator = this.connect();
    await initiator.login(keys, isid);
    return initiator;
  }

  #targets(): Targets {
    const target = this.#target;
    return {
      list: () => [TARGET],
      find: async () => ({
        chap: undefined,
        open: async () => {
          this.opened += 1;
          const close = async (): Promise<void> => {
            this.opened -= 1;
          };
          return { target, [Symbol.asyncDispose]: close };
        },
      }),
    };
  }
}

const NUMBERS = { expStatSn: 0 };

export class Initiator {
  readonly wire: Wire;
  readonly connection: IscsiConnection;
  readonly #stream = new PduStream(1 << 24);
  #read = 0;
  cmdSn = 1;
  #tag = 100;

  constructor(wire: Wire, connection: IscsiConnection) {
    this.wire = wire;
    this.connection = connection;
  }

  async login(keys: Readonly<Record<string, string>>, isid: string): Promise<void> {
    const who = { InitiatorName: INITIATOR, TargetName: TARGET, SessionType: "Normal" };
    this.push(encodePdu(loginRequest({ ...who, ...keys }, { isid, cmdSn: this.cmdSn })));
    const [response] = await this.received();
    if (response?.opcode !== Opcode.LOGIN_RESPONSE || response.statusClass !== 0) {
      throw new Error(`no login: ${JSON.stringify(response)}`);
    }
    const isAgreed = Buffer.from(response.data).includes("HeaderDigest=CRC32C");
    const hasDataDigest = Buffer.from(response.data).includes("DataDigest=CRC32C");
    const segmentBytesMax = 1 << 24;
    this.#stream.agree({ hasHeaderDigest: isAgreed, hasDataDigest, segmentBytesMax });
    if (isAgreed || hasDataDigest || keys["SessionType"] === "Discovery") return;
    this.command({ cdb: [0x00] });
    await this.received();
  }

  push(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.connection.data(Uint8Array.from(chunk));
  }

  /** All in one chunk. */
  send(...pdus: readonly Pdu[]): void {
    this.push(Buffer.concat(pdus.map(encodePdu)));
  }

  /** What came since it was last asked for. */
  async received(): Promise<Pdu[]> {
    await settled();
    for (const write of this.wire.writes.slice(this.#read)) this.#stream.push(write);
    this.#read = this.wire.writes.length;
    const pdus: Pdu[] = [];
    for (let pdu = this.#stream.next(); pdu !== undefined; pdu = this.#stream.next()) {
      if (typeof pdu === "string" || isMalformed(pdu)) throw new Error(JSON.stringify(pdu));
      pdus.push(pdu);
    }
    return pdus;
  }

  /** Sends a SCSI command; `cdb` is filled up with zeros. Answers its initiator task tag. */
  command(fields: CommandFields): number {
    const pdu = this.commandPdu(fields);
    this.send(pdu);
    return pdu.initiatorTaskTag;
  }

  commandPdu({ cdb, data, ...fields }: CommandFields): ScsiCommand {
    this.#tag += 1;
    const cmdSn = fields.immediate === true ? this.cmdSn : this.cmdSn++;
    return {
      opcode: Opcode.SCSI_COMMAND,
      immediate: false,
      final: true,
      read: false,
      write: false,
      attribute: 1,
      lun: 0n,
      initiatorTaskTag: this.#tag,
      expectedBytes: 0,
      cmdSn,
      ...NUMBERS,
      cdb: Uint8Array.from({ length: 16 }, (_, at) => cdb[at] ?? 0),
      expectedReadBytes: undefined,
      ...fields,
      data: data === undefined ? [] : [data],
    };
  }

  read(block: number, blocks: number, fields: Partial<CommandFields> = {}): number {
    const expectedBytes = blocks * BLOCK;
    return this.command({ cdb: rw10(0x28, block, blocks), read: true, expectedBytes, ...fields });
  }

  write(block: number, blocks: number, fields: Partial<CommandFields> = {}): number {
    const expectedBytes = blocks * BLOCK;
    return this.command({ cdb: rw10(0x2a, block, blocks), write: true, expectedBytes, ...fields });
  }

  dataOut(
    initiatorTaskTag: number,
    fields: Partial<Omit<DataOut, "data">>,
    data: Uint8Array,
  ): void {
    this.send({
      opcode: Opcode.DATA_OUT,
      final: true,
      lun: 0n,
      initiatorTaskTag,
      targetTransferTag: NO_TAG,
      ...NUMBERS,
      dataSn: 0,
      offset: 0,
      ...fields,
      data: [data],
    });
  }

  manage(code: number, fields: Partial<TaskRequest> = {}): void {
    this.send({
      opcode: Opcode.TASK_REQUEST,
      immediate: true,
      function: code,
      lun: 0n,
      initiatorTaskTag: 0x7777,
      referencedTaskTag: NO_TAG,
      cmdSn: this.cmdSn,
      ...NUMBERS,
      refCmdSn: 0,
      expDataSn: 0,
      ...fields,
    });
  }

  nop(fields: Partial<NopOut> = {}): void {
    this.send({
      opcode: Opcode.NOP_OUT,
      immediate: true,
      lun: 0n,
      initiatorTaskTag: 0x5555,
      targetTransferTag: NO_TAG,
      cmdSn: this.cmdSn,
      ...NUMBERS,
      data: new Uint8Array(0),
      ...fields,
    });
  }

  logout(fields: Partial<LogoutRequest> = {}): void {
    this.send({
      opcode: Opcode.LOGOUT_REQUEST,
      immediate: true,
      reason: 0,
      initiatorTaskTag: 0x6666,
      cid: 0,
      cmdSn: this.cmdSn,
      ...NUMBERS,
      ...fields,
    });
  }

  text(keys: Readonly<Record<string, string>>, fields: { targetTransferTag?: number } = {}): void {
    this.send({
      opcode: Opcode.TEXT_REQUEST,
      immediate: true,
      final: true,
      continues: false,
      lun: 0n,
      initiatorTaskTag: 0x4444,
      targetTransferTag: NO_TAG,
      cmdSn: this.cmdSn,
      ...NUMBERS,
      data: writeText(Object.entries(keys)),
      ...fields,
    });
  }
}

export type CommandFields = Partial<Omit<ScsiCommand, "cdb" | "data" | "opcode">> & {
  readonly cdb: readonly number[];
  readonly data?: Uint8Array;
};

/** SBC-3 §5.7, §5.26: READ (10) and WRITE (10). */
export function rw10(opcode: number, block: number, blocks: number): number[] {
  return [opcode, 0, block >> 24, block >> 16, block >> 8, block, 0, blocks >> 8, blocks, 0].map(
    (byte) => byte & 0xff,
  );
}

export function pattern(bytes: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + (at >> 8) + seed) & 0xff);
}

/** All that happens without time going on has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
