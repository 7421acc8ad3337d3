import type { Reader } from "../../bytes/reader.ts";
import { STORM_JUKEBOX_MS } from "../../limits.ts";
import { type Alarm, after } from "../../net/clock.ts";
import type { Done, Expectations, SimulatedIdentity } from "../client.ts";
import { type Call, noCredential, rootCredential } from "../rpc/call.ts";
import { type Refusal, RpcConnection, type RpcHandler } from "../rpc/connection.ts";
import type { NfsCall, Trace } from "../trace/trace.ts";
import { Answers } from "./answers.ts";
import { Errand } from "./errand.ts";
import { type NamedFile, NfsFiles, type ServedFiles } from "./files.ts";
import { Handles } from "./handles.ts";
import { Listings } from "./listings.ts";
import { NFS_PROGRAM, operations } from "./operations.ts";
import { Rendezvous, type RendezvousOptions } from "./rendezvous.ts";
import { Status } from "./results.ts";

export interface NfsOptions extends RendezvousOptions {
  readonly expectations: Expectations;
  readonly trace: Pick<Trace, "files">;
  /** One object for all nodes of a thread. */
  readonly mapping: ServedFiles;
  /** Its files are there, and are so large: where they are not, that is a difference. */
  readonly isTreeKnown: boolean;
  readonly identity: SimulatedIdentity;
}

type Asked = Call<Errand>;

/** NFSACL: what Linux asks for of a file, and of a directory: its list and its count; the default's, too. */
const ACL_MASK = 3;
const ACL_MASK_OF_DIRECTORY = 15;

/**
 * NFS as one node speaks it: one connection from a port below 1024, the superuser's credentials, handles as the server told
 * them to this node. What the trace asks is asked; where it takes a handle that no reply told yet, the names on the way to
 * it are looked up first.
 */
export class NfsClient implements RpcHandler<Errand> {
  readonly #options: NfsOptions;
  readonly #files: NfsFiles;
  readonly #handles: Handles;
  readonly #listings: Listings;
  readonly #answers: Answers;
  readonly #rendezvous: Rendezvous;
  readonly #credential: Uint8Array;
  #connection: RpcConnection<Errand> | undefined;
  /** NFS3ERR_JUKEBOX: to be asked again, all at once. */
  #later: Asked[] = [];
  readonly #jukebox: Alarm;
  #hasAcls = true;
  #isClosed = false;
  #added = 0;

  constructor(options: NfsOptions) {
    const { clock, identity, expectations, tally, isTreeKnown } = options;
    this.#options = options;
    this.#files = NfsFiles.of(options.trace, options.mapping);
    const handles = new Handles(this.#files);
    const listings = new Listings(this.#files, handles, expectations);
    this.#handles = handles;
    this.#listings = listings;
    this.#answers = new Answers({ handles, listings, expectations, tally, isTreeKnown });
    this.#rendezvous = new Rendezvous(options);
    this.#credential = rootCredential(identity.name);
    this.#jukebox = clock.alarm(() => this.#askAgain());
  }

  /** Calls that the trace has not: lookups, and READs of what one READ did not answer. */
  get added(): number {
    return this.#added;
  }

  portmap(program: number, version: number, done: Done): void {
    this.#rendezvous.portmap(program, version, done);
  }

  mount(path: string, done: Done): void {
    this.#rendezvous.mount(path, (failure, handle) => {
      if (handle !== undefined) this.#handles.learn(this.#files.root, handle);
      done(failure);
    });
  }

  /** What is said of the node's files is told to tally and expectations: `done` fails where the node cannot go on. */
  call(wanted: NfsCall, done: Done): void {
    this.#connection ??= this.#connect();
    const call = this.#connection.take();
    if (call === undefined) done("NFS: too many calls at once");
    else if (this.#start(call, wanted, done)) this.#proceed(call, wanted);
    else this.#finish(call);
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
    this.#rendezvous[Symbol.dispose]();
    this.#jukebox[Symbol.dispose]();
  }

  #connect(): RpcConnection<Errand> {
    const { address } = this.#options.server;
    return new RpcConnection<Errand>({
      ...this.#options,
      server: { address, port: this.#rendezvous.nfsPort },
      isPrivileged: true,
      handler: this,
      make: () => new Errand(),
    });
  }

  /** False: there is nothing to ask. */
  #start(call: Asked, wanted: NfsCall, done: Done): boolean {
    const { about } = call;
    about.wanted = wanted;
    about.done = done;
    if (wanted.op === "getacl") return this.#hasAcls;
    if (wanted.op === "read") about.reading.begin(wanted, this.#files);
    if (wanted.op !== "readdir" && wanted.op !== "readdirplus") return true;
    about.listing = this.#listings.open(wanted);
    return about.listing !== undefined;
  }

  /** Asks what is wanted, or for what must be known before. */
  #proceed(call: Asked, wanted: NfsCall): void {
    const file = this.#files.of(wanted.file);
    const isNull = wanted.op === "null" || wanted.op === "acl-null";
    const needed = wanted.op === "lookup" ? this.#files.at(file.parent) : file;
    const handle = this.#handles.of(needed);
    if (isNull) call.begin(operations[wanted.op], noCredential);
    else if (handle !== undefined) {
      call.begin(operations[wanted.op], this.#credential).put(handle);
      this.#writeArguments(call, wanted, file);
    }
    if (isNull || handle !== undefined) this.#ask(call, file, false);
    else this.#lookUp(call, needed);
  }

  /** What follows the handle. */
  #writeArguments(call: Asked, wanted: NfsCall, file: NamedFile): void {
    const { reading, listing } = call.about;
    if (wanted.op === "lookup") call.put(file.name);
    else if (wanted.op === "access") call.u32(wanted.access);
    else if (wanted.op === "read") reading.write(call);
    else if (wanted.op === "getacl") {
      call.u32(file.type === "directory" ? ACL_MASK_OF_DIRECTORY : ACL_MASK);
    } else if (listing !== undefined && (wanted.op === "readdir" || wanted.op === "readdirplus")) {
      this.#listings.write(call, wanted, listing);
    }
  }

