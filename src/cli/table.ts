/** Columns as wide as they must be. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widthOf = (column: number): number =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widthOf(column))).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
