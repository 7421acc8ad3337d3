import type { Deed, Trace } from "./trace.ts";

/** What a trace is made of, in a few numbers. */
export interface TraceFigures {
  /** Steps by `dhcp`, `tftp`, `http`, `mount` (with portmap), `nfs`, `iscsi`, `up`. */
  readonly calls: Readonly<Partial<Record<CallKind, number>>>;
  /** Content of what is fetched, and at most what is read of files. */
  readonly bytes: number;
  /** The node's own time: how long it would take if every answer came at once. */
  readonly seconds: number;
}

const callKinds = ["dhcp", "tftp", "http", "mount", "nfs", "iscsi", "up"] as const;
type CallKind = (typeof callKinds)[number];

export const kindOf: Readonly<Record<Deed["kind"], CallKind>> = {
  dhcp: "dhcp",
  tftp: "tftp",
  http: "http",
  portmap: "mount",
  mount: "mount",
  nfs: "nfs",
  login: "iscsi",
  scsi: "iscsi",
  up: "up",
};

export function figuresOf(trace: Trace): TraceFigures {
  const calls: Partial<Record<CallKind, number>> = {};
  // µs after power-on at which each step would have ended; none is sent before the one in front of it.
  const ends: number[] = [];
  let sentAt = 0;
  let bytes = 0;
  for (const { after, think, deed } of trace.steps) {
    const kind = kindOf[deed.kind];
    calls[kind] = (calls[kind] ?? 0) + 1;
    bytes += bytesOf(deed, trace);
    sentAt = Math.max(sentAt, (ends[after] ?? 0) + think);
    ends.push(sentAt + (deed.kind === "dhcp" ? deed.think : 0));
  }
  return { calls, bytes, seconds: (ends.at(-1) ?? 0) / 1e6 };
}

/** What it brings: content that is fetched, and at most what is read. */
export function bytesOf(deed: Deed, { files }: Trace): number {
  if (deed.kind === "tftp" || deed.kind === "http") {
    return deed.ends === "whole" ? deed.bytes : 0;
  }
  if (deed.kind === "scsi") return deed.command.way === "none" ? 0 : deed.command.bytes;
  if (deed.kind !== "nfs" || deed.call.op !== "read") return 0;
  const { file, offset, count } = deed.call;
  return Math.max(0, Math.min(count, (files[file]?.size ?? 0) - offset));
}
