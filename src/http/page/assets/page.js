/** What the server tells (/events), drawn. Names and paths come from the network: they are only ever set as text. */

const stages = ["dhcp", "loader", "kernel", "root", "volume", "up"];
/** Rows that are drawn at once; a room of thousands is looked at by search. */
const ROWS = 200;
const MORE_ROWS = 300;
/** Bars of those under way have room to grow. */
const GROWTH = 1.15;
const CAUSES = 10;
const NAMES = 12;
/** As many as the server keeps (limits.ts): who was told of longest ago is forgotten for more. */
const NODES = 24_096;
const HISTORY_EVERY_MS = 60_000;
const SPOKEN_EVERY_MS = 15_000;

/** Nodes by MAC address, as they were told last. */
const nodes = new Map();
const rows = new Map();
const changed = new Set();
let rowsMost = ROWS;
let isListDue = true;
/** The server's clock, ahead of ours. */
let aheadMs = 0;
let totals;
let rates = { bytes: 0, calls: 0 };
let days = [];
let longest = 1;

const $ = (id) => document.getElementById(id);
const serverNow = () => Date.now() + aheadMs;
const count = (number) => Math.round(number).toLocaleString("en");
const seconds = (value) => (value === undefined ? "–" : `${value.toFixed(1)} s`);

/** An element; children are elements or text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** An address alone is no boot, unless firmware asked for it: a running system renews its own. */
const isBoot = ({ stage, firmware }) =>
  stage !== "heard" && (stage !== "dhcp" || firmware !== undefined);

/** Seconds that a boot took, or has taken so far; where it stands still, until it was heard last. */
function spanOf(node) {
  if (!isBoot(node)) return 0;
  if (node.stage === "up") return node.seconds.up ?? 0;
  const end = isStuck(node) || isQuiet(node) ? node.heardAt : serverNow();
  return Math.max(0, ...Object.values(node.seconds), (end - node.beganAt) / 1000);
}

/** Strangers that we do not answer stand still for good reason. */
const isStuck = ({ condition, stage, known }) =>
  condition === "stuck" && (stage !== "heard" || known);
const isUp = ({ stage }) => stage === "up";
/** Nobody waits for it any more. */
const isQuiet = ({ heardAt }) => serverNow() - heardAt > 300_000;
/** One that stands still is not slow. */
const isSlower = (node) => node.slower && !isStuck(node);
const isOnWay = (node) => !isUp(node) && !isStuck(node) && isBoot(node) && !isQuiet(node);
const nameOf = (node) => node.name ?? node.mac;

const choices = {
  all: () => true,
  way: isOnWay,
  stuck: isStuck,
  slower: isSlower,
  up: isUp,
  strangers: ({ known }) => !known,
};

function urgency(node) {
  if (isStuck(node)) return 0;
  if (isOnWay(node)) return 1;
  if (isUp(node)) return node.slower ? 2 : 3;
  return 4;
}

const collator = new Intl.Collator("en", { numeric: true });
const byName = (a, b) => collator.compare(nameOf(a), nameOf(b));
const orders = {
  state: (a, b) => urgency(a) - urgency(b) || b.beganAt - a.beganAt || byName(a, b),
  name: byName,
  began: (a, b) => b.beganAt - a.beganAt || byName(a, b),
  time: (a, b) => spanOf(b) - spanOf(a) || byName(a, b),
};

function chosen() {
  const wanted = $("find").value.trim().toLowerCase();
  const isChosen = choices[$("show").value];
  return [...nodes.values()]
    .filter(isChosen)
    .filter(({ name = "", mac, address = "" }) =>
      wanted === ""
        ? true
        : [name.toLowerCase(), mac, address].some((text) => text.includes(wanted)),
    )
    .sort(orders[$("order").value]);
}

function drawList() {
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
    if (item === place) place = place.nextElementSibling;
    else list.insertBefore(item, place);
    drawRow(node);
  }
  setText($("none"), nodes.size === 0 ? "No node was heard yet." : "No node is like that.");
  $("none").hidden = all.length > 0;
  $("more").hidden = all.length <= rowsMost;
  setText($("more"), `Show more: ${all.length - shown.length} are left`);
}

/** The node's row, made when it is shown first: its parts by name. */
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
  const row = { item, who, stage, bar, time, more, details };
  details.addEventListener("toggle", () => drawMore(node.mac));
  rows.set(node.mac, row);
  return row;
}

function drawRow(node) {
  const row = rows.get(node.mac);
  if (row === undefined) return;
  row.item.classList.toggle("is-stuck", isStuck(node));
  row.item.classList.toggle("is-slower", isSlower(node));
  setText(row.who, nameOf(node));
  row.who.title = [node.mac, node.address].filter((part) => part !== undefined).join("  ");
  row.stage.className = `stage stage-${node.stage}`;
  setText(row.stage, isStuck(node) ? `${node.stage}, still` : node.stage);
  drawBar(row.bar, node, longest);
  row.time.replaceChildren(...timeParts(node));
}

