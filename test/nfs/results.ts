import { In } from "./client.ts";

/** Reads the results of NFS procedures, from ours and from other servers alike (RFC 1813 §3.3). */

export interface Fattr3 {
  readonly type: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: bigint;
  readonly used: bigint;
  readonly rdev: readonly [number, number];
  readonly fsid: bigint;
  readonly fileid: bigint;
  readonly atime: readonly [number, number];
  readonly mtime: readonly [number, number];
  readonly ctime: readonly [number, number];
}

export function fattr3(from: In): Fattr3 {
  const pair = (): [number, number] => [from.u32(), from.u32()];
  return {
    type: from.u32(),
    mode: from.u32(),
    nlink: from.u32(),
    uid: from.u32(),
    gid: from.u32(),
    size: from.u64(),
    used: from.u64(),
    rdev: pair(),
    fsid: from.u64(),
    fileid: from.u64(),
    atime: pair(),
    mtime: pair(),
    ctime: pair(),
  };
}

export function postOp(from: In): Fattr3 | undefined {
  return from.bool() ? fattr3(from) : undefined;
}

export function wcc(from: In): { before: boolean; after: Fattr3 | undefined } {
  const before = from.bool();
  if (before) from.fixed(24);
  return { before, after: postOp(from) };
}

export interface Entry {
  readonly fileid: bigint;
  readonly name: string;
  readonly cookie: bigint;
  readonly attributes?: Fattr3 | undefined;
  readonly handle?: Buffer | undefined;
}

export interface Page {
  readonly verifier: Buffer;
  readonly entries: Entry[];
  readonly eof: boolean;
}

function page(from: In, plus: boolean): Page {
  const verifier = from.fixed(8);
  const entries = from.list((): Entry => {
    const entry = { fileid: from.u64(), name: from.text(), cookie: from.u64() };
    if (!plus) return entry;
    const attributes = postOp(from);
    return { ...entry, attributes, handle: from.bool() ? from.opaque() : undefined };
  });
  return { verifier, entries, eof: from.bool() };
}

/** Reads one procedure's results to their end; throws where they have another form. Answers the status. */
export function checkForm(procedure: number, from: In): number {
  const status = procedure === 0 ? 0 : from.u32();
  if (status === 0) succeeded(procedure, from);
  else failed(procedure, from);
  from.end();
  return status;
}

function succeeded(procedure: number, from: In): void {
  switch (procedure) {
    case 0:
      return;
    case 1:
      return void fattr3(from);
    case 3:
      from.opaque();
      postOp(from);
      return void postOp(from);
    case 4:
      postOp(from);
      return void from.u32();
    case 5:
      postOp(from);
      return void from.opaque();
    case 6: {
      postOp(from);
      const count = from.u32();
      from.bool();
      if (from.opaque().length !== count) throw new Error("READ: count is not the data's length");
      return;
    }
    case 16:
    case 17:
      postOp(from);
      return void page(from, procedure === 17);
    case 18:
      postOp(from);
      return void from.fixed(52);
    case 19:
      postOp(from);
      return void from.fixed(48);
    case 20:
      postOp(from);
      return void from.fixed(24);
    default:
      throw new Error(`procedure ${procedure} cannot succeed on a read-only server`);
  }
}

function failed(procedure: number, from: In): void {
  switch (procedure) {
    case 1:
      return;
    case 14:
      wcc(from);
      return void wcc(from);
    case 15:
      postOp(from);
      return void wcc(from);
    case 2:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
    case 21:
      return void wcc(from);
    default:
      postOp(from);
  }
}

export function readPage(from: In, plus: boolean): Page & { attributes: Fattr3 | undefined } {
  const attributes = postOp(from);
  const read = page(from, plus);
  from.end();
  return { attributes, ...read };
}

/** For results that were not parsed by their client yet. */
export function reader(bytes: Uint8Array): In {
  return new In(bytes);
}
