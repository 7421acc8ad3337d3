import { systemClock } from "../net/clock.ts";

/** `20260131-120000`: UTC, in the order of time. */
export function nowAsName(): string {
  const [date = "", time = ""] = new Date(systemClock.epochMs()).toISOString().split("T");
  return `${date.replaceAll("-", "")}-${time.slice(0, 8).replaceAll(":", "")}`;
}
