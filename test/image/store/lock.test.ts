import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ImageStore } from "../../../src/image/store/store.ts";
import { currentIn, digestsIn, versionFile } from "../../../src/image/store/versions.ts";
import { directoryOf } from "../../sidus.ts";

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const [a, b] = ["a".repeat(64), "b".repeat(64)];

function twoVersions(): ImageStore {
  const store = new ImageStore(
    directoryOf({ [`room/${versionFile(a)}`]: "", [`room/${versionFile(b)}`]: "" }),
  );
  store.use("room", a);
  return store;
}

test("while one works on an image, another command waits for it", async () => {
  const store = twoVersions();
  const args = [main, "image", "use", "room", b, "--images", store.directory];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  const ended = once(child, "close");
  // The other has no turn in here: what it does, it does before or after.
  const atEnd = store.locked("room", () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    return readdirSync(store.directoryOf("room")).includes("history.json");
  });
  expect(await ended).toEqual([0, null]);
  expect(atEnd).toBe(false);
  expect(await currentIn(store.directoryOf("room"))).toBe(b);
});

test("who is killed holds it no longer", async () => {
  const store = twoVersions();
  const script = `import { ImageStore } from ${JSON.stringify(new URL("../../../src/image/store/store.ts", import.meta.url).href)};
    new ImageStore(${JSON.stringify(store.directory)}).locked("room", () => { process.stdout.write("held"); for (;;); });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");
  store.use("room", b);
  expect(await currentIn(store.directoryOf("room"))).toBe(b);
});

test("use and rm of one version at once: it is current and there, or neither", async () => {
  const store = twoVersions();
  const run = async (verb: string): Promise<number> => {
    const args = [main, "image", verb, "room", b, "--images", store.directory];
    const [code] = await once(spawn(process.execPath, args, { stdio: "ignore" }), "close");
    return Number(code);
  };
  const codes = await Promise.all([run("use"), run("rm")]);
  expect(codes.filter((code) => code === 0)).toHaveLength(1);
  const directory = store.directoryOf("room");
  expect(await digestsIn(directory)).toContain(await currentIn(directory));
});
