import { REPORT_TIMES_MAX } from "../../../limits.ts";
import type { StormResult } from "../../result.ts";
import { drawAreas, drawLines, type Layer } from "../charts/area.ts";
import { type Frame, headroom, legend } from "../charts/frame.ts";
import { bitRateText, bytesText, countText, percentText } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import {
  linkPayload,
  PAYLOAD_SHARE,
  type Point,
  pointsOf,
  protocolsOf,
  totalOf,
} from "../series.ts";
import { figure, numbers, section, thinned } from "./parts.ts";

type Basics = Pick<Frame, "height" | "xMax" | "incidents">;

/** What went over the network, and how often something was asked. */
export function trafficSection(result: StormResult, xMax: number): Markup {
  const points = pointsOf(result);
  const basics = { height: 200, xMax, incidents: result.incidents };
  const calls = layersOf(result, points, "calls", 1);
  const retransmits = points.map((point) => point.retransmits);
  return section(
    "What went over the network",
    html`<h3>Payload received, bits a second</h3>`,
    throughput(result, basics),
    html`<h3>Calls answered a second</h3>`,
    figure(
      drawAreas({
        ...basics,
        id: "calls",
        title: "Calls a second over time",
        description: "Calls answered a second, protocols upon each other.",
        y: { max: headroom(points.map((point) => totalOf(point.calls))), text: countText },
        spans: points,
        layers: calls,
        limit: undefined,
      }),
      legend(calls),
      trafficTable(points),
    ),
    retransmits.some((value) => value > 0)
      ? html`<h3>Sent again, a second</h3>${figure(
          drawAreas({
            ...basics,
            height: 90,
            id: "retransmits",
            title: "Retransmits a second over time",
            description: "What was sent again, and connections made anew, a second.",
            y: { max: headroom(retransmits), text: countText },
            spans: points,
            layers: [{ name: "sent again", hue: "failed", values: retransmits }],
            limit: undefined,
          }),
          undefined,
        )}`
      : undefined,
  );
}

function layersOf(
  result: StormResult,
  points: readonly Point[],
  of: "received" | "calls",
  factor: number,
): Layer[] {
  return protocolsOf(result).map((name) => ({
    name,
    hue: name,
    values: points.map((point) => (point[of][name] ?? 0) * factor),
  }));
}

/** `id`: of the chart on its page. */
export function throughput(result: StormResult, basics: Basics, id = "throughput"): Markup {
  const points = pointsOf(result);
  const layers = layersOf(result, points, "received", 8);
  const most = linkPayload(result);
  const peak = headroom(points.map((point) => totalOf(point.received) * 8));
  const rate = result.options.link?.bitsPerSecond;
  return html`${figure(
    drawAreas({
      ...basics,
      id,
      title: "Throughput over time",
      description: `Payload received a second, protocols upon each other.${most === undefined ? "" : ` The link carries at most ${bitRateText(most)} of it.`}`,
      y: { max: most === undefined ? peak : Math.max(peak, most * 1.15), text: bitRateText },
      spans: points,
      layers,
      limit:
        most === undefined || most > 4 * peak
          ? undefined
          : { value: most, text: `the link’s limit: ${bitRateText(most)}` },
    }),
    legend(layers),
  )}${
    rate === undefined || most === undefined
      ? undefined
      : html`<p class="soft">A link of ${bitRateText(rate)} carries at most ${bitRateText(most)} of payload: ${percentText(PAYLOAD_SHARE)}, 1,448 bytes of a frame’s 1,538.${most > 4 * peak ? " It is far above what is drawn." : ""}</p>`
  }`;
}

function trafficTable(points: readonly Point[]): Markup {
  return numbers({
    caption: "Numbers: throughput, calls and retransmits over time",
    head: ["until", "received", "calls a second", "sent again a second", "up", "failed"],
    rows: thinned(points, REPORT_TIMES_MAX).map((point) => [
      `${point.at.toFixed(1)} s`,
      bitRateText(totalOf(point.received) * 8),
      countText(Math.round(totalOf(point.calls))),
      countText(Math.round(point.retransmits)),
      countText(point.last.stages["up"] ?? 0),
      countText(point.last.failed),
    ]),
  });
}

