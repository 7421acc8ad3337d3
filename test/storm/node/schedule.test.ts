import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Instant } from "../../../src/net/clock.ts";
import { Agenda } from "../../../src/storm/node/agenda.ts";
import { orderOf, Schedule } from "../../../src/storm/node/schedule.ts";
import type { NfsCall, Step, Trace } from "../../../src/storm/trace/trace.ts";
import { VirtualClock } from "../../sim/clock.ts";

interface Sent {
  readonly index: number;
  readonly at: number;
}

/** Sends all steps; the answer to each takes as many ms as `answers` says. Times are ms. */
function run(
  steps: readonly Step[],
  answers: readonly number[],
  factor = 1,
  grain = 0,
  files: Trace["files"] = [],
): Sent[] {
  const clock = new VirtualClock();
  const agenda = new Agenda(clock);
  const schedule = new Schedule(orderOf({ steps, files }, factor), clock.now(), grain);
  const sent: Sent[] = [];
  let isWaiting = false;
  const send = (): void => {
    for (;;) {
      const index = schedule.take(clock.now());
      if (index === undefined) break;
      sent.push({ index, at: clock.now() });
      const answered = (clock.now() + (answers[index] ?? 0)) as Instant;
      agenda.add(answered, () => {
        schedule.ended(index, clock.now());
        send();
      });
    }
    const due = schedule.dueAt();
    if (due === undefined || isWaiting) return;
    isWaiting = true;
    agenda.add(due, () => {
      isWaiting = false;
      send();
    });
  };
  send();
  for (let next = clock.next(); next !== undefined; next = clock.next()) {
    clock.advance(next - clock.now());
  }
  expect(schedule.isDone).toBe(true);
  return sent;
}

/** `think` is µs. */
function step(after: number, think: number): Step {
  return { after, think, deed: { kind: "mount" } };
}

