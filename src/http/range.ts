/** Bytes from `first` to `last`, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * RFC 9110 §14.1.2, §14.2: what a Range header asks of `size` bytes. `whole`: it asks nothing that we know, or several
 * ranges at once, which a server may answer with the whole. `unsatisfiable`: 416.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | "whole" | "unsatisfiable" {
  const [, firstText, lastText] =
    /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "") ?? ([] as const);
  if (firstText === undefined || lastText === undefined) return "whole";
  if (firstText === "") return suffixRange(lastText, size);
  const first = Number(firstText);
  const last = lastText === "" ? Number.POSITIVE_INFINITY : Number(lastText);
  // RFC 9110 §14.1.1: a last position before the first makes the header invalid, and it is ignored.
  if (last < first) return "whole";
  if (first >= size) return "unsatisfiable";
  return { first, last: Math.min(last, size - 1) };
}

/** The last so many bytes. */
function suffixRange(lengthText: string, size: number): ByteRange | "whole" | "unsatisfiable" {
  if (lengthText === "") return "whole";
  const length = Number(lengthText);
  if (length === 0) return "unsatisfiable";
  // No Content-Range can say "all of nothing".
  return size === 0 ? "whole" : { first: Math.max(0, size - length), last: size - 1 };
}