function timeParts(node) {
  if (!isBoot(node)) {
    return [element("small", {}, node.stage === "heard" ? "was heard" : "has an address")];
  }
  const span = seconds(spanOf(node));
  if (node.usual === undefined) return [span];
  const than = `${isSlower(node) ? "slower, " : ""}usually ${seconds(node.usual.median)}`;
  return [`${span} `, element("small", {}, than)];
}

/** A piece for each stage, from when it was reached until the next; a mark where the node usually is up. */
function drawBar(bar, node, most) {
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

function place(piece, from, until) {
  const [left, right] = [Math.min(1, from), Math.min(1, until)];
  piece.style.left = `${100 * left}%`;
  piece.style.width = `${100 * Math.max(0, right - left)}%`;
}

function spokenTimes(reached) {
  if (reached.length === 0) return "no stage reached";
  return reached.map(({ stage, at }) => `${stage} after ${seconds(at)}`).join(", ");
}

/** What a row says when it is opened: asked for then. */
async function drawMore(mac) {
  const row = rows.get(mac);
  const node = nodes.get(mac);
  if (row === undefined || node === undefined || !row.details.open) return;
  const [explained, past] = await Promise.all([
    ask(`/explain.json?mac=${mac}`),
    ask(`/history.json?mac=${mac}`),
  ]);
  row.more.replaceChildren(
    factsOf(node, explained),
    ...wayOf(explained),
    ...pastOf(past?.boots ?? []),
  );
}

function factsOf(node, explained) {
  const facts = [
    ["State", explained?.cause],
    ["What helps", explained?.advice],
    ["MAC address", node.mac],
    ["Address", node.address],
    ["Firmware", node.architectureName],
    ["Runs", [node.tree, node.digest?.slice(0, 12)].filter((part) => part).join(", version ")],
    ["Began", new Date(node.beganAt).toLocaleString()],
    ["Usually up after", usualText(node.usual)],
  ];
  const shown = facts.filter(([, value]) => value !== undefined && value !== "");
  return element(
    "dl",
    {},
    ...shown.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]),
  );
}

const whose = { node: "its own boots", tree: "boots of the same tree", room: "boots of all nodes" };

function usualText(usual) {
  if (usual === undefined) return undefined;
  const { of, boots, median, p95 } = usual;
  return `${seconds(median)}, 95 % within ${seconds(p95)} (the last ${boots} of ${whose[of]})`;
}

function wayOf(explained) {
  const way = explained?.way ?? [];
  if (way.length === 0) return [];
  const lines = way.map(({ seconds: at, what, times }) =>
    element("li", {}, element("b", {}, seconds(at)), what, times > 1 ? ` (${times} times)` : ""),
  );
  return [element("h3", {}, "What was seen"), element("ol", { class: "way" }, ...lines)];
}

function pastOf(boots) {
  if (boots.length === 0) return [];
  const most = Math.max(1, ...boots.flatMap((boot) => Object.values(boot.seconds)));
  const lines = boots.map((boot) => {
    const bar = element("span", { class: "bar", role: "img" });
    const last = Math.max(0, ...Object.values(boot.seconds));
    const asNode = { ...boot, heardAt: boot.beganAt + last * 1000, condition: "stuck" };
    drawBar(bar, asNode, most);
    const at = new Date(boot.beganAt).toLocaleString([], {
      dateStyle: "short",
      timeStyle: "short",
    });
    const end = boot.stage === "up" ? "" : ` came to ${boot.stage}`;
    return element(
      "li",
      {},
      element("b", {}, seconds(last)),
      bar,
      element("span", {}, `${at}${end}`),
    );
  });
  return [element("h3", {}, "Its last boots"), element("ol", { class: "way past" }, ...lines)];
}

