import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { ImageWatch } from "../../src/cli/image-watch.ts";
import { VersionUses } from "../../src/image/store/uses.ts";
import { identityOf } from "../../src/image/store/versions.ts";
import type { ExportSpec } from "../../src/plane/messages.ts";
import { UserError } from "../../src/user-error.ts";
import { directoryOf } from "../sidus.ts";
import { VirtualClock } from "../sim/clock.ts";

const [older, newer] = ["a".repeat(64), "b".repeat(64)] as const;
const node = ipv4(0x0a4d000b);

function watched({ refuse = false } = {}) {
  const directory = join(directoryOf({}), "room");
  mkdirSync(directory);
  for (const digest of [older, newer]) writeFileSync(join(directory, `${digest}.erofs`), "");
  const current = join(directory, "current");
  const use = (digest: string): void => {
    rmSync(current, { force: true });
    symlinkSync(`${digest}.erofs`, current);
  };
  use(older);
  const specOf = (digest: string): ExportSpec => ({
    name: "room",
    path: "/srv/room",
    clients: [],
    squash: "none",
    source: { kind: "image", directory, digest },
  });
  const state = { served: older as string, changes: 0 };
  const warnings: string[] = [];
  const clock = new VirtualClock();
  const watch = new ImageWatch({
    clock,
    specs: () => [specOf(state.served)],
    async changed() {
      state.changes += 1;
      if (refuse) throw new UserError("the image was damaged");
      state.served = newer;
    },
    warn: (text) => warnings.push(text),
    report: (_, error) => {
      throw error;
    },
  });
  const uses = { export: "room", identity: identityOf(older), addresses: [node] };
  return { directory, use, state, warnings, clock, watch, uses };
}

/** Until the next look is due. */
async function look(clock: VirtualClock): Promise<void> {
  await expect.poll(() => clock.next()).toBeDefined();
  clock.advance(1000);
  await expect.poll(() => clock.next()).toBeDefined();
}

describe("which version is current", () => {
  test("is asked every second; another one is taken on once", async () => {
    const { use, state, clock, watch } = watched();
    using _ = watch;
    await look(clock);
    expect(state.changes).toBe(0);
    use(newer);
    await look(clock);
    await look(clock);
    expect(state).toEqual({ served: newer, changes: 1 });
  });

  test("is not asked any more once it is stopped, though it was being asked", async () => {
    const { use, state, clock, watch } = watched();
    await expect.poll(() => clock.next()).toBeDefined();
    use(newer);
    clock.advance(1000);
    watch[Symbol.dispose]();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(clock.next()).toBeUndefined();
    expect(state.changes).toBe(0);
  });

  test("one that cannot be served is said once, and the old one stays", async () => {
    const { use, state, warnings, clock, watch } = watched({ refuse: true });
    using _ = watch;
    use(newer);
    await look(clock);
    await look(clock);
    expect(state).toEqual({ served: older, changes: 1 });
    expect(warnings).toEqual(["the image was damaged"]);
  });
});

describe("a version that could not be served", () => {
  test("is tried again when it is signed", async () => {
    const { directory, use, state, clock, watch } = watched({ refuse: true });
    using _ = watch;
    use(newer);
    await look(clock);
    expect(state.changes).toBe(1);
    writeFileSync(join(directory, `${newer}.sig`), "");
    await look(clock);
    await look(clock);
    expect(state.changes).toBe(2);
  });
});

describe("which nodes run which version", () => {
  test("is written down when one is new, else once a minute", async () => {
    const { directory, clock, watch, uses } = watched();
    using _ = watch;
    const file = join(directory, "nodes.json");
    await watch.used([uses]);
    expect(new VersionUses(directory).of(older, clock.epochMs())).toMatchObject([
      { address: "10.77.0.11", digest: older },
    ]);
    rmSync(file);
    await watch.used([uses]);
    expect(existsSync(file)).toBe(false);
    clock.advance(60_000);
    await watch.used([uses]);
    expect(existsSync(file)).toBe(true);
  });

  test("that it cannot be written is said once", async () => {
    const { directory, warnings, clock, watch, uses } = watched();
    using _ = watch;
    await watch.used([uses]);
    rmSync(join(directory, "nodes.json"));
    mkdirSync(join(directory, "nodes.json"));
    for (let minute = 0; minute < 2; minute += 1) {
      clock.advance(60_000);
      await watch.used([uses]);
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("cannot be written down");
  });
});
