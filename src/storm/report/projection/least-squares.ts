/**
 * Non-negative least squares: weights, none below 0, with which `rows` times weights are next to `targets`. One weight after
 * another is moved to where it is best, until none moves any more (Franc, Hlaváč and Navara, CAIP 2005).
 */
export function nonNegativeLeastSquares(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
): number[] {
  const count = rows[0]?.length ?? 0;
  const columns = Array.from({ length: count }, (_, column) => rows.map((row) => row[column] ?? 0));
  // What is of bytes and what is of calls is alike in size then.
  const lengths = columns.map((column) => Math.sqrt(dot(column, column)) || 1);
  const units = columns.map((column, index) =>
    column.map((value) => value / (lengths[index] ?? 1)),
  );
  const gram = units.map((one) => units.map((other) => dot(one, other)));
  const wanted = units.map((unit) => dot(unit, targets));
  const weights = new Array<number>(count).fill(0);
  for (let round = 0; round < ROUNDS; round++) {
    let moved = 0;
    for (let index = 0; index < count; index++) {
      const own = gram[index]?.[index] ?? 0;
      if (own === 0) continue;
      const before = weights[index] ?? 0;
      const slope = dot(gram[index] ?? [], weights) - (wanted[index] ?? 0);
      weights[index] = Math.max(0, before - slope / own);
      moved = Math.max(moved, Math.abs((weights[index] ?? 0) - before));
    }
    if (moved < STILL * Math.max(...weights)) break;
  }
  return weights.map((weight, index) => weight / (lengths[index] ?? 1));
}

const ROUNDS = 2000;
const STILL = 1e-9;

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((total, value, index) => total + value * (other[index] ?? 0), 0);
}
