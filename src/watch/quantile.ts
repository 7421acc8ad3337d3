/** The value that so many of all (0 to 1) do not exceed: nearest rank, so it is always one that was measured. */
export function quantileOf(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function medianOf(values: readonly number[]): number | undefined {
  return quantileOf(values, 0.5);
}
