import { expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { Presence } from "../../src/watch/presence.ts";
import { VirtualClock } from "../sim/clock.ts";

test("who has connections is present for as long as it is said, and a little longer", () => {
  const clock = new VirtualClock();
  const presence = new Presence(clock);
  const [one, two] = [ipv4(1), ipv4(2)];
  presence.see([one, two]);
  clock.advance(90_000);
  presence.see([two]);
  expect([presence.has(one), presence.has(two)]).toEqual([true, true]);
  clock.advance(20_000);
  expect([presence.has(one), presence.has(two), presence.has(ipv4(3))]).toEqual([
    false,
    true,
    false,
  ]);
});
