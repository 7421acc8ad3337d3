import type { Settings } from "./settings.ts";

/** The machine that a tree is for. */
export interface Machine {
  /** Debian's name of it. */
  readonly architecture: string;
  readonly distribution: "debian" | "ubuntu";
}

/** What one item of a recipe needs. */
export type Part = Partial<Settings>;

/** As one word of a shell's command line. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function lines(...all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
