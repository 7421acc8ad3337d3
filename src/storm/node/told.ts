import type { Ipv4 } from "../../bytes/ipv4.ts";
import { STORM_CHAIN_MAX } from "../../limits.ts";
import type { SimulatedIdentity } from "../client.ts";
import { type CommandLine, commandLineOf } from "../command-line.ts";
import type { Lease } from "../dhcp/lease.ts";
import {
  type BootWords,
  bootWords,
  chainOf,
  type LoaderSettings,
  loaderSettings,
} from "../loader-config.ts";
import type { StormServers } from "../servers.ts";
import { expandBootPath, formatUuid } from "../trace/boot-path.ts";
import type { FileDeed } from "../trace/trace.ts";
import { folderOf, type Place, placeOf } from "./place.ts";

/** What a node was told by DHCP and by the configuration that it fetched: what it does next, whatever server that was. */
export class Told {
  readonly #servers: StormServers;
  readonly #identity: SimulatedIdentity;
  #lease: Lease | undefined;
  #configuration: Place | undefined;
  #loaderFolders = { recorded: "", own: "" };
  #chain: Place[] = [];
  #followed = 0;
  #words: BootWords | undefined;
  /** Of the kernel that was fetched last, or is to be. */
  commandLine: CommandLine = commandLineOf("");

  constructor(servers: StormServers, identity: SimulatedIdentity) {
    this.#servers = servers;
    this.#identity = identity;
  }

  lease(lease: Lease): void {
    this.#lease = lease;
  }

  /** A configuration that says nothing of a kernel, or of another configuration, is none. */
  fetched({ role, path }: FileDeed, place: Place, text: string | undefined): void {
    if (role === "loader") {
      this.#loaderFolders = { recorded: folderOf(path), own: folderOf(place.path) };
    }
    if (text === undefined || (role !== "loader" && role !== "config")) return;
    const settings = this.#settings();
    const words = bootWords(text, settings);
    const chain = words === undefined ? chainOf(text, settings) : [];
    if (words === undefined && chain.length === 0) return;
    this.#chain = chain.flatMap((name) => placeOf(name, place, this.#servers) ?? []);
    this.#configuration = place;
    this.#words = words;
    this.commandLine = commandLineOf(words?.commandLine ?? "");
  }

  /** The last configuration named another one, or more to be tried, which are not fetched yet. */
  get isLedOn(): boolean {
    return this.#chain.length > 0;
  }

  /** The next of them; undefined: none, or they lead on and on. */
  nextPlace(): Place | undefined {
    this.#followed += 1;
    return this.#followed > STORM_CHAIN_MAX ? undefined : this.#chain.shift();
  }

  /** iPXE keeps one connection for all that it fetches; the other loaders make one for each file. */
  get isIpxe(): boolean {
    return /^http:/i.test(this.#lease?.bootFile ?? "");
  }

  /** Where to fetch the file; undefined: from a server that is left out. */
  placeOf(deed: FileDeed, address: Ipv4 | undefined): Place | undefined {
    const name = this.#nameOf(deed);
    if (name !== undefined) {
      const base = deed.role === "loader" ? undefined : this.#configuration;
      return placeOf(name, base, this.#servers);
    }
    const path = expandBootPath(deed.path, {
      mac: this.#identity.mac,
      uuid: this.#identity.uuid,
      addresses: address === undefined ? [] : [address],
    });
    const server = deed.kind === "tftp" ? this.#servers.tftp : this.#servers.http;
    return server === undefined ? undefined : { kind: deed.kind, server, path: this.#beside(path) };
  }

  /** A loader asks beside itself for what has no slash in front; it may be in another folder than the recorded one. */
  #beside(path: string): string {
    const { recorded, own } = this.#loaderFolders;
    if (path.startsWith("/") || !path.startsWith(recorded)) return path;
    return `${own}${path.slice(recorded.length)}`;
  }

  #settings(): LoaderSettings {
    const lease = this.#lease;
    if (lease === undefined) return {};
    const { address, nextServer: server, hostName } = lease;
    const { mac, uuid } = this.#identity;
    return { ...loaderSettings({ mac, address, server, hostName }), uuid: formatUuid(uuid) };
  }

  #nameOf({ role }: FileDeed): string | undefined {
    if (role === "loader") return this.#lease?.bootFile || undefined;
    if (role === "kernel") return this.#words?.kernel;
    return role === "initrd" ? this.#words?.initrd : undefined;
  }
}
