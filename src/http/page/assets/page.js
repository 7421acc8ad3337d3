import { readDays } from "./days.js";
import { $, setText } from "./dom.js";
import { drawList, drawMore, drawTimes, isOpen, showMore } from "./node-list.js";
import { nodes, remember, setServerNow } from "./nodes.js";
import { drawTotals, drawTroubles, forgetTotals, speak, takeTotals } from "./overview.js";

/** What the server tells (/events), drawn. */

const TIMES_EVERY_MS = 500;
const DAYS_EVERY_MS = 60_000;
const SPOKEN_EVERY_MS = 15_000;
const AGAIN_MS = 5000;

/** MAC addresses of open rows that were told of since all was drawn. */
const changed = new Set();
let isFrameAsked = false;

/** Whatever changed, once a frame. */
function drawSoon() {
  if (isFrameAsked) return;
  isFrameAsked = true;
  requestAnimationFrame(() => {
    isFrameAsked = false;
    drawList();
    drawTroubles();
    drawTotals();
    for (const mac of changed) drawMore(mac);
    changed.clear();
  });
}

async function readHistory() {
  await readDays();
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
    forgetTotals();
    say("live", "live");
    drawSoon();
    void readHistory();
  });
  events.addEventListener("error", () => {
    say("connection lost, trying again", "lost");
    // The browser gives up where the server answers with an error.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN_MS);
  });
  events.addEventListener("nodes", ({ data }) => {
    for (const node of JSON.parse(data)) {
      remember(node);
      // Of no others: a page that is hidden draws nothing for days, and who comes meanwhile may be anybody.
      if (isOpen(node.mac)) changed.add(node.mac);
    }
    drawSoon();
  });
  events.addEventListener("totals", ({ data }) => {
    const totals = JSON.parse(data);
    setServerNow(totals.now);
    takeTotals(totals);
    drawTotals();
  });
}

setText($("server"), location.host);
for (const id of ["find", "show", "order"]) $(id).addEventListener("input", drawSoon);
$("choice").addEventListener("submit", (event) => event.preventDefault());
$("more").addEventListener("click", () => {
  showMore();
  drawSoon();
});
setInterval(() => {
  if (!document.hidden && !drawTimes()) drawSoon();
}, TIMES_EVERY_MS);
setInterval(speak, SPOKEN_EVERY_MS);
setInterval(readHistory, DAYS_EVERY_MS);
connect();