function drawTotals() {
  const all = [...nodes.values()];
  const boots = all.filter(isBoot);
  const of = (is) => all.filter(is).length;
  const counts = ["heard", ...stages].map((stage) => [stage, of((node) => node.stage === stage)]);
  const up = of(isUp);
  const stuck = of(isStuck);
  drawShare(counts);
  const today = days.find((day) => day.today);
  const before = days.find((day) => !day.today && day.median !== undefined);
  const slower = of(isSlower);
  const tiles = [
    ["Up", `${count(up)} of ${count(boots.length)}`, ""],
    ["On their way", count(of(isOnWay)), ""],
    ["Standing still", count(stuck), "", stuck > 0],
    ["Slower than usual", count(slower), ""],
    [
      "Moving now",
      `${(rates.bytes / 1e6).toFixed(1)} MB/s`,
      `${count(rates.calls)} calls a second`,
    ],
    ["Today's median", seconds(today?.median), before && `earlier ${seconds(before.median)}`],
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
  document.title = `${up} of ${boots.length} up${stuck > 0 ? `, ${stuck} stand still` : ""} – sidus`;
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
    piece.style.background = "var(--stage)";
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
function drawTroubles() {
  const stuck = [...nodes.values()].filter(isStuck).sort(byName);
  $("troubles").hidden = stuck.length === 0;
  const groups = [...Map.groupBy(stuck, ({ cause, stage }) => `${stage} ${cause}`).values()];
  const items = groups.slice(0, CAUSES).map((group) => {
    const [{ stage, cause, advice }] = group;
    const names = group.slice(0, NAMES).map(nameOf);
    const more = group.length > NAMES ? ` and ${group.length - NAMES} more` : "";
    const help = advice === undefined ? [] : [element("p", {}, `→ ${advice}`)];
    const who = element("b", {}, names.join(", "));
    return element(
      "li",
      {},
      who,
      `${more} in stage ${stage}`,
      element("p", {}, cause ?? ""),
      ...help,
    );
  });
  if (groups.length > CAUSES) {
    items.push(element("li", {}, `… and ${groups.length - CAUSES} other causes: see below`));
  }
  $("trouble-list").replaceChildren(...items);
}

function drawDays() {
  $("days").hidden = days.length === 0;
  const most = Math.max(1, ...days.map(({ p95 = 0 }) => p95));
  const drawn = days.map(({ day, today, boots, up, median, p95 }) => {
    const bar = element("span", { class: "bar" });
    const piece = element("span");
    place(piece, 0, (median ?? 0) / most);
    bar.append(piece);
    bar.style.display = "block";
    const number = (text) => element("td", { class: "number" }, text);
    return element(
      "tr",
      today ? { class: "today" } : {},
      element("th", { scope: "row" }, today ? "today" : day),
      number(count(boots)),
      number(count(up)),
      number(seconds(median)),
      number(seconds(p95)),
      element("td", { class: "wide", "aria-hidden": "true" }, bar),
    );
  });
  $("day-rows").replaceChildren(...drawn);
}

/** Whatever changed, once a frame. */
function draw() {
  if (changed.size > 0 || isListDue) {
    drawList();
    drawTroubles();
    drawTotals();
    for (const mac of changed) void drawMore(mac);
    changed.clear();
    isListDue = false;
  }
}

let isFrameAsked = false;
function drawSoon() {
  if (isFrameAsked) return;
  isFrameAsked = true;
  requestAnimationFrame(() => {
    isFrameAsked = false;
    draw();
  });
}

function listSoon() {
  isListDue = true;
  drawSoon();
}

async function ask(path) {
  try {
    const response = await fetch(path);
    return await response.json();
  } catch {
    // The events say that the connection is lost.
    return undefined;
  }
}

async function readHistory() {
  const read = await ask("/history.json");
  if (read === undefined) return;
  days = read.days;
  drawDays();
  drawTotals();
}

function takeTotals(next) {
  aheadMs = next.now - Date.now();
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
  drawTotals();
}

function connect() {
  const state = $("connection");
  const say = (text, kind) => {
    setText(state, text);
    state.className = `connection ${kind}`;
  };
  const events = new EventSource("/events");
  events.addEventListener("open", () => {
    // A server that was started again knows other nodes.
    nodes.clear();
    totals = undefined;
    say("live", "live");
    listSoon();
    void readHistory();
  });
  events.addEventListener("error", () => {
    say("connection lost, trying again", "lost");
    // The browser gives up where the server answers with an error.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  });
  events.addEventListener("nodes", ({ data }) => {
    for (const node of JSON.parse(data)) {
      nodes.delete(node.mac);
      nodes.set(node.mac, node);
      changed.add(node.mac);
    }
    for (const mac of nodes.keys()) {
      if (nodes.size <= NODES) break;
      nodes.delete(mac);
    }
    drawSoon();
  });
  events.addEventListener("totals", ({ data }) => takeTotals(JSON.parse(data)));
}

function speak() {
  const all = [...nodes.values()].filter(isBoot);
  const stuck = all.filter(isStuck).length;
  const still = stuck > 0 ? `, ${stuck} stand still` : "";
  setText($("spoken"), `${all.filter(isUp).length} of ${all.length} nodes up${still}`);
}

setText($("server"), location.host);
for (const id of ["find", "show", "order"]) $(id).addEventListener("input", listSoon);
$("choice").addEventListener("submit", (event) => event.preventDefault());
$("more").addEventListener("click", () => {
  rowsMost += MORE_ROWS;
  listSoon();
});
/** Times of those under way go on; where one takes longer than the longest, all are drawn to another scale. */
setInterval(() => {
  if (document.hidden) return;
  const onWay = [...rows.keys()].flatMap((mac) => nodes.get(mac) ?? []).filter(isOnWay);
  if (onWay.some((node) => spanOf(node) > longest)) listSoon();
  else onWay.forEach(drawRow);
}, 500);
setInterval(speak, SPOKEN_EVERY_MS);
setInterval(readHistory, HISTORY_EVERY_MS);
connect();
