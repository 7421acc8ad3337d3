import type { StormResult } from "../../result.ts";
import { type Bound, boundBy } from "../bound.ts";
import { figuresOf, isWell, verdictOf } from "../figures.ts";
import { bitRateText, percentText } from "../format.ts";
import { html, type Markup } from "../markup.ts";

export const boundNames: Readonly<Record<Bound["by"], string>> = {
  server: "the servers’ processors",
  load: "the machine that makes the load, not by the servers",
  link: "the network",
  nodes: "the nodes’ own time",
  disk: "what the servers wait for",
};

/** What one looks for first: did it work, how fast, and why not faster. */
export function headSection(result: StormResult): Markup {
  const { options, begunAt, machine } = result;
  const bound = boundBy(result);
  const when = begunAt.slice(0, 16).replace("T", " ");
  return html`<header><h1>${result.title}</h1>
<p class="soft">${when} UTC · ${options.nodes} nodes, ${options.trace} · arrival ${options.arrival} · ${networkText(result)} · ${machine.processor}, ${machine.cpus} processors</p>
<p class="lead ${isWell(result) ? "well-text" : "bad-text"}"><strong>${verdictOf(result)}</strong></p></header>
<dl class="figures">${figuresOf(result).map(
    ({ name, text, note }) =>
      html`<div><dt>${name}</dt><dd class="value">${text}</dd><dd class="note">${note}</dd></div>`,
  )}</dl>
<section><h2>Bounded by ${boundNames[bound.by]}</h2>
<div class="by${bound.by === "load" ? " warn" : ""}"><p>${capital(bound.why)}.</p>
<p>${honestyOf(result, bound)}</p></div></section>
`;
}

export function networkText({ options: { link } }: Pick<StormResult, "options">): string {
  if (link === undefined) return "loopback";
  const { bitsPerSecond, latencyMs, loss } = link;
  return [
    bitsPerSecond === undefined ? "link of any rate" : `link of ${bitRateText(bitsPerSecond)}`,
    ...(latencyMs === undefined ? [] : [`latency ${latencyMs} ms`]),
    ...(loss === undefined ? [] : [`loss ${percentText(loss)}`]),
  ].join(", ");
}

/** Whether what was measured is the servers' doing. */
export function honestyOf({ load, options }: StormResult, bound: Bound): string {
  const busy = `the busiest of ${options.workers} load worker${options.workers === 1 ? "" : "s"} was busy for ${percentText(load.busyMax)} of a second at most`;
  if (bound.by === "load")
    return `The servers may do more than is shown here, and waiting times hold the load’s own: ${busy}.`;
  return load.busyMax >= 0.9
    ? `The load was not the limit on the whole, but for moments it was (${busy}): the longest waiting times may be its own.`
    : `The load was not the limit: ${busy}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
