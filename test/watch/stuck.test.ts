import { expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { STUCK_ASKED_EVERY_MS, STUCK_TOLD_MAX } from "../../src/limits.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import type { Explanation } from "../../src/watch/explain.ts";
import { StuckWatch } from "../../src/watch/stuck.ts";
import { address, dhcp, macOf, watched } from "./replay.ts";

function watching(condition: Explanation["condition"] = "stuck") {
  const room = watched();
  const warned: string[] = [];
  let explained = 0;
  const watch = new StuckWatch({
    clock: room.clock,
    boots: () => room.timeline.boots(),
    explain: () => {
      explained += 1;
      return { condition, cause: "The cause." };
    },
    warn: (text) => warned.push(text),
  });
  return { ...room, warned, watch, explained: () => explained };
}

const leased = [dhcp("pxe", "DISCOVER"), dhcp("pxe", "REQUEST")];
const loader = {
  kind: "file",
  protocol: "tftp",
  address,
  path: "pxelinux.0",
  outcome: "started",
  bytes: 0,
} as const satisfies BootEvent;
const up: BootEvent = { kind: "up", address, tree: "sidus" };

test("a node that goes no further for two minutes is named once, with its cause", () => {
  const { clock, tell, warned } = watching();
  tell(...leased, loader);
  clock.advance(119_000);
  expect(warned).toEqual([]);
  clock.advance(STUCK_ASKED_EVERY_MS);
  expect(warned).toEqual([
    "n1 is stuck in stage loader. The cause. `sidus explain 52:54:00:77:00:01` tells more.",
  ]);
  clock.advance(3_600_000);
  tell(...leased, loader);
  clock.advance(3_600_000);
  expect(warned).toHaveLength(1);
});

test("it is named again when it was up since", () => {
  const { clock, tell, warned } = watching();
  tell(...leased, loader);
  clock.advance(200_000);
  tell(up);
  clock.advance(200_000);
  expect(warned).toHaveLength(1);
  tell(...leased, loader);
  clock.advance(200_000);
  expect(warned).toHaveLength(2);
});

test("who only has an address may not mean us; who is up or on its way is not stuck", () => {
  const idle = watching();
  idle.tell(...leased);
  idle.clock.advance(600_000);
  expect([idle.warned, idle.explained()]).toEqual([[], 0]);
  const onItsWay = watching("on its way");
  onItsWay.tell(...leased, loader);
  onItsWay.clock.advance(600_000);
  expect(onItsWay.warned).toEqual([]);
  expect(onItsWay.explained()).toBeGreaterThan(10);
});

test("a node with a menu, or its own disk, is looked at once a boot", () => {
  const { clock, tell, warned, explained } = watching("aside");
  for (let boot = 1; boot <= 2; boot += 1) {
    tell(...leased, loader);
    clock.advance(600_000);
    expect([warned, explained()]).toEqual([[], boot]);
  }
});

test("a room without its switch is a few lines at a time", () => {
  const { clock, tell, warned, watch } = watching();
  for (let n = 0; n < 3 * STUCK_TOLD_MAX; n += 1) {
    const mine = { address: ipv4(0x0a00_0000 + n), mac: macOf(n.toString(16).padStart(12, "0")) };
    tell(...leased.map((event) => ({ ...event, ...mine })), { ...loader, address: mine.address });
  }
  clock.advance(120_000);
  expect(warned).toHaveLength(STUCK_TOLD_MAX);
  clock.advance(STUCK_ASKED_EVERY_MS);
  expect(warned).toHaveLength(2 * STUCK_TOLD_MAX);
  watch[Symbol.dispose]();
  clock.advance(STUCK_ASKED_EVERY_MS);
  expect(warned).toHaveLength(2 * STUCK_TOLD_MAX);
  expect(clock.next()).toBeUndefined();
});
