import { formatIpv4 } from "../../bytes/ipv4.ts";
import { isMalformed, type Malformed, malformed } from "../../bytes/malformed.ts";
import type { Reader } from "../../bytes/reader.ts";
import { FILE_NAME_BYTES_MAX, STORM_EXPLORED_AT_ONCE, STORM_EXPLORED_MAX } from "../../limits.ts";
import type { Clock } from "../../net/clock.ts";
import { readString } from "../../rpc/xdr.ts";
import { UserError } from "../../user-error.ts";
import type { Origin, Tally } from "../client.ts";
import { type Call, opaque, rootCredential } from "../rpc/call.ts";
import { type Refusal, RpcConnection, type RpcHandler } from "../rpc/connection.ts";
import { type TreeEntry, withoutDigits } from "../trace/mapping.ts";
import type { Trace } from "../trace/trace.ts";
import { operations } from "./operations.ts";
import { type NfsPlace, Rendezvous } from "./rendezvous.ts";
import { readFacts, readHandle, readPostOp, Status, statusName } from "./results.ts";

export interface ExploreOptions {
  readonly server: NfsPlace;
  /** What is mounted. */
  readonly path: string;
  readonly from: Origin;
  readonly trace: Pick<Trace, "files" | "about">;
  readonly clock: Clock;
  readonly random: () => number;
  readonly patienceMs: number;
}

/** A directory that is being read. */
interface Visit {
  path: string;
  handle: Uint8Array;
  cookie: Uint8Array;
  verifier: Uint8Array;
}

interface Entry extends TreeEntry {
  readonly handle: Uint8Array | undefined;
}

interface Page {
  readonly entries: readonly Entry[];
  readonly cookie: Uint8Array;
  readonly verifier: Uint8Array;
  readonly isLast: boolean;
}

const PAGE_BYTES = 32 * 1024;
const START = Buffer.alloc(8);

/**
 * What a server has in the directories that a trace's files are in, and in those that differ from them by digits only: what
 * mapFiles must know of a tree that is not ours to read.
 * @throws UserError
 */
export async function explore(options: ExploreOptions): Promise<TreeEntry[]> {
  using rendezvous = new Rendezvous({ ...options, tally: unheard });
  const handle = await new Promise<Uint8Array>((resolve, reject) => {
    rendezvous.mount(options.path, (failure, root) => {
      if (root === undefined) reject(new UserError(`${options.path}: ${failure ?? "no handle"}`));
      // A view that ends with this call.
      else resolve(opaque(root));
    });
  });
  using explorer = new Explorer(options, rendezvous.nfsPort);
  return await explorer.run(handle);
}

class Explorer implements RpcHandler<Visit>, Disposable {
  readonly #options: ExploreOptions;
  readonly #wanted: ReadonlySet<string>;
  readonly #connection: RpcConnection<Visit>;
  readonly #credential = rootCredential("sidus");
  readonly #found: TreeEntry[] = [];
  readonly #queue: { readonly path: string; readonly handle: Uint8Array }[] = [];
  #visits = 0;
  readonly #ended = Promise.withResolvers<TreeEntry[]>();

