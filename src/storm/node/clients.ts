import { crc32 } from "node:zlib";
import { ANY_ADDRESS, contains, formatIpv4, type Ipv4, ipv4 } from "../../bytes/ipv4.ts";
import { isMalformed } from "../../bytes/malformed.ts";
import { decodePacket } from "../../dhcp/packet.ts";
import { STORM_TEXT_BYTES_MAX } from "../../limits.ts";
import type { Done, Origin, SimulatedIdentity, Tally } from "../client.ts";
import type { Fetched } from "../content.ts";
import { DhcpClient } from "../dhcp/client.ts";
import type { Lease } from "../dhcp/lease.ts";
import { HttpClient } from "../http/client.ts";
import { IscsiClient } from "../iscsi/client.ts";
import { NfsClient } from "../nfs/client.ts";
import { tftpFetch } from "../tftp/fetch.ts";
import type { Deed, DhcpDeed, FileDeed } from "../trace/trace.ts";
import type { Place } from "./place.ts";
import type { NodeSetting } from "./setting.ts";
import { Told } from "./told.ts";

/** Of a file that a trace has by HTTP, and a configuration by TFTP: as PXELINUX asks, an Ethernet frame at a time. */
const PLAIN_OPTIONS = [
  ["tsize", "0"],
  ["blksize", "1408"],
] as const;

/** What is leased for less may have been given to another meanwhile: nodes that are up do not renew it. */
const LASTING_LEASE_SECONDS = 3600;

/** What one node speaks with: each made when it is needed, from what the node was told by then. */
export class NodeClients {
  readonly #setting: NodeSetting;
  readonly #identity: SimulatedIdentity;
  readonly #tally: Tally;
  readonly #told: Told;
  readonly #transfers = new Set<Disposable>();
  #dhcp: DhcpClient | undefined;
  #http: HttpClient | undefined;
  #nfs: NfsClient | undefined;
  #iscsi: IscsiClient | undefined;
  #address: Ipv4 | undefined;

  constructor(setting: NodeSetting, identity: SimulatedIdentity, tally: Tally) {
    this.#setting = setting;
    this.#identity = identity;
    this.#tally = tally;
    this.#told = new Told(setting.servers, identity);
    const { addresses } = setting;
    const own = addresses === undefined ? undefined : ipv4(addresses.network + 1 + identity.index);
    // Until DHCP says another one.
    if (addresses !== undefined && own !== undefined && contains(addresses, own)) {
      this.#address = own;
    }
  }

  get address(): Ipv4 | undefined {
    return this.#address;
  }

