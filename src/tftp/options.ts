import { TFTP_BLOCK_BYTES_MAX, TFTP_WINDOW_BLOCKS_MAX } from "../limits.ts";
import type { Option } from "./packet.ts";

/** How a file is sent. */
export interface Terms {
  readonly blockBytes: number;
  readonly windowBlocks: number;
  /** How long to wait for each ACK, where the client chose. */
  readonly timeoutMs: number | undefined;
  /** What the OACK says, in the order of the request; none: there is no OACK, and DATA answers at once. */
  readonly accepted: readonly Option[];
}

/** RFC 1350: what holds when nothing is agreed. */
const DEFAULT_BLOCK_BYTES = 512;

/**
 * RFC 2347: what of the client's options is agreed to. An option that is unknown, said again, or whose value makes no
 * sense is left out of the OACK, which tells the client that it does not hold.
 *
 * @param sizeBytes what `tsize` answers; undefined where it is not known before the end (netascii)
 */
export function negotiate(options: readonly Option[], sizeBytes: number | undefined): Terms {
  const accepted = new Map<string, Option>();
  const values = new Map<string, number>();
  for (const { name, value } of options) {
    const known = name.toLowerCase();
    const answer = accepted.has(known) ? undefined : agree(known, value, sizeBytes);
    if (answer === undefined) continue;
    accepted.set(known, { name, value: String(answer) });
    values.set(known, answer);
  }
  const timeoutSeconds = values.get("timeout");
  return {
    blockBytes: values.get("blksize") ?? DEFAULT_BLOCK_BYTES,
    windowBlocks: values.get("windowsize") ?? 1,
    timeoutMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
    accepted: [...accepted.values()],
  };
}

/** The value that the OACK gives for one option; undefined: left out. */
function agree(name: string, value: string, sizeBytes: number | undefined): number | undefined {
  const asked = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  if (asked === undefined) return undefined;
  switch (name) {
    case "blksize": // RFC 2348: from 8; the server may answer with less than was asked.
      return asked >= 8 ? Math.min(asked, TFTP_BLOCK_BYTES_MAX) : undefined;
    case "timeout": // RFC 2349: 1 to 255 s, and the answer is what was asked.
      return asked >= 1 && asked <= 255 ? asked : undefined;
    case "tsize": // RFC 2349: the client says 0 and the answer is the size.
      return sizeBytes;
    case "windowsize": // RFC 7440 §3: from 1; the server may answer with less than was asked.
      return asked >= 1 ? Math.min(asked, TFTP_WINDOW_BLOCKS_MAX) : undefined;
    default:
      return undefined;
  }
}
