import { readOpaque } from "../../rpc/xdr.ts";
import type { Event } from "./event.ts";
import type { FileTable } from "./file-table.ts";
import { exchangesOf } from "./rpc.ts";
import type { Stream } from "./streams.ts";

/** What goes before NFS: where its servers are (RFC 1833 §3.2), and the root's handle (RFC 1813 §5.2.1). */

const PORTMAP = { program: 100_000, version: 2, GETPORT: 3 } as const;
const MOUNT = { program: 100_005, version: 3, MNT: 1 } as const;
const HANDLE_BYTES_MAX = 64;

/** `files` is told the root's handle; `other` what else was asked of these programs: `MOUNT 3`. */
export function mountEventsOf(
  stream: Stream,
  files: FileTable,
  other: (call: string) => void,
): Event[] {
  const events: Event[] = [];
  for (const { program, version, procedure, call, reply, sentAt, endedAt } of exchangesOf(stream)) {
    if (program === PORTMAP.program) {
      const isAsked = version === PORTMAP.version && procedure === PORTMAP.GETPORT;
      const wanted = { program: call.u32(), version: call.u32() };
      if (!isAsked || call.failed) other(`procedure ${procedure} of portmap version ${version}`);
      else events.push({ sentAt, endedAt, deed: { kind: "portmap", ...wanted } });
    } else if (program === MOUNT.program) {
      const isAsked = version === MOUNT.version && procedure === MOUNT.MNT;
      const isDone = isAsked && reply?.u32() === 0;
      const handle =
        isDone && reply !== undefined ? readOpaque(reply, HANDLE_BYTES_MAX) : undefined;
      if (handle === undefined || reply?.failed === true) {
        other(`procedure ${procedure} of mount version ${version}`);
        continue;
      }
      files.root(handle);
      events.push({ sentAt, endedAt, deed: { kind: "mount" } });
    }
  }
  return events;
}