  run(deed: Deed, done: Done): void {
    switch (deed.kind) {
      case "dhcp":
        this.#askDhcp(deed, done);
        break;
      case "tftp":
      case "http":
        this.#fetch(deed, done);
        break;
      case "portmap":
        this.#withNfs(done, (nfs) => nfs.portmap(deed.program, deed.version, done));
        break;
      case "mount":
        this.#withNfs(done, (nfs) => this.#mount(nfs, done));
        break;
      case "nfs":
        this.#withNfs(done, (nfs) => nfs.call(deed.call, done));
        break;
      case "login":
        this.#login(done);
        break;
      case "scsi":
        if (this.#iscsi === undefined) done();
        else this.#iscsi.command(deed.command, done);
        break;
      case "up":
        this.#sayUp(done);
    }
  }

  /** Whether it is passed over, for want of a server. */
  leavesOut(deed: Deed): boolean {
    const { servers, relay } = this.#setting;
    switch (deed.kind) {
      case "dhcp":
        return servers.dhcp === undefined || relay === undefined;
      case "tftp":
      case "http":
        if (this.#told.isLedOn && mayBeTold(deed)) return false;
        return this.#told.placeOf(deed, this.#address) === undefined;
      case "portmap":
      case "mount":
      case "nfs":
        return servers.nfs === undefined;
      case "login":
      case "scsi":
        return servers.iscsi === undefined;
      case "up":
        return servers.http === undefined || this.#told.commandLine.up === undefined;
    }
  }

  receiveDhcp(datagram: Uint8Array): void {
    const packet = decodePacket(datagram);
    if (isMalformed(packet)) this.#tally.complained("dhcp", packet.malformed);
    else this.#dhcp?.receive(packet);
  }

  /** Breaks off whatever is under way, without a word. */
  close(): void {
    this.#dhcp?.stop();
    for (const transfer of this.#transfers) transfer[Symbol.dispose]();
    this.#transfers.clear();
    this.#http?.[Symbol.dispose]();
    this.#nfs?.close();
    this.#iscsi?.close();
  }

  get #origin(): Origin {
    const { addresses } = this.#setting;
    const address = this.#address;
    const isOurs = address !== undefined && addresses !== undefined && contains(addresses, address);
    return { address: isOurs ? address : undefined };
  }

  #askDhcp(deed: DhcpDeed, done: Done): void {
    const { servers, relay, sendDhcp, think } = this.#setting;
    if (deed.client === "kernel") this.#leaveLoader();
    if (servers.dhcp === undefined || relay === undefined) {
      done();
      return;
    }
    this.#dhcp ??= new DhcpClient({
      ...this.#setting,
      identity: this.#identity,
      send: sendDhcp,
      relay,
      tally: this.#tally,
    });
    this.#dhcp.run(deed, think, (failure, lease) => {
      if (lease !== undefined) {
        this.#address = lease.address;
        this.#told.lease(lease);
        this.#compareAddress(lease);
      }
      done(failure);
    });
  }

  /** Nobody else has it, as long as it is leased: longer than storms last. */
  #compareAddress({ address, seconds = 0 }: Lease): void {
    if (seconds < LASTING_LEASE_SECONDS) return;
    const key = `dhcp ${formatIpv4(address)}`;
    const isOwn = this.#setting.expectations.checkCrc(key, 0, 0, crc32(this.#identity.name));
    if (!isOwn) this.#tally.differed("dhcp", `${formatIpv4(address)}, which another node has`);
  }

  /** A loader's connections end with it. */
  #leaveLoader(): void {
    this.#http?.[Symbol.dispose]();
    this.#http = undefined;
  }

  #fetch(deed: FileDeed, done: Done): void {
    const isLedOn = this.#told.isLedOn && mayBeTold(deed);
    const place = isLedOn ? undefined : this.#told.placeOf(deed, this.#address);
    if (isLedOn) this.#follow(deed, done);
    else if (place === undefined) done();
    else
      this.#fetchFrom(place, deed, deed.role === "other" ? this.#complaining(place, done) : done);
  }

  /** Fonts, lists of modules and the like: another server may lack them, and loaders go on without. */
  #complaining({ kind }: Place, done: Done): Done {
    return (failure) => {
      if (failure !== undefined) this.#tally.complained(kind, failure);
      done();
    };
  }

  /** A configuration leads to another one where the trace's did not, or to another place: the first that is there. */
  #follow(deed: FileDeed, done: Done): void {
    const place = this.#told.nextPlace();
    if (place === undefined) {
      done("configurations lead nowhere");
      return;
    }
    const config: FileDeed = { ...deed, role: "config", ends: "whole" };
    this.#fetchFrom(place, config, (failure) => {
      if (failure !== undefined && this.#told.isLedOn) this.#follow(deed, done);
      else if (failure !== undefined || deed.role === "config") done(failure);
      else this.#fetch(deed, done);
    });
  }

  #fetchFrom(place: Place, deed: FileDeed, done: Done): void {
    const { kind, server, path } = place;
    const { ends } = deed;
    const key = isOfOne(deed) ? `${kind} ${path} of ${this.#identity.name}` : `${kind} ${path}`;
    const ended = (failure: string | undefined, fetched?: Fetched): void => {
      if (failure === undefined) this.#told.fetched(deed, place, fetched?.text);
      done(failure);
    };
    if (kind === "http") {
      this.#http ??= this.#httpClient(this.#told.isIpxe);
      this.#http.fetch({ method: "GET", server, path, ends, key, done: ended });
      return;
    }
    const options = deed.kind === "tftp" ? deed.options : PLAIN_OPTIONS;
    const transfer = tftpFetch({
      ...this.#setting,
      server,
      from: this.#origin,
      deed: { path, options, ends },
      key,
      tally: this.#tally,
      done: (failure, fetched) => {
        this.#transfers.delete(transfer);
        ended(failure, fetched);
      },
    });
    this.#transfers.add(transfer);
  }

  #httpClient(isKept: boolean): HttpClient {
    return new HttpClient({
      ...this.#setting,
      from: this.#origin,
      tally: this.#tally,
      isKept,
    });
  }

  #withNfs(done: Done, ask: (nfs: NfsClient) => void): void {
    const { servers } = this.#setting;
    if (servers.nfs === undefined) {
      done();
      return;
    }
    const told = this.#told.commandLine.nfs;
    this.#nfs ??= new NfsClient({
      ...this.#setting,
      server: {
        address: told?.server ?? servers.nfs.address,
        portmap: servers.nfs.portmap,
        nfs: told?.port ?? servers.nfs.nfs,
        mount: told?.mountPort ?? servers.nfs.mount,
      },
      from: this.#origin,
      tally: this.#tally,
      identity: this.#identity,
    });
    ask(this.#nfs);
  }

  #mount(nfs: NfsClient, done: Done): void {
    const path = this.#told.commandLine.nfs?.path ?? this.#setting.servers.nfs?.path;
    if (path === undefined) done("no configuration said what to mount (nfsroot=)");
    else nfs.mount(path, done);
  }

  #login(done: Done): void {
    const { servers } = this.#setting;
    if (servers.iscsi === undefined) {
      done();
      return;
    }
    const words = this.#told.commandLine.iscsi;
    const { local, target, initiator } = servers.iscsi;
    const targetName = words?.target ?? this.#named(target);
    const initiatorName = words?.initiator ?? this.#named(initiator) ?? targetName;
    if (targetName === undefined || initiatorName === undefined) {
      done("no configuration said which iSCSI target is the node's (ISCSI_TARGET_NAME=)");
      return;
    }
    this.#iscsi ??= new IscsiClient({
      ...this.#setting,
      server: words?.server ?? local,
      target: targetName,
      initiator: initiatorName,
      chap: words?.chap,
      from: this.#origin,
      tally: this.#tally,
    });
    this.#iscsi.login(done);
  }

  #named(template: string | undefined): string | undefined {
    const { name, mac } = this.#identity;
    const ip = formatIpv4(this.#address ?? ANY_ADDRESS);
    return template?.replaceAll("{name}", name).replaceAll("{mac}", mac).replaceAll("{ip}", ip);
  }

  /** As /usr/lib/sidus/up does, on a connection of its own. */
  #sayUp(done: Done): void {
    const { servers, trace } = this.#setting;
    const { up } = this.#told.commandLine;
    if (servers.http === undefined || up === undefined) {
      done();
      return;
    }
    const { kernel, layer } = trace.about;
    const body = `host: ${this.#identity.name}\nkernel: ${kernel}\nlayer: ${layer}\n`;
    this.#leaveLoader();
    this.#http = this.#httpClient(false);
    this.#http.fetch({ ...up, method: "POST", body, ends: "whole", key: undefined, done });
  }
}

/** What servers write for each node, with its name and its disk in it: scripts and configurations. */
function isOfOne({ role, bytes }: FileDeed): boolean {
  return role === "config" || (role === "loader" && bytes <= STORM_TEXT_BYTES_MAX);
}

/** By a configuration. */
function mayBeTold({ role }: FileDeed): boolean {
  return role === "config" || role === "kernel" || role === "initrd";
}
