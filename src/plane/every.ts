import { after } from "../bytes/instant.ts";
import type { Clock } from "../net/clock.ts";

/** Does it again and again, with so much time between. */
export function every(clock: Clock, ms: number, work: () => void): Disposable {
  const alarm = clock.alarm(() => {
    work();
    alarm.set(after(clock.now(), ms));
  });
  alarm.set(after(clock.now(), ms));
  return alarm;
}
