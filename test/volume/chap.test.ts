import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chapKey, secretsOf } from "../../src/volume/chap.ts";
import { directoryOf } from "../sidus.ts";

test("the key is made at first use, for its owner only, and stays", async () => {
  const directory = join(directoryOf({}), "volumes");
  const keys = await Promise.all(Array.from({ length: 5 }, () => chapKey(directory)));
  const file = join(directory, "chap.key");
  expect(readFileSync(file)).toHaveLength(32);
  for (const key of keys) expect(Buffer.compare(key, readFileSync(file))).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test("a key that others may read, or that is none, is refused with what to do", async () => {
  const directory = directoryOf({});
  const file = join(directory, "chap.key");
  writeFileSync(file, "short", { mode: 0o600 });
  await expect(chapKey(directory)).rejects.toThrow(/chap\.key is damaged: put it back/);
  chmodSync(file, 0o640);
  await expect(chapKey(directory)).rejects.toThrow(`chmod 600 ${file}`);
});

test("RFC 7143 §12.1.3, §9.2.1: secrets have 96 bits but for one, and differ by volume and direction", () => {
  const key = new Uint8Array(32).fill(1);
  const names = Array.from({ length: 200 }, (_, at) => `192.0.2.${at}`);
  const all = names.flatMap((name) => Object.values(secretsOf(key, name)));
  expect(new Set(all).size).toBe(400);
  for (const secret of all) expect(secret).toMatch(/^[A-Za-z0-9]{16}$/);
  expect(secretsOf(key, "a")).toEqual(secretsOf(key, "a"));
  expect(secretsOf(new Uint8Array(32), "a")).not.toEqual(secretsOf(key, "a"));
});

test("a volume's secrets never change: nodes have them", () => {
  // Python: hmac and hashlib, divided by 62 sixteen times, the remainders in that order.
  expect(secretsOf(new Uint8Array(32).fill(1), "a")).toEqual({
    secret: "tfySAnQ4CifXlnBh",
    mutual: "QAGiCBZ4QpRJlMxc",
  });
});
