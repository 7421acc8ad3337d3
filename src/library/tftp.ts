import type { BootFile } from "../boot/files.ts";
import { cleanPath, openInTree } from "../boot/served/files.ts";
import { formatIpv4 } from "../bytes/ipv4.ts";
import { LIBRARY_CACHE_BYTES } from "../limits.ts";
import { systemClock } from "../net/clock.ts";
import { serveTftp as serve } from "../tftp/server.ts";
import { BlockCache } from "../tree/cache/cache.ts";
import { openDirectory } from "../tree/directory.ts";
import type { BootEvent } from "../watch/events.ts";
import { hostAddress, warn } from "./options.ts";

/**
 * `sidus/tftp`: TFTP (RFC 1350; options of RFC 2347 to 2349 and 7440), read-only, in this process, for programs of your
 * own. What is served is whatever your function answers: files of a directory, or what you make for who asks.
 */

export { UserError } from "../user-error.ts";
export type { BootEvent as TftpEvent } from "../watch/events.ts";
export type { BootFile as TftpFile };

/** `denied`: it is there, but not for this client. */
export type TftpAnswer = BootFile | "missing" | "denied";

export interface TftpServerOptions {
  /** An IPv4 address of this machine, or `0.0.0.0`. Unless written: `127.0.0.1`. */
  readonly host?: string;
  /** Unless written: 69; 0 lets the system choose. Transfers use other ports, as the protocol has it. */
  readonly port?: number;
  /** The file of a name, as the client at the address asks for it. */
  readonly files: (name: string, client: string) => Promise<TftpAnswer>;
  /** Told of transfers, and of what was refused. */
  readonly onEvent?: (event: BootEvent) => void;
  /** Told of what went wrong inside; the server goes on. Unless written: a warning of the process. */
  readonly onError?: (error: Error) => void;
}

export interface TftpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Starts a server; answers when it listens. @throws UserError for options that make no sense, or a port in use. */
export async function serveTftp(options: TftpServerOptions): Promise<TftpServer> {
  const { host = "127.0.0.1", port = 69, files, onEvent = () => {}, onError = warn } = options;
  const server = await serve({
    local: { address: hostAddress(host), port },
    files: (name, { address }) => files(name, formatIpv4(address)),
    clock: systemClock,
    tell: onEvent,
    report: (what, cause) => onError(new Error(what, { cause })),
  });
  const close = async (): Promise<void> => await server[Symbol.asyncDispose]();
  return {
    host: formatIpv4(server.local.address),
    port: server.local.port,
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface DirectoryFiles extends AsyncDisposable {
  /** For `files` of a server. Links are followed within the directory, never out of it. */
  readonly open: (name: string) => Promise<TftpAnswer>;
}

/** The files of a directory, live. @throws UserError where there is none. */
export async function filesOf(directory: string): Promise<DirectoryFiles> {
  const cache = BlockCache.create(LIBRARY_CACHE_BYTES);
  const tree = await openDirectory(directory, { clock: systemClock, cache });
  return {
    async open(name) {
      const path = cleanPath(name);
      return path === undefined ? "missing" : openInTree(tree, path);
    },
    [Symbol.asyncDispose]: () => tree[Symbol.asyncDispose](),
  };
}

/** A file whose content is already there, as configurations that are made for one client. */
export { renderedFile as textFile } from "../boot/served/files.ts";
