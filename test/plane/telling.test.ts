import { expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { EVENTS_TOLD_EVERY_MS, EVENTS_TOLD_MAX } from "../../src/limits.ts";
import { Telling } from "../../src/plane/telling.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { VirtualClock } from "../sim/clock.ts";

test("refusals are gathered as counts, each address by itself, up to a bound", () => {
  const clock = new VirtualClock();
  const told: BootEvent[] = [];
  using telling = new Telling(clock, (events) => told.push(...events));
  const refused = { kind: "refused", protocol: "iscsi", reason: "CHAP failed" } as const;
  const address = ipv4(1);
  for (let times = 0; times < 3; times += 1) telling.tell({ ...refused, address });
  telling.tell(refused);
  clock.advance(EVENTS_TOLD_EVERY_MS);
  expect(told).toEqual([
    { ...refused, address, times: 3 },
    { ...refused, times: 1 },
  ]);
  told.length = 0;
  for (let host = 0; host < 10 * EVENTS_TOLD_MAX; host += 1) {
    telling.tell({ ...refused, address: ipv4(host) });
  }
  clock.advance(EVENTS_TOLD_EVERY_MS);
  expect(told).toHaveLength(EVENTS_TOLD_MAX + 1);
  expect(told.at(-1)).toEqual({ ...refused, times: 9 * EVENTS_TOLD_MAX });
});
