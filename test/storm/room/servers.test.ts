import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Namespace, openNamespace } from "../../namespace.ts";

const script = fileURLToPath(new URL("server-process.ts", import.meta.url));

let work = "";
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "sidus-storm-server-"));
});
afterEach(() => rmSync(work, { recursive: true }));

function run(namespace: Namespace, options: object): string {
  return namespace.run(process.execPath, script, work, JSON.stringify(options));
}

describe("the storm's own server", () => {
  test.each([{ layer: "tmpfs" }, { layer: "iscsi", link: { bitsPerSecond: 1e9 } }])(
    "serves nodes with addresses of their own, is killed and started again: %j",
    async (options) => {
      await using namespace = await openNamespace();
      const told = JSON.parse(run(namespace, options));
      expect(told.before).toHaveLength(1);
      expect(told.kernel).toBe(1_500_000);
      expect(told.script).toContain("/srv/nfsroot/storm");
      expect(told.script.includes("ISCSI_TARGET_NAME")).toBe(options.layer === "iscsi");
      expect(told.rss).toBeGreaterThan(30e6);
      expect(told.secondsBefore).toBeGreaterThan(0.1);
      // curl 7: could not connect.
      expect(told.killed).toEqual({ pids: [], answer: "curl: 7" });
      expect(told.again.pids).not.toEqual(told.before);
      expect(told.again.answer).toContain("{");
      expect(told.secondsAfter).toBeGreaterThan(told.secondsBefore);
    },
  );

  test("it ends with who started it, however that ended", async () => {
    await using namespace = await openNamespace();
    let said = "";
    try {
      run(namespace, { die: true });
    } catch (error) {
      said = String(Object(error).stdout);
    }
    expect(Number(said)).toBeGreaterThan(1);
    await expect.poll(() => existsSync(`/proc/${said}`)).toBe(false);
  });

  test("one that cannot serve says why, with its own last words", async () => {
    await using namespace = await openNamespace();
    const program = ["sh", "-c", "echo 'sidus: no room' >&2; exit 2"];
    expect(() => run(namespace, { program })).toThrow(
      /own server ended before it served: sidus: no room/,
    );
  });
});
