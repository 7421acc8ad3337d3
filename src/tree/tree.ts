/**
 * A tree of files, addressed by id, as NFS, TFTP and HTTP serve it: a directory today, a sealed image beside it.
 * Nothing here is a path on disk: a name is looked up in one directory at a time.
 *
 * Names and link targets are bytes, not text: each character of these strings stands for one byte (latin1), so that
 * a name that is no valid UTF-8 passes unchanged. Text beyond ASCII must be turned into its bytes first.
 */

/** Names one file for as long as it lives, also after the server was restarted. */
export type FileId = bigint & { readonly brand: "FileId" };

export type FileType = "file" | "directory" | "symlink" | "block" | "character" | "fifo" | "socket";

export interface Timestamp {
  /** Since 1970. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** An immutable value: while a tree believes it, it answers the same object, so that its encoding can be kept. */
export interface Attributes {
  readonly id: FileId;
  readonly type: FileType;
  /** Permission bits with setuid, setgid and sticky: the low 12 of st_mode. */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes that it takes on disk. */
  readonly used: number;
  readonly device: { readonly major: number; readonly minor: number };
  readonly accessed: Timestamp;
  readonly modified: Timestamp;
  readonly changed: Timestamp;
  /** Differs when an id is used again for another file. */
  readonly generation: number;
}

export interface DirectoryEntry {
  readonly name: string;
  /** Continue after this entry with it; never 0. */
  readonly cookie: bigint;
  readonly attributes: Attributes;
}

export interface DirectoryPage {
  readonly entries: readonly DirectoryEntry[];
  /** True when no entry follows the last of these. */
  readonly end: boolean;
}

export type TreeError =
  | "not-found"
  | "stale"
  | "not-directory"
  | "not-file"
  | "not-symlink"
  | "bad-cookie"
  /** The server itself may not read it. */
  | "denied"
  | "io";

/** At once where it is known, later where the disk must be asked. An error is its name: a string. */
export type Answer<T extends object> = T | TreeError | Promise<T | TreeError>;

export interface Tree extends AsyncDisposable {
  readonly root: FileId;
  /** 64 bits that stay the same after a restart, and differ for another tree in the same place. */
  readonly identity: bigint;
  attributes(id: FileId): Answer<Attributes>;
  /** `.` and `..` are names like others; `..` of the root is the root. */
  lookup(directory: FileId, name: string): Answer<Attributes>;
  readlink(id: FileId): Answer<{ readonly target: string }>;
  /** Up to `entriesMax` entries after `cookie` (0: from the start), `.` and `..` included. */
  readdir(directory: FileId, cookie: bigint, entriesMax: number): Answer<DirectoryPage>;
  /** Up to `length` bytes from `offset`, fewer where the file ends. */
  read(id: FileId, offset: number, length: number): Answer<FileSlice>;
  /** Bytes and inodes of the file system below, for FSSTAT. */
  usage(): Answer<TreeUsage>;
}

/** Whoever gets one releases it once, when its bytes are sent or copied. */
export interface FileSlice {
  /** One after another. They may be views of a cache: not to be written to, and good until `release`. */
  readonly parts: readonly Uint8Array[];
  /** Bytes in all parts. */
  readonly length: number;
  /** Nothing follows these bytes. */
  readonly end: boolean;
  release(): void;
}

export interface TreeUsage {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly availableBytes: number;
  readonly totalFiles: number;
  readonly freeFiles: number;
}
