import { place } from "./boot-bar.js";
import { $, ask, count, element, seconds } from "./dom.js";

/** Boots by day, as the server has written them down. */
let days = [];

export const today = () => days.find((day) => day.today);
export const dayBefore = () => days.find((day) => !day.today && day.median !== undefined);

export async function readDays() {
  const read = await ask("/history.json");
  if (read === undefined) return;
  days = read.days;
  drawDays();
}

function drawDays() {
  $("days").hidden = days.length === 0;
  const most = Math.max(1, ...days.map(({ p95 = 0 }) => p95));
  const drawn = days.map(({ day, today: isToday, boots, up, median, p95 }) => {
    const bar = element("span", { class: "bar" });
    const piece = element("span");
    place(piece, 0, (median ?? 0) / most);
    bar.append(piece);
    const number = (text) => element("td", { class: "number" }, text);
    return element(
      "tr",
      isToday ? { class: "today" } : {},
      element("th", { scope: "row" }, isToday ? "today" : day),
      number(count(boots)),
      number(count(up)),
      number(seconds(median)),
      number(seconds(p95)),
      element("td", { class: "wide", "aria-hidden": "true" }, bar),
    );
  });
  $("day-rows").replaceChildren(...drawn);
}
