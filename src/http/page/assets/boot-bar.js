import { element, seconds } from "./dom.js";
import { spanOf, stages } from "./nodes.js";

/** A piece for each stage, from when it was reached until the next; a mark where the node usually is up. `most`: seconds of a whole bar. */
export function drawBar(bar, node, most) {
  const reached = stages.flatMap((stage) =>
    node.seconds[stage] === undefined ? [] : [{ stage, at: node.seconds[stage] }],
  );
  const pieces = reached.flatMap(({ stage, at }, index) => {
    const next = reached[index + 1];
    if (stage === "up") return [];
    const piece = element("span", {
      class: `stage-${stage}${next === undefined ? " running" : ""}`,
    });
    place(piece, at / most, (next?.at ?? spanOf(node)) / most);
    return [piece];
  });
  const median = node.usual?.median;
  if (median !== undefined && median <= most) {
    const mark = element("span", { class: "usual" });
    mark.style.left = `${(100 * median) / most}%`;
    pieces.push(mark);
  }
  bar.replaceChildren(...pieces);
  bar.setAttribute("aria-label", spokenTimes(reached));
}

/** From and until are parts of 1. */
export function place(piece, from, until) {
  const [left, right] = [Math.min(1, from), Math.min(1, until)];
  piece.style.left = `${100 * left}%`;
  piece.style.width = `${100 * Math.max(0, right - left)}%`;
}

function spokenTimes(reached) {
  if (reached.length === 0) return "no stage reached";
  return reached.map(({ stage, at }) => `${stage} after ${seconds(at)}`).join(", ");
}
