import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MacAddress } from "../../src/bytes/mac.ts";
import type { Lease } from "../../src/dhcp/leases.ts";
import { flushOf, openState, type State } from "../../src/state/state.ts";
import { UserError } from "../../src/user-error.ts";
import { address, numberedMac } from "../dhcp/messages.ts";

let directory: string;
const file = () => join(directory, "sidus.db");

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sidus-state-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function lease(number: number, text: string, until = 1_800_000_000_000): Lease {
  return { mac: numberedMac(number), address: address(text), until };
}

function errorOf(open: () => unknown): string {
  try {
    open();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return "no error";
}

/** Resolves when it is on disk. */
function save(state: State, ...leases: readonly Lease[]): Promise<void> {
  return change(state, ...leases.map((lease) => [lease.mac, lease] as const));
}

function change(
  state: State,
  ...changes: readonly (readonly [MacAddress, Lease | undefined])[]
): Promise<void> {
  return new Promise((resolve, reject) => {
    state.leases.save(new Map(changes), (error) =>
      error === undefined ? resolve() : reject(error),
    );
  });
}

/** What a state opened anew has in it. */
function stored(): Lease[] {
  using state = openState(directory);
  return [...state.leases.load()];
}

describe("leases", () => {
  test("are there after the file was closed and opened again, infinite ones too", async () => {
    {
      using state = openState(join(directory));
      const infinite = lease(2, "10.77.0.51", Number.POSITIVE_INFINITY);
      await save(state, lease(1, "10.77.0.50"), infinite, lease(3, "255.255.255.254"));
      await change(state, [numberedMac(3), undefined]);
      await save(state);
    }
    expect(stored()).toEqual([
      lease(2, "10.77.0.51", Number.POSITIVE_INFINITY),
      lease(1, "10.77.0.50"),
    ]);
  });

  test("take the place of what was there for the node and for the address", async () => {
    using state = openState(directory);
    await save(state, lease(1, "10.77.0.50"));
    await save(state, lease(1, "10.77.0.51"));
    await save(state, lease(2, "10.77.0.51", 5));
    expect(state.leases.load()).toEqual([lease(2, "10.77.0.51", 5)]);
  });

  test("are saved all or none", async () => {
    using state = openState(directory);
    const bad = { ...lease(2, "10.77.0.51"), mac: "nonsense" as MacAddress };
    await expect(save(state, lease(1, "10.77.0.50"), bad)).rejects.toThrow(/CHECK/);
    expect(state.leases.load()).toEqual([]);
    await save(state, lease(1, "10.77.0.50"));
    expect(state.leases.load()).toHaveLength(1);
  });

  test("are on disk when save is done: a process that is killed then has lost none", async () => {
    const module = fileURLToPath(new URL("../../src/state/state.ts", import.meta.url));
    const script = `
      import { openState } from ${JSON.stringify(module)};
      const { leases } = openState(${JSON.stringify(directory)});
      const lease = { mac: "525400000009", address: 0x0a4d0032, until: 7 };
      leases.save(new Map([[lease.mac, lease]]), () => process.kill(process.pid, "SIGKILL"));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    const [, signal] = await once(child, "exit");
    expect(signal).toBe("SIGKILL");
    expect(stored()).toEqual([lease(9, "10.77.0.50", 7)]);
  });
});

describe("openState", () => {
  test("makes the directory, and a file that is synchronous with the disk", () => {
    const deeper = join(directory, "a", "b");
    openState(deeper)[Symbol.dispose]();
    expect(existsSync(join(deeper, "sidus.db"))).toBe(true);
  });

  test("a state in use by another server is one line that says so", () => {
    using _state = openState(directory);
    expect(errorOf(() => openState(directory))).toMatch(/in use: another sidus .* stop it/);
  });

  test("a file that is no database is one line that says what to do, and is left as it is", () => {
    writeFileSync(file(), "not a database, but quite long enough to be one".repeat(50));
    const before = readFileSync(file());
    expect(errorOf(() => openState(directory))).toMatch(/is damaged: move it away \(mv .*\)/);
    expect(readFileSync(file())).toEqual(before);
  });

  test("a database with damaged or missing pages is found out at the start", async () => {
    {
      using state = openState(directory);
      const texts = Array.from({ length: 500 }, (_, at) => `10.1.${at >> 8}.${at & 255}`);
      await save(state, ...texts.map((text, at) => lease(at, text)));
    }
    const whole = readFileSync(file());
    writeFileSync(file(), whole.fill(0xa5, 4096 + 200, 8192));
    expect(errorOf(() => openState(directory))).toMatch(/is damaged/);
    truncateSync(file(), 5000);
    expect(errorOf(() => openState(directory))).toMatch(/is damaged/);
  });

  test("a row that no lease can have is damage", () => {
    openState(directory)[Symbol.dispose]();
    {
      using database = new DatabaseSync(file());
      database.exec("PRAGMA ignore_check_constraints = 1");
      database.exec("INSERT INTO leases VALUES ('notamacatall', 1, 1)");
    }
    expect(errorOf(() => openState(directory))).toMatch(/is damaged/);
  });

  test("a database of a newer sidus is left alone", () => {
    openState(directory)[Symbol.dispose]();
    {
      using database = new DatabaseSync(file());
      database.exec("PRAGMA user_version = 99");
    }
    expect(errorOf(() => openState(directory))).toMatch(/newer sidus \(version 99 .*knows \d+\)/);
  });

  test("a directory that cannot be made or written is one line that says what to do", () => {
    writeFileSync(join(directory, "file"), "");
    expect(errorOf(() => openState(join(directory, "file")))).toMatch(/^cannot write .*`state:`/);
  });

  test.skipIf(process.getuid?.() !== 0)("a read-only file system is one too (as root)", () => {
    const script = `mount -t tmpfs none "$1" && touch "$1/sidus.db" && mount -o remount,ro "$1" && exec "$2" --input-type=module -e "$3"`;
    const module = fileURLToPath(new URL("../../src/state/state.ts", import.meta.url));
    const open = `import { openState } from ${JSON.stringify(module)};
      try { openState(${JSON.stringify(directory)}) } catch (error) { console.log(error.name, error.message) }`;
    const args = ["-m", "bash", "-c", script, "bash", directory, process.execPath, open];
    const said = execFileSync("unshare", args, { encoding: "utf8" });
    expect(said).toMatch(/^UserError cannot write .*`state:`/);
  });
});

test("after a flush that failed, the log is no more trusted: all goes into the file before the next", () => {
  const failure = new Error("EIO");
  const outcomes: (Error | null)[] = [null, failure, null, null];
  let isDiskBack = false;
  let checkpoints = 0;
  const said: unknown[] = [];
  const flush = flushOf(
    (done) => done(outcomes.shift() ?? null),
    () => {
      if (!isDiskBack) throw failure;
      checkpoints += 1;
    },
  );
  for (let at = 0; at < 3; at += 1) flush((error) => said.push(error));
  expect(said).toEqual([undefined, failure, failure]);
  isDiskBack = true;
  for (let at = 0; at < 2; at += 1) flush((error) => said.push(error));
  expect(said.slice(3)).toEqual([undefined, undefined]);
  expect(checkpoints).toBe(1);
});
