import type { StormResult } from "../../result.ts";
import { bitRateText, countText, percentText, secondsText } from "../format.ts";
import type { Projection } from "../project.ts";
import { PAYLOAD_SHARE } from "../series.ts";
import { isShort } from "./error.ts";
import type { Model } from "./model.ts";
import type { Holder } from "./outcome.ts";

export function assumptionsOf(
  result: StormResult,
  { demands, serverCores }: Model,
  { nodes, servers, bitsPerSecond }: Pick<Projection, "nodes" | "servers" | "bitsPerSecond">,
): string[] {
  const { options, machine } = result;
  const sum = (of: "own" | "server" | "bits"): number =>
    demands.reduce((total, demand) => total + demand[of], 0);
  const times = nodes / servers / options.nodes;
  return [
    `a node takes ${secondsText(sum("own"))} by itself, ${secondsText(sum("server"))} of the servers’ processors and ${countText(Math.round(sum("bits") / 8e6))} MB, in ${demands.length} pieces one after another, as its trace has them`,
    "nodes that do the same at the same time share links and processors evenly; nothing is lost on the way, and disks are no limit that were none here",
    `each server has its share of the nodes and a machine like this one, as quick as it was in this run, of which it uses ${serverCores.toFixed(1)} of ${machine.cpus} processors; the nodes bring their own`,
    bitsPerSecond === undefined
      ? "the network is no limit"
      : `each server has a link of ${bitRateText(bitsPerSecond)}, of which ${percentText(PAYLOAD_SHARE)} is payload`,
    ...(isShort(result)
      ? [
          "the run was short: what its servers’ code took to be compiled is counted as if each node had caused it",
        ]
      : []),
    ...byteText(bitsPerSecond, options.link?.bitsPerSecond),
    ...(times > 1
      ? [
          `${times.toFixed(1)} times as many nodes a server as were measured, and each call costs what it cost then`,
        ]
      : []),
  ];
}

/** What byteCostIn and errorOf take for the cost of a byte. */
function byteText(asked: number | undefined, measured: number | undefined): string[] {
  if (asked === measured) return [];
  const isFaster = asked !== undefined && measured !== undefined && asked > measured;
  const here = measured === undefined ? "here, without that link" : "on this run’s link";
  return [
    isFaster
      ? "a byte costs the servers half of what it cost on this run’s link, which carries frames one by one; if it were a quarter, or all of it, that is within what is given and taken"
      : `a byte costs the servers what it cost ${here}; if it were half or twice of it, that is within what is given and taken`,
  ];
}

const holders: Readonly<Record<Holder, string>> = {
  link: "the link",
  server: "the servers’ processors",
  nodes: "the nodes’ own time",
};

/** `5,000 nodes, 10 Gb/s, 2 servers: 182 s, give or take 12 %; most of it is the servers’ processors` */
export function projectionText(projection: Projection): string {
  const { nodes, bitsPerSecond, servers, seconds, error, by } = projection;
  const room = [
    `${countText(nodes)} nodes`,
    ...(bitsPerSecond === undefined ? [] : [bitRateText(bitsPerSecond)]),
    `${countText(servers)} server${servers === 1 ? "" : "s"}`,
  ];
  return `${room.join(", ")}: ${secondsText(seconds)}, give or take ${percentText(error)}; most of it is ${holders[by]}`;
}

/** `a node takes 40.1 s (p50), 41.0 s (p95); the last one is there: root 17.1 s (the link), …` */
export function partsText({ boot, parts }: Projection): string {
  const there = parts.map(
    ({ until, seconds, by }) => `${until} ${secondsText(seconds)} (${holders[by]})`,
  );
  return `a node takes ${secondsText(boot.p50)} (p50), ${secondsText(boot.p95)} (p95); the last one is there: ${there.join(", ")}`;
}
