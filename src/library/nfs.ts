import { formatIpv4 } from "../bytes/ipv4.ts";
import { LIBRARY_CACHE_BYTES } from "../limits.ts";
import { systemClock } from "../net/clock.ts";
import { serveNfs as serve } from "../nfs/server.ts";
import type { Squash } from "../nfs/squash.ts";
import { BlockCache } from "../tree/cache/cache.ts";
import { openDirectory as openDirectoryTree } from "../tree/directory.ts";
import { openErofs } from "../tree/erofs.ts";
import type { Tree } from "../tree/tree.ts";
import { UserError } from "../user-error.ts";
import type { BootEvent } from "../watch/events.ts";
import { hostAddress, network, warn } from "./options.ts";

/**
 * `sidus/nfs`: NFSv3 and MOUNT over TCP (RFC 1813), read-only, in this process, for programs of your own. What is served
 * is a `Tree`: a directory, a sealed image, or anything of yours that implements it.
 */

export { BlockCache } from "../tree/cache/cache.ts";
export type {
  Answer,
  Attributes,
  DirectoryEntry,
  DirectoryPage,
  FileId,
  FileSlice,
  FileType,
  Timestamp,
  Tree,
  TreeError,
  TreeUsage,
} from "../tree/tree.ts";
export { UserError } from "../user-error.ts";
export type { BootEvent as NfsEvent } from "../watch/events.ts";
export type { Squash };

export interface NfsExport {
  /** What clients mount: `/srv/tree`. File handles depend on it, so that clients survive a restart with the same one. */
  readonly path: string;
  readonly tree: Tree;
  /** Networks and addresses that may mount and read, as `10.0.0.0/24` or `10.0.0.7`: asked at every call. */
  readonly clients: readonly string[];
  /** `root`: user 0 becomes nobody; `all`: everybody does. Unless written: `none`. */
  readonly squash?: Squash;
}

export interface NfsServerOptions {
  /** An IPv4 address of this machine, or `0.0.0.0`. Unless written: `127.0.0.1`. */
  readonly host?: string;
  /** For NFS and MOUNT alike. Unless written: 2049; 0 lets the system choose. */
  readonly port?: number;
  readonly exports: readonly NfsExport[];
  /** Told of mounts and of refused calls. */
  readonly onEvent?: (event: BootEvent) => void;
  /** Told of what went wrong inside; the server goes on. Unless written: a warning of the process. */
  readonly onError?: (error: Error) => void;
}

export interface NfsServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Open now. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Starts a server; answers when it listens. @throws UserError for options that make no sense, or a port in use. */
export async function serveNfs(options: NfsServerOptions): Promise<NfsServer> {
  const { host = "127.0.0.1", port = 2049, onEvent = () => {}, onError = warn } = options;
  const address = hostAddress(host);
  const exports = options.exports.map(({ path, tree, clients, squash = "none" }) => {
    if (!path.startsWith("/")) throw new UserError(`path: expected /…, found "${path}"`);
    return { name: path, path, tree, clients: clients.map(network("clients")), squash };
  });
  const server = await serve({
    local: { address, port },
    exports: () => exports,
    tell: onEvent,
    report: (what, cause) => onError(new Error(what, { cause })),
  });
  const close = async (): Promise<void> => await server[Symbol.asyncDispose]();
  return {
    host: formatIpv4(server.local.address),
    port: server.local.port,
    get connections() {
      return server.connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface TreeOptions {
  /** Where contents are cached; one can serve many trees. Unless written: 64 MiB that all trees without one share. */
  readonly cache?: BlockCache;
}

/** A directory, live: changes show within a second. @throws UserError where there is none. */
export function openDirectory(path: string, { cache }: TreeOptions = {}): Promise<Tree> {
  return openDirectoryTree(path, { clock: systemClock, cache: cache ?? commonCache() });
}

/**
 * An EROFS file as `mkfs.erofs` writes it without compression. With `digest` (SHA-256 in hexadecimal) the file must have it.
 * @throws UserError for what is no such file.
 */
export function openImage(
  path: string,
  { cache, digest }: TreeOptions & { readonly digest?: string } = {},
): Promise<Tree> {
  const own = cache ?? commonCache();
  return openErofs(path, digest === undefined ? { cache: own } : { cache: own, digest });
}

let common: BlockCache | undefined;

function commonCache(): BlockCache {
  common ??= BlockCache.create(LIBRARY_CACHE_BYTES);
  return common;
}