const traces = fc
  .array(fc.record({ back: fc.nat(20), think: fc.nat(50_000), answer: fc.nat(100) }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((drawn) => ({
    steps: drawn.map(({ back, think }, index) => step(Math.max(-1, index - 1 - back), think)),
    answers: drawn.map(({ answer }) => answer),
  }));

describe("schedule", () => {
  test("a step waits for the end of the one that it is after, and for the node's own time", () => {
    const steps = [step(-1, 2000), step(0, 500_000), step(1, 0)];
    expect(run(steps, [30, 10, 0])).toEqual([
      { index: 0, at: 2 },
      { index: 1, at: 532 },
      { index: 2, at: 542 },
    ]);
  });

  test("steps after the same one are under way together", () => {
    const steps = [step(-1, 0), step(0, 1000), step(0, 2000), step(0, 3000), step(2, 0)];
    expect(run(steps, [5, 100, 100, 100, 0]).map(({ at }) => at)).toEqual([0, 6, 7, 8, 107]);
  });

  test("a step whose time has come waits until those before it were sent", () => {
    const steps = [step(-1, 0), step(-1, 1000), step(0, 0), step(1, 0)];
    // Step 3 might be sent at 2 ms; step 2 before it waits for the slow answer to step 0.
    expect(run(steps, [400, 1, 0, 0]).map(({ at }) => at)).toEqual([0, 1, 400, 400]);
  });

  test("a factor of 0 sends as fast as answers come, one of 2 takes the node's own time twice", () => {
    const steps = [step(-1, 0), step(0, 70_000), step(1, 30_000)];
    expect(run(steps, [10, 10, 0], 0).map(({ at }) => at)).toEqual([0, 10, 20]);
    expect(run(steps, [10, 10, 0], 2).map(({ at }) => at)).toEqual([0, 150, 220]);
  });

  test("a call waits for the lookup that tells its handle, though another answer came last when it was recorded", () => {
    const files = ["", "usr", "usr/bin", "etc"].map((path) => ({
      path,
      type: "directory" as const,
      size: 0,
    }));
    const call = (after: number, wanted: NfsCall): Step => ({
      ...step(after, 1000),
      deed: { kind: "nfs", call: wanted },
    });
    const steps = [
      step(-1, 0),
      call(0, { op: "lookup", file: 1 }),
      call(0, { op: "lookup", file: 3 }),
      // After the answer about etc, both of them; in usr, which is slower this time.
      call(2, { op: "lookup", file: 2 }),
      call(2, { op: "getattr", file: 3 }),
      call(3, { op: "getattr", file: 2 }),
    ];
    const at = run(steps, [0, 100, 5, 10, 0, 0], 1, 0, files).map((sent) => sent.at);
    expect(at).toEqual([0, 1, 1, 101, 101, 112]);
  });

  test("the order is the recorded one, and no step is early, however long answers take", () => {
    fc.assert(
      fc.property(traces, ({ steps, answers }) => {
        const sent = run(steps, answers);
        expect(sent.map(({ index }) => index)).toEqual(steps.keys().toArray());
        for (const { index, at } of sent) {
          const { after, think } = steps[index] ?? step(-1, 0);
          const ended = after < 0 ? 0 : (sent[after]?.at ?? 0) + (answers[after] ?? 0);
          const earliest = Math.max(ended + think / 1000, sent[index - 1]?.at ?? 0);
          // As soon as it may, but for how floating-point numbers add up.
          expect(Math.abs(at - earliest)).toBeLessThan(1e-6);
        }
      }),
    );
  });

  test("times below a timer's grain are saved up: the whole takes as long, and nothing is more than a grain early", () => {
    const short = fc
      .array(fc.record({ think: fc.nat(900), answer: fc.nat(3) }), {
        minLength: 100,
        maxLength: 300,
      })
      .map((drawn) => ({
        steps: drawn.map(({ think }, index) => step(index - 1, think)),
        answers: drawn.map(({ answer }) => answer),
      }));
    fc.assert(
      fc.property(short, ({ steps, answers }) => {
        const exact = run(steps, answers);
        const saved = run(steps, answers, 1, 1);
        for (const [index, { at }] of saved.entries()) {
          const early = (exact[index]?.at ?? 0) - at;
          expect(early).toBeGreaterThan(-1e-6);
          expect(early).toBeLessThan(1 + 1e-6);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("a step that was sent late is made up for, but not when the load was late for long", () => {
    const order = orderOf(
      { steps: [step(-1, 10_000), step(0, 10_000), step(1, 10_000)], files: [] },
      1,
    );
    const at = (ms: number): Instant => ms as Instant;
    const late = new Schedule(order, at(0));
    expect(late.take(at(14))).toBe(0);
    late.ended(0, at(14));
    expect(late.dueAt()).toBe(20);
    expect(late.take(at(520))).toBe(1);
    late.ended(1, at(520));
    expect(late.dueAt()).toBe(510);
    expect(late.take(at(520))).toBe(2);
  });
});

describe("agenda", () => {
  test("everything is done at its time, in the order of the times", () => {
    const times = fc.array(fc.nat(1000), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, (drawn) => {
        const clock = new VirtualClock();
        const agenda = new Agenda(clock);
        const done: { due: number; at: number }[] = [];
        for (const due of drawn) {
          agenda.add(due as Instant, () => done.push({ due, at: clock.now() }));
        }
        clock.advance(1000);
        expect(done.map(({ due }) => due)).toEqual(drawn.toSorted((a, b) => a - b));
        expect(done.every(({ due, at }) => due === at)).toBe(true);
      }),
    );
  });

  test("what is added while it is on its way has its turn, too", () => {
    const clock = new VirtualClock();
    const agenda = new Agenda(clock);
    const done: string[] = [];
    agenda.add(5 as Instant, () => {
      done.push("first");
      agenda.add(5 as Instant, () => done.push("at once"));
      agenda.add(7 as Instant, () => done.push("later"));
    });
    clock.advance(6);
    expect(done).toEqual(["first", "at once"]);
    clock.advance(1);
    expect(done).toEqual(["first", "at once", "later"]);
  });
});
