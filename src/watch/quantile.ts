/** The value that so many of all (0 to 1) do not exceed: nearest rank, so it is always one that was measured. */
export function quantileOf(values: readonly number[], share: number): number | undefined {
  // By value, without a function that compares: several are made of each boot.
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function medianOf(values: readonly number[]): number | undefined {
  return quantileOf(values, 0.5);
}
