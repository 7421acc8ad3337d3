import { describe, expect, test } from "vitest";
import { Identities, type Identity, type IdentityStore } from "../../src/boot/identities.ts";
import type { Identified } from "../../src/boot/inventory.ts";
import { type MacAddress, parseMac } from "../../src/bytes/mac.ts";
import { IDENTITIES_MAX, IDENTITY_WRITTEN_AGAIN_MS } from "../../src/limits.ts";

const uuid = "4c4c4544-0042-3510-8052-b4c04f4e3132";
const mac = (number: number) =>
  parseMac(`5254${number.toString(16).padStart(8, "0")}`) as MacAddress;
const firmware = { mac: mac(1), uuid, serial: undefined, architecture: 7 };
const kernel = { mac: mac(1), uuid: undefined, serial: undefined, architecture: undefined };

/** Keeps what it is told, as a disk does. */
class Kept implements IdentityStore {
  readonly saved: Identity[] = [];

  load(): readonly Identity[] {
    return [...new Map(this.saved.map((one) => [one.mac, one])).values()];
  }

  save(identity: Identity): void {
    this.saved.push(identity);
  }
}

function identities(
  change: { store?: Kept; isNamed?: (of: Identified) => boolean; time?: { now: number } } = {},
) {
  const { store = new Kept(), isNamed = (of) => of.uuid === uuid, time = { now: 1000 } } = change;
  return { store, time, all: new Identities(store, () => time.now, isNamed) };
}

describe("identities", () => {
  test("what a message leaves out, an earlier one said: the kernel is who its firmware was", () => {
    const { all, time } = identities();
    all.learn(firmware);
    time.now = 2000;
    all.learn(kernel);
    expect(all.of(mac(1))).toEqual({ ...firmware, heardAt: 2000 });
    expect(all.of(mac(2))).toBeUndefined();
  });

  test("after a restart, too", () => {
    const { store, all } = identities();
    all.learn(firmware);
    expect(identities({ store }).all.of(mac(1))?.uuid).toBe(uuid);
  });

  test("what says nothing of itself is not remembered", () => {
    const { all } = identities();
    all.learn(kernel);
    expect(all.all()).toEqual([]);
  });

  test("the last word counts", () => {
    const { all, store } = identities();
    all.learn({ ...firmware, uuid: "00000000-0000-0000-0000-000000000001" });
    all.learn(firmware);
    all.learn({ ...firmware, architecture: 16, serial: "S1" });
    expect(all.of(mac(1))).toMatchObject({ uuid, architecture: 16, serial: "S1" });
    expect(all.all()).toHaveLength(1);
    expect(store.saved).toHaveLength(2);
  });

  test("who says the same again is written again only after a time", () => {
    const { all, store, time } = identities();
    for (let times = 0; times < 10; times += 1) {
      all.learn(firmware);
      all.learn(kernel);
      time.now += 1;
    }
    expect(store.saved).toHaveLength(1);
    time.now += IDENTITY_WRITTEN_AGAIN_MS;
    all.learn(kernel);
    expect(store.saved.map((one) => one.heardAt)).toEqual([1000, time.now]);
  });

  test("strangers are remembered, but not on disk", () => {
    const { all, store } = identities({ isNamed: () => false });
    all.learn(firmware);
    expect(all.of(mac(1))?.uuid).toBe(uuid);
    expect(store.saved).toEqual([]);
  });

  test("a stranger whom the configuration comes to name is written when it is heard again", () => {
    let isNamed = false;
    const { all, store } = identities({ isNamed: () => isNamed });
    all.learn(firmware);
    isNamed = true;
    all.learn(kernel);
    expect(store.saved).toMatchObject([{ mac: mac(1), uuid }]);
  });

  test("a flood of invented ones is bounded, and takes no named one's place", () => {
    const { all, store } = identities();
    all.learn(firmware);
    for (let number = 2; number < IDENTITIES_MAX + 1000; number += 1) {
      all.learn({ ...firmware, mac: mac(number), uuid: `00000000-${number}` });
    }
    expect(all.all()).toHaveLength(IDENTITIES_MAX + 1);
    expect(all.of(mac(1))?.uuid).toBe(uuid);
    expect(all.of(mac(2))).toBeUndefined();
    expect(store.saved).toHaveLength(1);
  });

  test("a flood that claims a known UUID is bounded", () => {
    const { all } = identities();
    for (let number = 0; number < IDENTITIES_MAX + 1000; number += 1) {
      all.learn({ ...firmware, mac: mac(number) });
    }
    expect(all.all()).toHaveLength(IDENTITIES_MAX);
  });

  test("without a store they last as long as the process", () => {
    const all = new Identities(
      undefined,
      () => 5,
      () => true,
    );
    all.learn(firmware);
    expect(all.of(mac(1))?.heardAt).toBe(5);
  });
});
