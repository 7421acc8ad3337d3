/** Numbers as people read them: three figures, and the unit that suits. */

export function secondsText(seconds: number): string {
  if (seconds >= 600) return `${(seconds / 60).toFixed(1)} min`;
  return `${seconds.toFixed(seconds >= 100 ? 0 : seconds >= 10 ? 1 : 2)} s`;
}

export function msText(ms: number): string {
  return ms >= 1000 ? secondsText(ms / 1000) : `${threeFigures(ms)} ms`;
}

export function bytesText(bytes: number): string {
  return scaled(bytes, ["B", "kB", "MB", "GB", "TB"]);
}

export function bitRateText(bitsPerSecond: number): string {
  return scaled(bitsPerSecond, ["b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s"]);
}

export function countText(count: number): string {
  if (count >= 100 || Number.isInteger(count)) return grouped(Math.round(count));
  return threeFigures(count);
}

export function percentText(part: number): string {
  const percent = part * 100;
  return `${percent.toFixed(percent !== 0 && Math.abs(percent) < 10 ? 1 : 0)} %`;
}

function scaled(value: number, units: readonly string[]): string {
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(rest) : threeFigures(rest)} ${units[unit] ?? ""}`;
}

function threeFigures(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 || size === 0 ? 0 : size >= 9.995 ? 1 : 2);
}

/** `12,345` */
function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+(?!\d))/g, ",");
}
