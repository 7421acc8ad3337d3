import { crc32 } from "node:zlib";
import type { Reader } from "../../bytes/reader.ts";
import { PATH_BYTES_MAX } from "../../limits.ts";
import { readOpaque } from "../../rpc/xdr.ts";
import type { Expectations, Tally } from "../client.ts";
import type { NfsCall } from "../trace/trace.ts";
import type { Errand } from "./errand.ts";
import type { NamedFile } from "./files.ts";
import type { Handles } from "./handles.ts";
import type { Listings } from "./listings.ts";
import { operations } from "./operations.ts";
import {
  readAttributes,
  readHandle,
  readPostOp,
  resultBytes,
  Status,
  skipAcls,
  statusName,
} from "./results.ts";

/** With results behind a status, but for READ's data. */
export type StatusOp = Exclude<NfsCall["op"], "null" | "acl-null">;

/** What every server has of a file that was found. */
const contentOps: ReadonlySet<StatusOp> = new Set(["getattr", "read", "readlink"]);

/** Looks at what one node is answered: learns handles and cookies, compares, complains. */
export class Answers {
  readonly #handles: Handles;
  readonly #listings: Listings;
  readonly #expectations: Expectations;
  readonly #tally: Tally;
  readonly #isTreeKnown: boolean;

  constructor(about: {
    readonly handles: Handles;
    readonly listings: Listings;
    readonly expectations: Expectations;
    readonly tally: Tally;
    readonly isTreeKnown: boolean;
  }) {
    this.#handles = about.handles;
    this.#listings = about.listings;
    this.#expectations = about.expectations;
    this.#tally = about.tally;
    this.#isTreeKnown = about.isTreeKnown;
  }

  complain(reason: string): void {
    this.#tally.complained("nfs", reason);
  }

  /** A name that was not there when the trace was recorded need not be there; what is there can be found and read. */
  failed(op: StatusOp, file: NamedFile, status: number): void {
    const isMissing = op === "lookup" && file.type === "missing";
    if (isMissing && status === Status.NOENT) return;
    const why = `${operations[op].label}: ${statusName(status)}`;
    this.complain(why);
    const isFound = op === "lookup" ? this.#isTreeKnown && !isMissing : contentOps.has(op);
    if (isFound) this.#tally.differed("nfs", `${why}, ${file.path}`);
  }

  /** Less was read than there is. */
  short(file: NamedFile): void {
    this.complain("READ: short");
    if (this.#isTreeKnown) this.#tally.differed("nfs", `READ: short, ${file.path}`);
  }

  /** Results of what went well, to their end. */
  read(op: StatusOp, { listing }: Errand, file: NamedFile, results: Reader): void {
    if (op === "readdir" || op === "readdirplus") {
      const isPlus = op === "readdirplus";
      const isSame = listing === undefined || this.#listings.read(results, isPlus, file, listing);
      if (!isSame) this.#tally.differed("nfs", `names in ${file.path}`);
    } else this.#readOne(op, file, results);
    if (results.failed || results.remaining > 0)
      this.complain(`${operations[op].label}: malformed`);
  }

  /** READ's data are all here. */
  data({ reading }: Errand, file: NamedFile): void {
    const { offset, length, crc } = reading;
    if (!reading.isWhole) {
      this.complain("READ: malformed");
      this.#tally.differed("nfs", file.path);
    } else if (this.#expectations.checkCrc(file.key, offset, length, crc))
      this.#tally.verified(length);
    else this.#tally.differed("nfs", file.path);
  }

  #readOne(
    op: Exclude<StatusOp, "readdir" | "readdirplus">,
    file: NamedFile,
    results: Reader,
  ): void {
    const handle = op === "lookup" ? readHandle(results) : undefined;
    const type = op === "getattr" ? readAttributes(results) : readPostOp(results);
    if (results.failed) return;
    if (handle !== undefined) this.#handles.learn(file, handle);
    if (type !== undefined && type !== file.type && file.type !== "missing") {
      this.#tally.differed("nfs", `type of ${file.path}`);
    }
    if (op === "lookup") readPostOp(results);
    else if (op === "readlink") this.#readTarget(file, results);
    else if (op === "getacl") skipAcls(results);
    // What its beginning told is wrong.
    else if (op === "read") {
      results.fail();
      this.#tally.differed("nfs", file.path);
    } else if (op !== "getattr") results.skip(resultBytes[op]);
  }

  #readTarget(file: NamedFile, results: Reader): void {
    const target = readOpaque(results, PATH_BYTES_MAX);
    if (results.failed) return;
    const isSame = this.#expectations.checkCrc(`nfs-link ${file.path}`, 0, 0, crc32(target));
    if (!isSame) this.#tally.differed("nfs", `target of ${file.path}`);
  }
}
