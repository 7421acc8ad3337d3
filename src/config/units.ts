/** Reads durations as people write them, `90s`, `30m`, `12h`, `7d`, in seconds; undefined where it is none. */
export function parseDurationSeconds(text: string): number | undefined {
  const found = /^(\d{1,9})\s*(s|m|h|d|w)$/.exec(text.trim());
  if (found === null) return undefined;
  const unit = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }[found[2] ?? ""];
  return unit === undefined ? undefined : Number(found[1]) * unit;
}

/** Reads sizes as people write them, `512M`, `2G`, in bytes: K, M, G and T are powers of 1024; undefined where it is none. */
export function parseSizeBytes(text: string): number | undefined {
  const found = /^(\d{1,9})\s*([KMGT])?i?B?$/i.exec(text.trim());
  if (found === null) return undefined;
  const power = ["", "K", "M", "G", "T"].indexOf((found[2] ?? "").toUpperCase());
  return Number(found[1]) * 1024 ** power;
}
