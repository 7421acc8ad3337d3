import type { Option } from "../../tftp/packet.ts";

/** What a server's OACK makes of the options that were asked for (RFC 2347, 2348, 2349, 7440). */
export interface Terms {
  readonly blockBytes: number;
  readonly windowBlocks: number;
  /** Of the file; undefined: the server did not say. */
  readonly size: number | undefined;
}

/** RFC 1350 §2; RFC 7440 §3. */
export const plainTerms: Terms = { blockBytes: 512, windowBlocks: 1, size: undefined };

type Asked = readonly (readonly [name: string, value: string])[];

/** Undefined: a client must refuse it (RFC 2347: ERROR 8): what was not asked for, or more than that. */
export function termsOf(oack: readonly Option[], asked: Asked): Terms | undefined {
  let terms = plainTerms;
  for (const { name, value } of oack) {
    const key = name.toLowerCase();
    const wanted = asked.find(([other]) => other.toLowerCase() === key)?.[1];
    const granted = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
    if (wanted === undefined || granted === undefined) return undefined;
    if (key === "blksize") {
      if (granted < 8 || granted > Number(wanted)) return undefined;
      terms = { ...terms, blockBytes: granted };
    } else if (key === "windowsize") {
      if (granted < 1 || granted > Number(wanted)) return undefined;
      terms = { ...terms, windowBlocks: granted };
    } else if (key === "tsize") terms = { ...terms, size: granted };
    // RFC 2349: the server says the same or nothing.
    else if (key === "timeout" && granted !== Number(wanted)) return undefined;
  }
  return terms;
}
