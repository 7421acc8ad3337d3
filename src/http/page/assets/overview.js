import { dayBefore, today } from "./days.js";
import { $, count, element, seconds, setText, withCode } from "./dom.js";
import {
  byName,
  isBoot,
  isOnWay,
  isSlower,
  isStuck,
  isUp,
  nameOf,
  nodes,
  stages,
} from "./nodes.js";

/** All nodes together: their stages, the figures, and those that stand still. */

const CAUSES = 10;
const NAMES = 12;

/** As the server told them last, and what was moved a second since it did before. */
let totals;
let rates = { bytes: 0, calls: 0 };

export function takeTotals(next) {
  const passed = totals === undefined ? 0 : (next.now - totals.now) / 1000;
  if (passed > 0) {
    const moved = (of, what) =>
      Object.values(of.traffic).reduce((sum, traffic) => sum + what(traffic), 0);
    const rate = (what) => Math.max(0, moved(next, what) - moved(totals, what)) / passed;
    rates = {
      bytes: rate(({ sent, received }) => sent + received),
      calls: rate(({ calls }) => calls),
    };
  }
  totals = next;
}

export function forgetTotals() {
  totals = undefined;
}

/** How many there are of each kind. */
function counted() {
  const found = { boots: 0, up: 0, stuck: 0, onWay: 0, slower: 0 };
  const byStage = new Map(["heard", ...stages].map((stage) => [stage, 0]));
  for (const node of nodes.values()) {
    byStage.set(node.stage, (byStage.get(node.stage) ?? 0) + 1);
    if (isBoot(node)) found.boots += 1;
    if (isUp(node)) found.up += 1;
    if (isStuck(node)) found.stuck += 1;
    if (isOnWay(node)) found.onWay += 1;
    if (isSlower(node)) found.slower += 1;
  }
  return { ...found, byStage };
}

export function drawTotals() {
  const { boots, up, stuck, onWay, slower, byStage } = counted();
  drawShare([...byStage]);
  const before = dayBefore();
  const tiles = [
    ["Up", `${count(up)} of ${count(boots)}`, ""],
    ["On their way", count(onWay), ""],
    ["Standing still", count(stuck), "", stuck > 0],
    ["Slower than usual", count(slower), ""],
    [
      "Moving now",
      `${(rates.bytes / 1e6).toFixed(1)} MB/s`,
      `${count(rates.calls)} calls a second`,
    ],
    ["Today's median", seconds(today()?.median), before && `earlier ${seconds(before.median)}`],
    ["Refused so far", count(totals?.refused ?? 0), leasesText()],
  ];
  const list = $("totals");
  for (const [index, [name, value, small = "", isBad = false]] of tiles.entries()) {
    const tile =
      list.children[index] ??
      list.appendChild(element("div", {}, element("dt"), element("dd", {}, "", element("small"))));
    tile.classList.toggle("bad", isBad);
    setText(tile.firstChild, name);
    const [figure, note] = tile.lastChild.childNodes;
    figure.data = value;
    setText(note, small);
  }
  document.title = `${up} of ${boots} up${stuck > 0 ? `, ${stuck} stand still` : ""} – sidus`;
}

/** For those who hear the page: told now and then, not at each change. */
export function speak() {
  const { boots, up, stuck } = counted();
  const still = stuck > 0 ? `, ${stuck} stand still` : "";
  setText($("spoken"), `${up} of ${boots} nodes up${still}`);
}

function leasesText() {
  return totals?.leases === undefined ? "" : `${count(totals.leases)} addresses in use`;
}

function drawShare(counts) {
  const share = $("share");
  const list = $("stages");
  const all = counts.reduce((sum, [, number]) => sum + number, 0);
  for (const [index, [stage, number]] of counts.entries()) {
    const piece =
      share.children[index] ?? share.appendChild(element("span", { class: `stage-${stage}` }));
    piece.style.width = all === 0 ? "0" : `${(100 * number) / all}%`;
    const item =
      list.children[index] ??
      list.appendChild(element("li", { class: `stage-${stage}` }, `${stage} `, element("b")));
    setText(item.lastChild, count(number));
  }
  share.setAttribute(
    "aria-label",
    counts.map(([stage, number]) => `${stage} ${number}`).join(", "),
  );
}

/** Those that stand still, those of one cause together: as many causes and names as people read. */
export function drawTroubles() {
  const stuck = [...nodes.values()].filter(isStuck).sort(byName);
  $("troubles").hidden = stuck.length === 0;
  const groups = [...Map.groupBy(stuck, kindOf).values()].sort((a, b) => b.length - a.length);
  const items = groups.slice(0, CAUSES).map((group) => {
    const [{ stage, cause = "", advice }] = group;
    const names = group.slice(0, NAMES).map(nameOf);
    const more = group.length > NAMES ? ` and ${count(group.length - NAMES)} more` : "";
    const help = advice === undefined ? [] : [element("p", {}, "→ ", ...withCode(advice))];
    const who = element("b", {}, names.join(", "));
    const what = element("p", {}, ...withCode(cause));
    return element("li", {}, who, `${more} in stage ${stage}`, what, ...help);
  });
  if (groups.length > CAUSES) {
    items.push(element("li", {}, `… and ${groups.length - CAUSES} other causes: see below`));
  }
  $("trouble-list").replaceChildren(...items);
}

/** How long one waits is no cause of its own: `in 99 s no kernel asked for an address`. */
function kindOf({ cause = "", stage }) {
  return `${stage} ${cause.replaceAll(/\b\d+ (s|min|h)\b/g, "")}`;
}
