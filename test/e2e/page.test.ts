import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Browser, openBrowser, type Tab, type View } from "../browser.ts";
import { bootEvents, type WatchedRoom, watchedRoom } from "../cli/watched.ts";
import { numberedMac } from "../dhcp/messages.ts";
import { lackingOf, title } from "../needs.ts";
import { readPng } from "./png.ts";

/** The page of `sidus serve` in a real browser, as people see it. */

const lacking = lackingOf("chromium");

const HOSTILE = `<img src=x onerror="document.title='owned'"><b>"&'\u202e`;
const NODES = 40;
const wide = { width: 1280, height: 900 } as const;
const narrow = { width: 390, height: 844 } as const;

describe.skipIf(lacking !== undefined)(title("the live page in Chromium", lacking), () => {
  let browser: Browser;
  let room: WatchedRoom;
  const names = new Map(
    Array.from({ length: NODES }, (_, at) => [
      numberedMac(at + 1),
      at === 0 ? HOSTILE : `pc-${at + 1}`,
    ]),
  );

  beforeAll(async () => {
    browser = await openBrowser();
    room = await watchedRoom(names);
    for (let number = 1; number <= NODES; number += 1) {
      // The last ones are on their way.
      const steps = bootEvents(number, names.get(numberedMac(number)));
      for (const event of steps.slice(0, number > NODES - 5 ? 3 : 6).flat()) {
        room.watching.tell(event);
      }
    }
  });
  afterAll(async () => {
    await room?.[Symbol.asyncDispose]();
    await browser?.[Symbol.asyncDispose]();
  });

  async function open(view: View): Promise<Tab> {
    const tab = await browser.open(`${room.origin}/`, view);
    await expect.poll(() => tab.evaluate("document.querySelectorAll('.node').length")).toBe(NODES);
    return tab;
  }

  test.each([
    { ...wide, scheme: "light" },
    { ...wide, scheme: "dark" },
    { ...narrow, scheme: "light" },
    { ...narrow, scheme: "dark" },
  ] as const)("fits $width pixels, $scheme, without a complaint of the browser", async (view) => {
    await using tab = await open(view);
    expect(await tab.evaluate("document.documentElement.scrollWidth")).toBe(view.width);
    const cut = `[...document.querySelectorAll("h1, h2, dt, dd, .stage, .time, label")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
      .map((one) => one.textContent)`;
    expect(await tab.evaluate(cut)).toEqual([]);
    const picture = readPng(await tab.picture());
    expect(picture.width).toBe(view.width);
    // --ground of page.css.
    expect(picture.at(1, 1)).toBe(view.scheme === "light" ? "#f6f7f9" : "#12151c");
    expect(tab.complaints).toEqual([]);
  });

  test("a hostile name is text", async () => {
    await using tab = await open({ ...wide, scheme: "light" });
    expect(await tab.evaluate("document.querySelectorAll('main img, main .who b').length")).toBe(0);
    const shown = "[...document.querySelectorAll('.who')].map((one) => one.textContent)";
    expect(await tab.evaluate<string[]>(shown)).toContain(HOSTILE);
    expect(await tab.evaluate("document.title")).toMatch(/^35 of 40 up – sidus$/);
  });

  test("a row opens by the keyboard, and says what was seen and how it was before", async () => {
    await using tab = await open({ ...narrow, scheme: "light" });
    await tab.evaluate("document.querySelector('.node summary').focus()");
    await tab.press("Enter");
    const text = "document.querySelector('.node details[open] .more')?.textContent ?? ''";
    await expect
      .poll(() => tab.evaluate(text))
      .toMatch(/What was seen.*DHCP DISCOVER.*Its last boots/);
    expect(await tab.evaluate("document.documentElement.scrollWidth")).toBe(narrow.width);
    const bar = "document.querySelector('.node .bar').getAttribute('aria-label')";
    expect(await tab.evaluate(bar)).toMatch(/^dhcp after 0\.\d s, loader after/);
  });

  test("what happens is shown as it happens; only what is asked for", async () => {
    await using tab = await open({ ...wide, scheme: "dark" });
    const number = NODES - 1;
    for (const event of bootEvents(number, `pc-${number}`).slice(3).flat())
      room.watching.tell(event);
    await expect.poll(() => tab.evaluate("document.title")).toMatch(/^36 of 40 up/);
    await tab.evaluate(`(() => {
      const show = document.getElementById("show");
      show.value = "way";
      show.dispatchEvent(new Event("input", { bubbles: true }));
    })()`);
    await expect.poll(() => tab.evaluate("document.querySelectorAll('.node').length")).toBe(4);
  });
});
