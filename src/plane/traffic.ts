import { TRAFFIC_TOLD_EVERY_MS } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import { noTraffic, type Traffic } from "../net/traffic.ts";
import { every } from "./every.ts";

/** Says every now and then what was moved since it last did, if anything was. */
export function tellTraffic(
  clock: Clock,
  traffic: Traffic,
  send: (moved: Traffic) => void,
): Disposable {
  let told = noTraffic();
  return every(clock, TRAFFIC_TOLD_EVERY_MS, () => {
    const { calls, received, sent } = traffic;
    const moved = {
      calls: calls - told.calls,
      received: received - told.received,
      sent: sent - told.sent,
    };
    told = { calls, received, sent };
    if (moved.calls > 0 || moved.received > 0 || moved.sent > 0) send(moved);
  });
}