  /** The first name on the way whose directory is known. */
  #lookUp(call: Asked, needed: NamedFile): void {
    let file = needed;
    let directory = this.#files.at(file.parent);
    let handle = this.#handles.of(directory);
    while (handle === undefined && directory !== file) {
      file = directory;
      directory = this.#files.at(file.parent);
      handle = this.#handles.of(directory);
    }
    if (handle === undefined) this.#finish(call, "NFS: nothing is mounted");
    else {
      this.#added += 1;
      call.begin(operations.lookup, this.#credential).put(handle).put(file.name);
      this.#ask(call, file, true);
    }
  }

  #ask(call: Asked, file: NamedFile, isExtra: boolean): void {
    call.about.file = file;
    call.about.isExtra = isExtra;
    this.#connection?.send(call.finish());
  }

  #finish(call: Asked, failure?: string): void {
    const { about } = call;
    const { done } = about;
    if (about.listing !== undefined) about.listing.isAsked = false;
    about.wanted = about.done = about.file = about.listing = about.laterSince = undefined;
    this.#connection?.free(call);
    if (!this.#isClosed) done?.(failure);
  }

  #askLater(call: Asked): void {
    const { clock, patienceMs } = this.#options;
    const now = clock.now();
    call.about.laterSince ??= now;
    if (now - call.about.laterSince >= patienceMs) {
      this.#finish(call, "NFS: asked to come back later, again and again (NFS3ERR_JUKEBOX)");
      return;
    }
    this.#later.push(call);
    if (this.#later.length === 1) this.#jukebox.set(after(now, STORM_JUKEBOX_MS));
  }

  #askAgain(): void {
    const later = this.#later;
    this.#later = [];
    for (const call of later) {
      const { wanted } = call.about;
      this.#options.tally.retransmitted("nfs");
      if (wanted !== undefined) this.#proceed(call, wanted);
    }
  }

  #tellAnswered(call: Asked, label: string, received: number): void {
    const ms = (this.#connection?.heardAt ?? call.sentAt) - call.sentAt;
    this.#options.tally.answered("nfs", label, ms, received, call.length);
  }

  // RpcHandler

  answered(call: Asked, results: Reader, received: number): void {
    if (this.begins(call, results)) {
      this.piece(call, results.bytes, results.offset, results.offset + results.remaining);
      this.ends(call, received);
    } else this.#judge(call, results, received);
  }

  /** Anything but READ's data. */
  #judge(call: Asked, results: Reader, received: number): void {
    const { about } = call;
    const { wanted, file, isExtra } = about;
    if (wanted === undefined || file === undefined) return;
    const op = isExtra ? "lookup" : wanted.op;
    this.#tellAnswered(call, operations[op].label, received);
    let status: number = Status.OK;
    if (op !== "null" && op !== "acl-null") {
      status = op === "read" ? about.status : results.u32();
      if (status === Status.OK) this.#answers.read(op, about, file, results);
      else if (status !== Status.JUKEBOX) this.#answers.failed(op, file, status);
    }
    if (status === Status.JUKEBOX) {
      this.#askLater(call);
      return;
    }
    about.laterSince = undefined;
    if (isExtra && this.#handles.of(file) !== undefined) this.#proceed(call, wanted);
    else this.#finish(call);
  }

  refused(call: Asked, why: Refusal, received: number): void {
    const { wanted, isExtra } = call.about;
    if (wanted === undefined) return;
    const { label, program } = operations[isExtra ? "lookup" : wanted.op];
    this.#tellAnswered(call, label, received);
    // As Linux: refused once, and it asks for ACLs no more.
    if (why === "unavailable" && program !== NFS_PROGRAM) this.#hasAcls = false;
    else this.#answers.complain(`${label}: ${why}`);
    this.#finish(call, why === "denied" ? "NFS: calls are denied" : undefined);
  }

  begins(call: Asked, results: Reader): boolean {
    const { about } = call;
    if (about.wanted?.op !== "read" || about.isExtra) return false;
    about.status = results.u32();
    return about.status === Status.OK && about.reading.head(results);
  }

  piece(call: Asked, bytes: Uint8Array, start: number, end: number): void {
    call.about.reading.piece(bytes, start, end);
  }

  ends(call: Asked, received: number): void {
    const { wanted, file, reading } = call.about;
    if (wanted === undefined || file === undefined) return;
    this.#tellAnswered(call, operations.read.label, received);
    call.about.laterSince = undefined;
    this.#answers.data(call.about, file);
    const isShort = reading.isShort(file);
    if (isShort && reading.continue()) {
      this.#added += 1;
      this.#proceed(call, wanted);
    } else {
      if (isShort) this.#answers.short(file);
      this.#finish(call);
    }
  }

  complained(reason: string): void {
    this.#answers.complain(reason);
  }

  repeated(): void {
    this.#options.tally.retransmitted("nfs");
  }

  gaveUp(): void {
    const asked = [...(this.#connection?.asked() ?? []), ...this.#later];
    for (const call of asked) this.#finish(call, "NFS: no answer");
  }
}
