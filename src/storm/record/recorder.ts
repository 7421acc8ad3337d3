import type { Ipv4 } from "../../bytes/ipv4.ts";
import { Option } from "../../dhcp/options.ts";
import { findOption } from "../../dhcp/packet.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import { bootTemplateOf } from "../trace/boot-path.ts";
import type { TraceFile } from "../trace/trace.ts";
import type { Boot } from "./boots.ts";
import type { DhcpMessage } from "./dhcp.ts";
import type { Event } from "./event.ts";
import type { Fetched } from "./fetched.ts";
import { FileTable } from "./file-table.ts";
import { httpTalkOf, isHttp } from "./http.ts";
import { iscsiEventsOf } from "./iscsi.ts";
import { mountEventsOf } from "./mount.ts";
import { nfsEventsOf } from "./nfs.ts";
import type { Datagram } from "./packets.ts";
import { withRoles } from "./roles.ts";
import type { Stream, StreamTable } from "./streams.ts";
import { tftpFetchesOf } from "./tftp.ts";

const PORTMAP_PORT = 111;
const NFS_PORT = 2049;
const CLIENT_ID_TYPE_BYTES = 1;

/** Gathers what one node did in one boot. */
export class Recorder {
  readonly #boot: Boot;
  readonly #addresses: ReadonlySet<Ipv4>;
  readonly #bootFiles: readonly string[];
  readonly #note: (line: string) => void;
  /** What, and how often. */
  readonly #leftOut = new Map<string, number>();

  /** `messages`: of the node's DHCP, those of other servers too. */
  constructor(boot: Boot, messages: readonly DhcpMessage[], note: (line: string) => void) {
    this.#boot = boot;
    this.#addresses = new Set(boot.exchanges.map(({ ack }) => ack.yiaddr));
    this.#bootFiles = messages.flatMap(bootFilesIn);
    this.#note = note;
  }

  /** In the order in which they were sent. */
  recorded(
    datagrams: readonly Datagram[],
    streams: StreamTable,
  ): { readonly events: readonly Event[]; readonly files: readonly TraceFile[] } {
    const isNode = ({ address }: Endpoint): boolean => this.#addresses.has(address);
    const own = datagrams.filter(({ from, to }) => isNode(from) || isNode(to));
    const ofBoot = own.filter(({ at }) => this.#isIn(at));
    // Lists of them: one may have more than a call can have arguments.
    const fetched: (readonly Fetched[])[] = [
      tftpFetchesOf(ofBoot, isNode, (name) => this.#tellUnfinished(name)),
    ];
    const events: (readonly Event[])[] = [
      this.#boot.exchanges.map(({ sentAt, endedAt, deed }) => ({ sentAt, endedAt, deed })),
    ];
    const rpc: Stream[] = [];
    for (const stream of streams.of(isNode)) {
      if (!this.#isIn(stream.openedAt)) continue;
      this.#tellGaps(stream);
      if (isHttp(stream)) {
        const talk = httpTalkOf(stream, (path) => this.#tellUnfinished(path));
        fetched.push(talk.fetched);
        events.push(talk.ups);
      } else if (isRpc(stream)) rpc.push(stream);
      else if (isIscsi(stream)) events.push(iscsiEventsOf(stream));
      else if (stream.sent.bytes.length > 0) {
        this.#leaveOut(`connections to port ${stream.server.port}, neither HTTP, NFS nor iSCSI`);
      }
    }
    this.#leaveDatagramCallsOut(ofBoot, isNode);
    const table = new FileTable();
    // Handles first: NFS may go over a connection that was opened before.
    for (const stream of rpc) {
      events.push(mountEventsOf(stream, table, (call) => this.#leaveOut(call)));
    }
    for (const stream of rpc) {
      events.push(nfsEventsOf(stream, table, (why) => this.#leaveOut(`calls of NFS ${why}`)));
    }
    this.#tellLeftOut();
    events.push(withRoles(fetched.flat(), this.#bootFiles, (path) => this.#templateOf(path)));
    return { events: this.#ofBoot(events.flat()), files: table.files };
  }

  #isIn(at: number): boolean {
    return at >= this.#boot.beganAt && at < this.#boot.endedAt;
  }

  /** Up to the first time that it says that it is up. */
  #ofBoot(events: readonly Event[]): readonly Event[] {
    const sorted = events
      .filter(({ sentAt }) => this.#isIn(sentAt))
      .sort((a, b) => a.sentAt - b.sentAt);
    const up = sorted.findIndex(({ deed }) => deed.kind === "up");
    if (up >= 0) return sorted.slice(0, up + 1);
    this.#note(
      "the node does not say that it is up (POST /up): recorded as far as the capture goes (editcap -B ends it sooner)",
    );
    return sorted;
  }

  #templateOf(path: string): string {
    const { discover } = this.#boot;
    const uuid = findOption(discover.packet, Option.UUID)?.subarray(CLIENT_ID_TYPE_BYTES);
    const isWhole = uuid?.length === UUID_BYTES;
    return bootTemplateOf(path, {
      mac: discover.mac,
      addresses: [...this.#addresses],
      uuid: isWhole ? uuid : undefined,
    });
  }

  #tellUnfinished(name: string): void {
    this.#note(`${name}: the capture has not the end of it: left out`);
  }

  #tellGaps({ client, server, sent, received }: Stream): void {
    const gaps = [...sent.gaps, ...received.gaps];
    if (gaps.length === 0) return;
    const bytes = gaps.reduce((sum, gap) => sum + gap.bytes, 0);
    const ends = `${formatEndpoint(client)} to ${formatEndpoint(server)}`;
    this.#note(`${ends}: the capture lacks ${bytes} bytes in ${gaps.length} places`);
  }

  #leaveDatagramCallsOut(
    datagrams: readonly Datagram[],
    isNode: (from: Endpoint) => boolean,
  ): void {
    for (const { from, to } of datagrams) {
      if (!isNode(from) || (to.port !== PORTMAP_PORT && to.port !== NFS_PORT)) continue;
      this.#leaveOut("calls of RPC over UDP (NFS: proto=tcp)");
    }
  }

  #leaveOut(what: string): void {
    const count = this.#leftOut.get(what) ?? 0;
    if (count > 0 || this.#leftOut.size < LEFT_OUT_MAX) this.#leftOut.set(what, count + 1);
  }

  #tellLeftOut(): void {
    for (const [what, count] of this.#leftOut) {
      this.#note(`${what}: left out${count > 1 ? `, ${count} times` : ""}`);
    }
  }
}

const UUID_BYTES = 16;
/** Lines of what is left out: real boots have a handful. */
const LEFT_OUT_MAX = 20;

/** Header, option 67, or both. */
function bootFilesIn({ packet }: DhcpMessage): string[] {
  const option = findOption(packet, Option.BOOT_FILE);
  // Some servers end the option with a NUL (RFC 2132 §2 says that they should not).
  const text = Buffer.from(option ?? [])
    .toString("latin1")
    .replace(/\0.*$/s, "");
  return [packet.file, text].filter((file) => file !== "");
}

/** RFC 5531 §9: after its mark and xid, a call of RPC version 2. */
function isRpc({ sent }: Stream): boolean {
  const head = Buffer.from(sent.bytes.subarray(0, 16));
  return head.length === 16 && head.readUInt32BE(8) === 0 && head.readUInt32BE(12) === 2;
}

/** RFC 7143 §11.12: a login request, immediate, of version 0. */
function isIscsi({ sent }: Stream): boolean {
  const [opcode, , max, active] = sent.bytes;
  return opcode === 0x43 && max === 0 && active === 0;
}
