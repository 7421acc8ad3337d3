import process from "node:process";
import { type Row, renderRow } from "./display.ts";

/** Draws the nodes, and below them what there is to say. */
export interface Screen {
  show(rows: readonly Row[], now: number, note: string): void;
}

/** `live`: one line a node, redrawn in place on a terminal. `lines`: a new line at each stage. `none`: nothing. */
export function openScreen(mode: "live" | "lines" | "none"): Screen {
  if (mode === "none") return { show: () => {} };
  return mode === "live" && process.stdout.isTTY ? liveScreen() : lineScreen();
}

function liveScreen(): Screen {
  let drawn = 0;
  return {
    show(rows, now, note) {
      const texts = [...rows.map((row) => renderRow(row, now)), note];
      // The cursor cannot go back above the top: what does not fit shows its end.
      const lines = texts
        .flatMap((text) => wrapped(text, process.stdout.columns - 1))
        .slice(1 - process.stdout.rows)
        .map((text) => `${text}\n`);
      const up = drawn > 0 ? `\x1b[${drawn}A` : "";
      process.stdout.write(`${up}\x1b[J${lines.join("")}`);
      drawn = lines.length;
    },
  };
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at === 0 || at < text.length; at += width)
    lines.push(text.slice(at, at + width));
  return lines;
}

/** Carriage returns too: a console in raw mode may share the terminal. */
function lineScreen(): Screen {
  const said = new Map<string, string>();
  const sayOnce = (about: string, key: string, text: string): void => {
    if (said.get(about) === key) return;
    said.set(about, key);
    process.stdout.write(`${text}\r\n`);
  };
  return {
    show(rows, now, note) {
      for (const row of rows) {
        sayOnce(row.name, `${row.boot?.stage} ${row.ended}`, renderRow(row, now));
      }
      if (note !== "") sayOnce("note", note, note);
    },
  };
}
