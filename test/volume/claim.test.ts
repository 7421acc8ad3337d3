import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/bytes/ipv4.ts";
import { systemClock } from "../../src/net/clock.ts";
import { localSockets } from "../../src/net/local.ts";
import { type ClaimOptions, claimVolume, controlOf, usersIn } from "../../src/volume/claim.ts";
import { serveClaims } from "../../src/volume/claims.ts";
import { answerIn, questionIn } from "../../src/volume/control.ts";
import { directoryOf } from "../sidus.ts";

const holder = fileURLToPath(new URL("holder.ts", import.meta.url));

function optionsFor(directory = directoryOf({})): ClaimOptions {
  return { directory, sockets: localSockets, clock: systemClock };
}

function node(text: string): Parameters<Awaited<ReturnType<typeof serveClaims>>["use"]>[1] {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(text);
  return { name: "iqn.2026-01.test:node", address };
}

async function spawnHolder(directory: string, ...names: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [holder, directory, ...names], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

describe("with a server", () => {
  test("a volume in use is refused with who uses it, one that is not is granted", async () => {
    const options = optionsFor();
    await using claims = await serveClaims(options);
    const use = claims.use("a", node("192.0.2.11"));
    await expect(claimVolume("a", options)).rejects.toThrow(
      "a is in use by iqn.2026-01.test:node at 192.0.2.11: shut that node down, or log it out, and try again",
    );
    const second = claims.use("a", node("192.0.2.12"));
    await expect(claimVolume("a", options)).rejects.toThrow("at 192.0.2.11 and 1 more: ");
    using other = await claimVolume("b", options);
    expect(other.isHeld).toBe(true);
    use?.[Symbol.dispose]();
    use?.[Symbol.dispose]();
    await expect(claimVolume("a", options)).rejects.toThrow("at 192.0.2.12: ");
    second?.[Symbol.dispose]();
    (await claimVolume("a", options))[Symbol.dispose]();
  });

  test("while a command has it no node gets it, nor another command; afterwards both", async () => {
    const options = optionsFor();
    await using claims = await serveClaims(options);
    const claim = await claimVolume("a", options);
    expect(claims.use("a", node("192.0.2.11"))).toBeUndefined();
    await expect(claimVolume("a", options)).rejects.toThrow("another sidus volume works on it");
    claim[Symbol.dispose]();
    await expect.poll(() => claims.use("a", node("192.0.2.11")) !== undefined).toBe(true);
  });

  test("of many commands at once one gets the volume", async () => {
    const options = optionsFor();
    await using claims = await serveClaims(options);
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, () => claimVolume("a", options)),
    );
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(claims.use("a", node("192.0.2.11"))).toBeUndefined();
    for (const one of all) if (one.status === "fulfilled") one.value[Symbol.dispose]();
  });

  test("who uses what is told", async () => {
    const options = optionsFor();
    expect(await usersIn(options)).toBeUndefined();
    await using claims = await serveClaims(options);
    claims.use("a", node("192.0.2.11"));
    expect(await usersIn(options)).toEqual(
      new Map([["a", [{ initiator: "iqn.2026-01.test:node", address: "192.0.2.11" }]]]),
    );
  });

  test("another one is refused in one line", async () => {
    const options = optionsFor();
    await using _ = await serveClaims(options);
    await expect(serveClaims(options)).rejects.toThrow(/^\S+ is in use: another sidus serves it; /);
    const child = spawn(process.execPath, [holder, options.directory], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (bytes) => {
      said += bytes;
    });
    expect(await once(child, "close")).toEqual([1, null]);
    expect(said).toMatch(/is in use: another sidus serves it; stop that, or choose another/);
  });

  test("kill -9: what it granted is not held any more, and another takes its place", async () => {
    const options = optionsFor();
    const child = await spawnHolder(options.directory, "used");
    const claim = await claimVolume("a", options);
    await expect(claimVolume("used", options)).rejects.toThrow("at 192.0.2.11");
    await killed(child);
    await expect.poll(() => claim.isHeld).toBe(false);
    expect(existsSync(controlOf(options.directory))).toBe(true);
    (await claimVolume("used", options))[Symbol.dispose]();
    await using claims = await serveClaims(options);
    expect(claims.use("used", node("192.0.2.11"))).toBeDefined();
  });

  test("that ends leaves no socket", async () => {
    const options = optionsFor();
    const claims = await serveClaims(options);
    await claims[Symbol.asyncDispose]();
    expect(existsSync(controlOf(options.directory))).toBe(false);
  });

  test("a second claim on a connection, and what is no question, end it", async () => {
    const options = optionsFor();
    await using claims = await serveClaims(options);
    for (const lines of [
      ["nonsense"],
      ['{"ask":"claim","name":"a"}', '{"ask":"claim","name":"b"}'],
    ]) {
      const closed = Promise.withResolvers<void>();
      const connection = await localSockets.connect(controlOf(options.directory), 1000, {
        line: () => {},
        closed: () => closed.resolve(),
      });
      for (const line of lines) connection?.send(line);
      await closed.promise;
    }
    await expect.poll(() => claims.use("a", node("192.0.2.11")) !== undefined).toBe(true);
  });
});

describe("without a server", () => {
  test("a command takes the directory; the next one, and a server, wait for it", async () => {
    const options = optionsFor();
    const claim = await claimVolume("a", options);
    const next = claimVolume("b", options);
    const server = serveClaims(options);
    expect(claim.isHeld).toBe(true);
    claim[Symbol.dispose]();
    const [second, claims] = await Promise.all([
      next.then((held) => held[Symbol.dispose]()),
      server,
    ]);
    expect(second).toBeUndefined();
    await claims[Symbol.asyncDispose]();
  });

  test("a directory that is not there is said so", async () => {
    const options = optionsFor(join(directoryOf({}), "none"));
    await expect(claimVolume("a", options)).rejects.toThrow(
      /^cannot lock \S+\/none \(.*\): make that directory/,
    );
  });
});

test("what is said is read as it is, or not at all", () => {
  expect(questionIn('{"ask":"claim"}')).toBeUndefined();
  expect(questionIn("[")).toBeUndefined();
  expect(questionIn("null")).toBeUndefined();
  expect(questionIn('{"ask":"users","more":1}')).toEqual({ ask: "users" });
  expect(answerIn('{"is":"later"}')).toBeUndefined();
  expect(answerIn('{"is":"in-use","by":[{"initiator":"i"}]}')).toEqual({
    is: "in-use",
    by: [{ initiator: "i", address: "undefined" }],
  });
});