  constructor(options: ExploreOptions, port: number) {
    this.#options = options;
    this.#wanted = directoriesOf(options.trace);
    this.#connection = new RpcConnection<Visit>({
      ...options,
      server: { address: options.server.address, port },
      isPrivileged: true,
      handler: this,
      make: () => ({ path: "", handle: START, cookie: START, verifier: START }),
    });
  }

  run(root: Uint8Array): Promise<TreeEntry[]> {
    this.#queue.push({ path: "", handle: root });
    this.#proceed();
    return this.#ended.promise;
  }

  #proceed(): void {
    while (this.#visits < STORM_EXPLORED_AT_ONCE) {
      const next = this.#queue.shift();
      const call = next && this.#connection.take();
      if (next === undefined || call === undefined) break;
      Object.assign(call.about, { ...next, cookie: START, verifier: START });
      this.#visits += 1;
      this.#ask(call);
    }
    if (this.#visits === 0) this.#ended.resolve(this.#found);
  }

  #ask(call: Call<Visit>): void {
    const { handle, cookie, verifier } = call.about;
    call.begin(operations.readdirplus, this.#credential).put(handle).put(cookie).put(verifier);
    this.#connection.send(call.u32(PAGE_BYTES).u32(PAGE_BYTES).finish());
  }

  answered(call: Call<Visit>, results: Reader): void {
    const { path } = call.about;
    const status = results.u32();
    const page = status === Status.OK ? readPage(results, path) : undefined;
    if (page !== undefined && isMalformed(page)) this.#fail(page.malformed);
    else if (page !== undefined) this.#take(call, page);
    // Others may be forbidden; without the first there is nothing.
    else if (path === "") this.#fail(`READDIRPLUS: ${statusName(status)}`);
    else this.#leave(call);
  }

  #take(call: Call<Visit>, { entries, cookie, verifier, isLast }: Page): void {
    for (const { path, type, size, handle } of entries) {
      this.#found.push({ path, type, size });
      const isWanted = type === "directory" && this.#wanted.has(alike(path));
      if (isWanted && handle !== undefined) this.#queue.push({ path, handle });
    }
    if (this.#found.length > STORM_EXPLORED_MAX)
      this.#fail(`more than ${STORM_EXPLORED_MAX} names`);
    else if (isLast || entries.length === 0) this.#leave(call);
    else {
      Object.assign(call.about, { cookie, verifier });
      this.#ask(call);
    }
  }

  #leave(call: Call<Visit>): void {
    this.#connection.free(call);
    this.#visits -= 1;
    this.#proceed();
  }

  #fail(why: string): void {
    const { server, path } = this.#options;
    this.#ended.reject(
      new UserError(`${formatIpv4(server.address)}:${path} cannot be listed: ${why}`),
    );
    this.#connection.close();
  }

  refused(_: Call<Visit>, why: Refusal): void {
    this.#fail(why);
  }

  begins(): boolean {
    return false;
  }

  piece(): void {}

  ends(): void {}

  complained(reason: string): void {
    this.#fail(reason);
  }

  repeated(): void {}

  gaveUp(): void {
    this.#fail("no answer");
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Names differ from tree to tree by digits, and by which kernel they are for. */
function alike(path: string): string {
  return withoutDigits(path.replace(/^((?:usr\/)?lib\/modules\/)[^/]+/, "$1 "));
}

/** All that are above a trace's files. */
function directoriesOf({ files }: Pick<Trace, "files">): ReadonlySet<string> {
  const wanted = new Set<string>();
  for (const { path, type } of files) {
    const names = path.split("/");
    const count = type === "directory" ? names.length : names.length - 1;
    for (let depth = 1; depth <= count; depth += 1)
      wanted.add(alike(names.slice(0, depth).join("/")));
  }
  return wanted;
}

/** READDIRPLUS3resok, RFC 1813 §3.3.17, behind its status. */
function readPage(results: Reader, directory: string): Page | Malformed {
  readPostOp(results);
  const verifier = results.take(8).slice();
  let cookie: Uint8Array = START;
  const entries: Entry[] = [];
  while (results.u32() === 1) {
    results.skip(8);
    const name = readString(results, FILE_NAME_BYTES_MAX);
    cookie = results.take(8).slice();
    const facts = results.u32() === 1 ? readFacts(results) : undefined;
    const handle = results.u32() === 1 ? opaque(readHandle(results)) : undefined;
    if (results.failed) break;
    if (facts === undefined || !isName(name)) continue;
    const path = directory === "" ? name : `${directory}/${name}`;
    entries.push({ path, ...facts, handle });
  }
  const isLast = results.u32() === 1;
  if (results.failed || results.remaining > 0) return malformed("a malformed answer");
  return { entries, cookie, verifier, isLast };
}

function isName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}

/** Of questions before a storm. */
export const unheard: Tally = {
  answered() {},
  moved() {},
  retransmitted() {},
  complained() {},
  verified() {},
  differed() {},
};
