import { drawBar } from "./boot-bar.js";
import { $, element, seconds, setText } from "./dom.js";
import { drawDetails } from "./node-details.js";
import {
  byName,
  isBoot,
  isOnWay,
  isSlower,
  isStuck,
  isUp,
  nameOf,
  nodes,
  spanOf,
} from "./nodes.js";

/** Rows that are drawn at once; a room of thousands is looked at by search. */
const ROWS = 200;
const MORE_ROWS = 300;
/** Bars of those under way have room to grow. */
const GROWTH = 1.15;

/** By MAC address: a row's parts by name. */
const rows = new Map();
let rowsMost = ROWS;
/** Seconds of a whole bar. */
let longest = 1;

const choices = {
  all: () => true,
  way: isOnWay,
  stuck: isStuck,
  slower: isSlower,
  up: isUp,
  strangers: ({ known }) => !known,
};

/** By what, the smallest first; equals are in the order of their names. */
const orders = {
  state: (node) => [urgency(node), -node.beganAt],
  name: () => [0, 0],
  began: (node) => [-node.beganAt, 0],
  time: (node) => [-spanOf(node), 0],
};

function urgency(node) {
  if (isStuck(node)) return 0;
  if (isOnWay(node)) return 1;
  if (isUp(node)) return node.slower ? 2 : 3;
  return 4;
}

/** What a node is ordered by is looked at once, not at each comparison: there may be thousands. */
function chosen() {
  const wanted = $("find").value.trim().toLowerCase();
  const isChosen = choices[$("show").value];
  const order = orders[$("order").value];
  const isFound = ({ name = "", mac, address = "" }) =>
    wanted === "" || [name.toLowerCase(), mac, address].some((text) => text.includes(wanted));
  return [...nodes.values()]
    .filter((node) => isChosen(node) && isFound(node))
    .map((node) => ({ node, by: order(node) }))
    .sort((a, b) => a.by[0] - b.by[0] || a.by[1] - b.by[1] || byName(a.node, b.node))
    .map(({ node }) => node);
}

export function drawList() {
  const all = chosen();
  const shown = all.slice(0, rowsMost);
  const spans = shown.map((node) => {
    const room = isOnWay(node) ? GROWTH : 1;
    return Math.max(room * spanOf(node), node.usual?.median ?? 0);
  });
  longest = Math.max(1, ...spans);
  const list = $("nodes");
  const kept = new Set(shown.map(({ mac }) => mac));
  for (const [mac, row] of rows) {
    if (kept.has(mac)) continue;
    row.item.remove();
    rows.delete(mac);
  }
  let place = list.firstElementChild;
  for (const node of shown) {
    const { item } = rowOf(node);
    // One that went down: those below it stay where they are, and what is focused keeps the focus.
    if (place !== null && item === place.nextElementSibling) {
      list.append(place);
      place = item;
    }
    if (item === place) place = place.nextElementSibling;
    else list.insertBefore(item, place);
    drawRow(node);
  }
  setText($("none"), nodes.size === 0 ? "No node was heard yet." : "No node is like that.");
  $("none").hidden = all.length > 0;
  $("more").hidden = all.length <= rowsMost;
  setText($("more"), `Show more: ${all.length - shown.length} are left`);
}

export function showMore() {
  rowsMost += MORE_ROWS;
}

/** Times of those under way go on. False: one takes longer than the longest, and all are to be drawn to another scale. */
export function drawTimes() {
  const onWay = [...rows.keys()].flatMap((mac) => nodes.get(mac) ?? []).filter(isOnWay);
  if (onWay.some((node) => spanOf(node) > longest)) return false;
  onWay.forEach(drawRow);
  return true;
}

export const isOpen = (mac) => rows.get(mac)?.details.open === true;

/** Of a row that is open. */
export function drawMore(mac) {
  const row = rows.get(mac);
  const node = nodes.get(mac);
  if (row?.details.open && node !== undefined) void drawDetails(row.more, node);
}

/** The node's row, made when it is shown first. */
function rowOf(node) {
  const known = rows.get(node.mac);
  if (known !== undefined) return known;
  const who = element("span", { class: "who" });
  const stage = element("span", { class: "stage" });
  const bar = element("span", { class: "bar", role: "img" });
  const time = element("span", { class: "time" });
  const more = element("div", { class: "more" });
  const details = element("details", {}, element("summary", {}, who, stage, bar, time), more);
  const item = element("li", { class: "node" }, details);
  const row = { item, who, stage, bar, time, more, details, drawn: {} };
  details.addEventListener("toggle", () => drawMore(node.mac));
  rows.set(node.mac, row);
  return row;
}

/** Where anything in it is another than when it was drawn last: most of a large room stand as they are. */
function drawRow(node) {
  const row = rows.get(node.mac);
  const span = spanOf(node);
  const { drawn } = row;
  if (drawn.node === node && drawn.span === span && drawn.longest === longest) return;
  row.drawn = { node, span, longest };
  row.item.classList.toggle("is-stuck", isStuck(node));
  row.item.classList.toggle("is-slower", isSlower(node));
  setText(row.who, nameOf(node));
  row.who.classList.toggle("is-unnamed", node.name === undefined);
  row.who.title = [node.name, node.mac, node.address].filter((part) => part).join("  ");
  row.stage.className = `stage stage-${node.stage}`;
  setText(row.stage, isStuck(node) ? `${node.stage}, still` : node.stage);
  drawBar(row.bar, node, longest);
  row.time.replaceChildren(...timeParts(node, span));
}

function timeParts(node, span) {
  if (!isBoot(node)) {
    return [element("small", {}, node.stage === "heard" ? "was heard" : "has an address")];
  }
  if (node.usual === undefined) return [seconds(span)];
  const than = `${isSlower(node) ? "slower, " : ""}usually ${seconds(node.usual.median)}`;
  return [`${seconds(span)} `, element("small", {}, than)];
}
