import type { Step } from "../trace/trace.ts";
import type { Event } from "./event.ts";

/**
 * What each event waited for: the one that ended last before it was sent, of whatever protocol; the time between is the
 * node's own. `events` are in the order in which they were sent.
 */
export function stepsOf(events: readonly Event[]): Step[] {
  const ends = events
    .map(({ endedAt }, index) => ({ endedAt, index }))
    .sort((a, b) => a.endedAt - b.endedAt);
  let next = 0;
  let last = { endedAt: events[0]?.sentAt ?? 0, index: -1 };
  return events.map(({ sentAt, deed }, index) => {
    for (let end = ends[next]; end !== undefined && end.endedAt <= sentAt; end = ends[next]) {
      // What took no time and was sent at the same moment may stand further on.
      if (end.index >= index) break;
      last = end;
      next += 1;
    }
    return { after: last.index, think: sentAt - last.endedAt, deed };
  });
}
