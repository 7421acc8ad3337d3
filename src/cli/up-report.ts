/** What a node says of itself when it is up. */
export interface UpReport {
  /** `sidus, built 2026-01-31T12:00:00Z` */
  readonly tree: string;
  /** Where its changes go. */
  readonly layer: string | undefined;
  /** SHA-256 of the sealed version that it runs. */
  readonly digest: string | undefined;
  /** Of the version on which its layer was begun. */
  readonly base: string | undefined;
}

/** Out of the `key: value` lines that it posts. */
export function upReportOf(body: string): UpReport {
  return {
    tree: [valueIn(body, "tree") || "?", valueIn(body, "built")]
      .filter((part) => part)
      .join(", built "),
    layer: valueIn(body, "layer"),
    digest: digestIn(body, "digest"),
    base: digestIn(body, "base"),
  };
}

/** Printable only: it is logged. */
function valueIn(body: string, key: string): string | undefined {
  return new RegExp(`^${key}: *([\\x20-\\x7e]{1,100})$`, "m").exec(body)?.[1]?.trim();
}

function digestIn(body: string, key: string): string | undefined {
  const value = valueIn(body, key) ?? "";
  return /^[0-9a-f]{64}$/.test(value) ? value : undefined;
}
