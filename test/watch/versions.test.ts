import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { parseMac } from "../../src/bytes/mac.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { Timeline } from "../../src/watch/timeline.ts";
import { oddVersions } from "../../src/watch/versions.ts";
import { VirtualClock } from "../sim/clock.ts";

const address = ipv4(0x0a4d000b);
const first = "0123456789abcdef".repeat(4);
const second = "89abcdef01234567".repeat(4);

/** What a node is warned of that fetches, mounts and says this. */
function warnings(...events: readonly BootEvent[]): string[] {
  const clock = new VirtualClock();
  const mac = parseMac("525400770001");
  const who = mac === undefined ? undefined : { mac, name: "n1" };
  const lines: string[] = [];
  const timeline = new Timeline(
    clock,
    (boot, stage) => stage === "up" && lines.push(...oddVersions(boot)),
    () => who,
  );
  for (const event of events) timeline.tell(event);
  return lines;
}

function kernel(path: string): BootEvent {
  return { kind: "file", protocol: "http", address, path, outcome: "done", bytes: 1 };
}

function mount(path: string): BootEvent {
  return { kind: "mount", address, path, outcome: "granted" };
}

function up(digest?: string, base?: string): BootEvent {
  return { kind: "up", address, tree: "room", digest, base };
}

const given = kernel("/room@0123456789abcdef/boot/vmlinuz-6.1.0-56-amd64");

describe("the version that a node says it runs", () => {
  test("is the one that it was given: nothing to say", () => {
    expect(warnings(given, mount("/srv/nfsroot/room@0123456789abcdef"), up(first))).toEqual([]);
  });

  test("is another than the one whose kernel it fetched: once a boot", () => {
    expect(warnings(given, up(second), up(second))).toEqual([
      "n1 says that it runs version 89abcdef0123, and was given 0123456789ab: look at its kernel's command line",
    ]);
  });

  test("is another than the one whose root it mounted", () => {
    expect(warnings(given, mount("/srv/nfsroot/room@89abcdef01234567"), up(first))).toHaveLength(1);
  });

  test("a directory is of no version", () => {
    expect(warnings(kernel("/room/boot/vmlinuz-6.1.0"), mount("/srv/nfsroot/room"), up())).toEqual(
      [],
    );
  });
});

describe("the version on which a layer was begun", () => {
  test("is the one that boots: nothing to say", () => {
    expect(warnings(given, up(first, first))).toEqual([]);
  });

  test("is another, or the node boots a directory now", () => {
    const complaint = (now: string) =>
      `n1 boots ${now} with changes that were begun on version 89abcdef0123: what was changed may hide what is new; sidus volume reset begins anew`;
    expect(warnings(given, up(first, second))).toEqual([complaint("version 0123456789ab")]);
    expect(warnings(up(undefined, second))).toEqual([complaint("a directory")]);
  });
});
