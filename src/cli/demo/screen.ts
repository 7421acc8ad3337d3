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
      const width = process.stdout.columns - 1;
      const texts = [...rows.map((row) => renderRow(row, now)), note];
      const lines = texts.map((text) => `\x1b[2K${text.slice(0, width)}\n`);
      const up = drawn > 0 ? `\x1b[${drawn}A` : "";
      process.stdout.write(`${up}${lines.join("")}`);
      drawn = lines.length;
    },
  };
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
