import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { serveIscsi } from "../../src/iscsi/server.ts";
import type { ChapSettings } from "../../src/iscsi/target.ts";
import { systemClock } from "../../src/net/clock.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { lackingOf, title } from "../needs.ts";
import { NamedTargets } from "./logins.ts";

/** What libiscsi's tools make of discovery, login, CHAP and header digests. */

const lacking = lackingOf("iscsi-ls", "iscsi-inq");
const OPEN = "iqn.2013-04.zone.sidus.target:open";
const CLOSED = "iqn.2013-04.zone.sidus.target:closed";

const chap: ChapSettings = {
  user: "sidus1",
  secret: "secret-of-sidus1",
  mutual: { user: "target", secret: "secret-of-target" },
};

async function served(targets: NamedTargets) {
  const events: BootEvent[] = [];
  const server = await serveIscsi({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    targets,
    clock: systemClock,
    random: randomBytes,
    tell: (event) => events.push(event),
    report: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  const portal = `127.0.0.1:${server.local.port}`;
  return {
    portal,
    reasons: () => events.flatMap((event) => (event.kind === "refused" ? [event.reason] : [])),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** What a tool says, and whether it is content. */
async function run(tool: string, ...args: string[]): Promise<{ ok: boolean; text: string }> {
  try {
    const { stdout } = await promisify(execFile)(tool, args, { timeout: 10_000 });
    return { ok: true, text: stdout };
  } catch (error) {
    return { ok: false, text: String(error) };
  }
}

describe.skipIf(lacking !== undefined)(title("libiscsi", lacking), () => {
  test("iscsi-ls: SendTargets, with and without a CHAP offer", async () => {
    await using server = await served(new NamedTargets({ [OPEN]: undefined, [CLOSED]: chap }));
    for (const user of ["", "sidus1%secret-of-sidus1@"]) {
      const { text } = await run("iscsi-ls", `iscsi://${user}${server.portal}`);
      const lines = text.trimEnd().split("\n");
      expect(lines.sort()).toEqual([
        `Target:${CLOSED} Portal:${server.portal},1`,
        `Target:${OPEN} Portal:${server.portal},1`,
      ]);
    }
  });

  // As many as fit the 256 KiB that it takes: libiscsi knows no text that goes on in another PDU.
  test("iscsi-ls: three thousand targets in one PDU", async () => {
    const names = Array.from({ length: 3000 }, (_, at) => `iqn.2013-04.zone.sidus.target:n${at}`);
    const targets = new NamedTargets({});
    await using server = await served(Object.assign(targets, { list: () => names }));
    const { text } = await run("iscsi-ls", `iscsi://${server.portal}`);
    expect(text.match(/^Target:/gm)).toHaveLength(3000);
  });

  test.each([
    ["no security", OPEN, "", ""],
    ["header digests", OPEN, "", "?header_digest=crc32c"],
    ["a CHAP offer where there is none", OPEN, "sidus1%secret-of-sidus1@", ""],
    ["CHAP", CLOSED, "sidus1%secret-of-sidus1@", ""],
    ["CHAP and header digests", CLOSED, "sidus1%secret-of-sidus1@", "?header_digest=crc32c"],
    [
      "mutual CHAP",
      CLOSED,
      "sidus1%secret-of-sidus1@",
      "?target_user=target&target_password=secret-of-target",
    ],
  ])("iscsi-inq: %s", async (_, name, user, options) => {
    const targets = new NamedTargets({ [OPEN]: undefined, [CLOSED]: chap });
    await using server = await served(targets);
    const { ok, text } = await run(
      "iscsi-inq",
      `iscsi://${user}${server.portal}/${name}/0${options}`,
    );
    expect(text).toContain("Peripheral Device Type:DIRECT_ACCESS");
    expect(ok).toBe(true);
    await expect.poll(() => targets.closed).toEqual([name]);
    expect(server.reasons()).toEqual([]);
  });

  test.each([
    ["a wrong secret", CLOSED, "sidus1%another-secret-1@", "", "CHAP failed"],
    ["another's name", CLOSED, "sidus2%secret-of-sidus1@", "", "CHAP failed"],
    ["no CHAP", CLOSED, "", "", "login without CHAP"],
    ["a target that is not there", "iqn.x:y", "", "", "no such target"],
  ])("iscsi-inq is refused: %s", async (_, name, user, options, reason) => {
    const targets = new NamedTargets({ [OPEN]: undefined, [CLOSED]: chap });
    await using server = await served(targets);
    const { ok } = await run("iscsi-inq", `iscsi://${user}${server.portal}/${name}/0${options}`);
    expect(ok).toBe(false);
    expect(server.reasons()).toEqual([reason]);
    await expect.poll(() => targets.closed).toEqual(targets.opened);
  });

  test("iscsi-inq does not trust a target that proves another secret", async () => {
    const wrong = { ...chap, mutual: { user: "target", secret: "not-what-it-was" } };
    await using server = await served(new NamedTargets({ [CLOSED]: wrong }));
    const url = `iscsi://sidus1%secret-of-sidus1@${server.portal}/${CLOSED}/0`;
    const { ok } = await run(
      "iscsi-inq",
      `${url}?target_user=target&target_password=secret-of-target`,
    );
    expect(ok).toBe(false);
  });
});
