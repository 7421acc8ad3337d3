import { crc32 } from "node:zlib";
import type { Reader } from "../../bytes/reader.ts";
import { FILE_NAME_BYTES_MAX } from "../../limits.ts";
import { readString } from "../../rpc/xdr.ts";
import type { Expectations } from "../client.ts";
import type { Call } from "../rpc/call.ts";
import type { NfsCall } from "../trace/trace.ts";
import type { NamedFile, NfsFiles } from "./files.ts";
import type { Handles } from "./handles.ts";
import { readHandle, readPostOp } from "./results.ts";

type ListingCall = NfsCall & { readonly op: "readdir" | "readdirplus" };

/** How far a directory was read. Cookies are 64 bits that only the server understands: in two halves. */
export class Listing {
  cookieHigh = 0;
  cookieLow = 0;
  verifierHigh = 0;
  verifierLow = 0;
  isAtEnd = false;
  /** Sum of the checksums of all names: in whichever order they came. */
  names = 0;
  /** Until its answer is done with, whatever that says. */
  isAsked = false;
  /** Two asked for one page, and it counts twice: of no use for comparing. */
  isMixed = false;
}

/** READDIR and READDIRPLUS (RFC 1813 §3.3.16, §3.3.17) of one node. */
export class Listings {
  readonly #files: NfsFiles;
  readonly #handles: Handles;
  readonly #expectations: Expectations;
  readonly #listings = new Map<number, Listing>();

  constructor(files: NfsFiles, handles: Handles, expectations: Expectations) {
    this.#files = files;
    this.#handles = handles;
    this.#expectations = expectations;
  }

  /** From its beginning, or where it was read to; undefined: to its end. */
  open(wanted: ListingCall): Listing | undefined {
    const { index } = this.#files.of(wanted.file);
    const known = wanted.continues ? this.#listings.get(index) : undefined;
    if (known?.isAtEnd === true) return undefined;
    const listing = known ?? new Listing();
    if (known === undefined) this.#listings.set(index, listing);
    listing.isMixed ||= listing.isAsked;
    listing.isAsked = true;
    return listing;
  }

  /** What follows the handle. */
  write(call: Call<unknown>, wanted: ListingCall, listing: Listing): void {
    call.u32(listing.cookieHigh).u32(listing.cookieLow);
    call.u32(listing.verifierHigh).u32(listing.verifierLow);
    if (wanted.op === "readdirplus") call.u32(wanted.dircount);
    call.u32(wanted.maxcount);
  }

  /** The results behind the status. False: it is read to its end, and has other names than other nodes were told. */
  read(results: Reader, isPlus: boolean, directory: NamedFile, listing: Listing): boolean {
    readPostOp(results);
    listing.verifierHigh = results.u32();
    listing.verifierLow = results.u32();
    while (results.u32() === 1) {
      results.skip(8); // fileid
      const name = readString(results, FILE_NAME_BYTES_MAX);
      listing.names = (listing.names + crc32(name)) >>> 0;
      listing.cookieHigh = results.u32();
      listing.cookieLow = results.u32();
      if (isPlus) this.#learn(results, directory, name);
    }
    listing.isAtEnd = results.u32() === 1;
    // Some of its names count now, and count again when they are asked for again.
    if (results.failed) listing.isMixed = true;
    if (!listing.isAtEnd || listing.isMixed) return true;
    return this.#expectations.checkCrc(`nfs-names ${directory.path}`, 0, 0, listing.names);
  }

  #learn(results: Reader, directory: NamedFile, name: string): void {
    readPostOp(results);
    if (results.u32() === 0) return;
    const handle = readHandle(results);
    const entry = this.#files.entryOf(directory.index, name);
    if (entry !== undefined && !results.failed) this.#handles.learn(entry, handle);
  }
}