/** Processors and memory, the servers' and the load's: whether it was honest. */
export function machineSection(result: StormResult, xMax: number): Markup {
  const points = pointsOf(result);
  const basics = { height: 160, xMax, incidents: result.incidents };
  const isServerSeen = points.some(({ serverCpu }) => serverCpu !== undefined);
  return section(
    "What the servers and the load took",
    isServerSeen
      ? undefined
      : html`<p class="soft">The servers run where their processors and memory cannot be looked at: --server-pid names them on this machine.</p>`,
    html`<h3>Processors in use</h3>`,
    processors(result, points, basics, isServerSeen),
    html`<div class="pair"><div><h3>How busy the busiest load worker was</h3>${figure(
      drawLines({
        ...basics,
        height: 110,
        id: "load",
        title: "How busy the load was over time",
        description:
          "Share of its time in which the busiest load worker was busy. Above 90 % the load is the limit.",
        y: { max: 1.15, text: percentText },
        points: points.map(({ at }) => at),
        lines: [{ name: "load", hue: "load", values: points.map(({ loadBusy }) => loadBusy) }],
        limit: { value: 0.9, text: "above: the load is the limit" },
      }),
      undefined,
    )}</div><div>${isServerSeen ? html`<h3>Memory of the servers</h3>${memory(points, basics)}` : undefined}</div></div>`,
    numbers({
      caption: "Numbers: processors and memory over time",
      head: ["until", "servers", "load", "machine", "busiest worker", "servers’ memory"],
      rows: thinned(points, REPORT_TIMES_MAX).map((point) => [
        `${point.at.toFixed(1)} s`,
        point.serverCpu?.toFixed(2) ?? "–",
        point.loadCpu.toFixed(2),
        point.machineCpu.toFixed(2),
        percentText(point.loadBusy),
        point.last.serverRss === undefined ? "–" : bytesText(point.last.serverRss),
      ]),
    }),
  );
}

function processors(
  { machine }: StormResult,
  points: readonly Point[],
  basics: Basics,
  isServerSeen: boolean,
): Markup {
  const lines = [
    {
      name: "whole machine",
      hue: "machine",
      // Times are counted in ticks of 10 ms, so that a sample may hold one too many.
      values: points.map(({ machineCpu }) => Math.min(machineCpu, machine.cpus)),
    },
    { name: "load", hue: "load", values: points.map(({ loadCpu }) => loadCpu) },
    ...(isServerSeen
      ? [
          {
            name: "servers",
            hue: "server",
            values: points.map(({ serverCpu }) => serverCpu ?? Number.NaN),
          },
        ]
      : []),
  ];
  return figure(
    drawLines({
      ...basics,
      id: "processors",
      title: "Processors in use over time",
      description: `Processors that the servers, the load and the whole machine kept busy, of ${machine.cpus}.`,
      y: {
        max: machine.cpus * 1.2,
        text: (value) => String(Number(value.toFixed(2))),
      },
      points: points.map(({ at }) => at),
      lines,
      limit: { value: machine.cpus, text: `all ${machine.cpus} processors` },
    }),
    legend(lines),
  );
}

function memory(points: readonly Point[], basics: Basics): Markup {
  const values = points.map(({ last }) => last.serverRss ?? Number.NaN);
  return figure(
    drawLines({
      ...basics,
      height: 110,
      id: "memory",
      title: "Memory of the servers over time",
      description: "Resident memory of the servers' processes.",
      y: { max: headroom(values), text: bytesText },
      points: points.map(({ at }) => at),
      lines: [{ name: "servers", hue: "server", values }],
      limit: undefined,
    }),
    undefined,
  );
}
