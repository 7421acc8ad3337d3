import { expect, test } from "vitest";
import { after, type Instant } from "../../src/bytes/instant.ts";
import { coreWait } from "../../src/disk/core-wait.ts";
import { Patience } from "../../src/disk/patience.ts";

/** A thread whose calls take what they are told to, of the disk or waiting for a core. */
class Thread {
  now = 1000 as Instant;
  #waited = 0;
  readonly #patience = new Patience(() => this.#waited);

  /** False: it would not have waited itself. */
  call(diskMs: number, coreMs = 0): boolean {
    const began = this.now;
    if (!this.#patience.begin(began)) return false;
    this.#waited += coreMs;
    this.now = after(began, diskMs + coreMs);
    this.#patience.took(began, this.now);
    return true;
  }

  calls(times: number, diskMs: number, coreMs = 0): boolean[] {
    return Array.from({ length: times }, () => this.call(diskMs, coreMs));
  }
}

test("calls that memory answers are always waited for", () => {
  expect(new Thread().calls(10_000, 0.01)).not.toContain(false);
});

test("a slow disk is found out, left to others for two seconds, and tried again", () => {
  const thread = new Thread();
  expect(thread.calls(10, 8)).toContain(false);
  expect(thread.call(8)).toBe(false);
  thread.now = after(thread.now, 2001);
  expect(thread.call(0.01)).toBe(true);
});

test("also where only one call in five is slow", () => {
  const thread = new Thread();
  const all = Array.from({ length: 200 }, (_, at) => thread.call(at % 5 === 0 ? 10 : 0.01));
  expect(all).toContain(false);
});

test("a thread that has to wait for a core does not take that for a slow disk", () => {
  const thread = new Thread();
  expect(thread.calls(1000, 0.01, 12)).not.toContain(false);
  expect(thread.calls(10, 8, 12)).toContain(false);
});

test("however slow the disk, it is waited for a twentieth of the time, and tried again after a minute", () => {
  for (const ms of [20, 60, 200, 1000]) {
    const thread = new Thread();
    let waited = 0;
    while (thread.now < 600_000) {
      if (thread.call(ms)) waited += ms;
      else thread.now = after(thread.now, 10);
    }
    // What was not suspected before comes in addition.
    expect(waited, `calls of ${ms} ms`).toBeLessThan(600_000 * 0.05 + 2 * ms + 50);
  }
  const away = new Thread();
  away.call(100_000);
  away.now = after(away.now, 59_999);
  expect(away.call(1)).toBe(false);
  away.now = after(away.now, 1);
  expect(away.call(1)).toBe(true);
});

test("a slow call now and then is nothing", () => {
  const thread = new Thread();
  for (let round = 0; round < 100; round += 1) {
    expect(thread.call(9)).toBe(true);
    thread.now = after(thread.now, 900);
  }
});

test("the kernel counts how long a thread waits for a core", () => {
  const before = coreWait();
  expect(before).toBeGreaterThanOrEqual(0);
  expect(coreWait()).toBeGreaterThanOrEqual(before);
});
