import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import type { Asked } from "../../src/cli/ask.ts";
import { explanationText } from "../../src/cli/explain.ts";
import { explanationOf } from "../../src/cli/explain-answer.ts";
import { statusText } from "../../src/cli/status.ts";
import { statusOf } from "../../src/cli/status-answer.ts";
import { serveHttp } from "../../src/http/server.ts";
import { UserError } from "../../src/user-error.ts";
import { History } from "../../src/watch/history.ts";
import { dhcp, mac, macOf, momentsOf, watched } from "../watch/replay.ts";

const stranger = macOf("52:54:00:77:00:09");

/** A server that saw one boot, and heard of one node that it does not know. */
async function served(boot: string, ms: number): Promise<Asked> {
  const { clock, timeline, tell } = watched();
  for (const { at, event } of momentsOf(boot).filter(({ at }) => at <= ms)) {
    clock.advance(at - clock.now());
    tell(event);
  }
  clock.advance(ms - clock.now());
  tell({ kind: "refused", protocol: "dhcp", reason: "unknown-node", mac: stranger });
  clock.advance(1000);
  const now = clock.now();
  const history = new History(clock, {
    save() {},
    of: () => [],
    latest: () => [],
    times: () => [],
  });
  const server = await serveHttp({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    files: async () => "missing",
    up: () => {},
    status: () => statusOf(timeline.boots(), {}, { clock, history, isKnown: (of) => of === mac }),
    explain: (of) => ({
      isHeard: timeline.boot(of) !== undefined,
      shown: explanationOf(of, { timeline, mode: "server", now, isPresent: () => false }),
    }),
    tell: () => {},
    report: () => {},
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { server: `http://127.0.0.1:${server.local.port}` };
}

describe("sidus explain", () => {
  test("of a node whose kernel never asked: the way so far, the last word, the cause, what helps", async () => {
    // Its kernel was fetched at 18.4 s, and asked at 42.4.
    const asked = await served("a-bios-tmpfs", 30_000);
    const text = await explanationText("52:54:00:77:00:01", asked);
    expect(text).toBe(`n1  52:54:00:77:00:01  10.77.0.11: on its way
      0.00 s  DHCP DISCOVER of iPXE (BIOS): OFFER 10.77.0.11, to fetch lpxelinux.0 (2 times)
      3.06 s  DHCP REQUEST of iPXE (BIOS): ACK 10.77.0.11, to fetch lpxelinux.0
     16.10 s  TFTP pxelinux.0: sent, 977 KiB
     16.14 s  TFTP ldlinux.c32: sent, 977 KiB
     16.17 s  TFTP pxelinux.cfg/01-52-54-00-77-00-01: sent, 977 KiB
     16.17 s  TFTP vmlinuz: sent, 977 KiB
     17.57 s  TFTP initrd.img: sent, 977 KiB
Last heard 11 s ago: TFTP initrd.img: sent, 977 KiB
It is on its way: nothing that was seen so far is wrong.
`);
  });

  test("by name and by address; what is wrong, with what to do", async () => {
    const asked = await served("a-bios-tmpfs", 18_345);
    for (const node of ["n1", "10.77.0.11", "52-54-00-77-00-01"]) {
      expect(await explanationText(node, asked)).toMatch(/^n1 {2}52:54:00:77:00:01/);
    }
    const text = await explanationText("52:54:00:77:00:09", asked);
    expect(text).toContain("52:54:00:77:00:09: stuck\n");
    expect(text).toContain("Last heard 1 s ago: dhcp refused: unknown-node\n");
    expect(text).toMatch(/deny-unknown\.\n→ Name its MAC address/);
  });

  test("a quirk comes with what is known of it", async () => {
    const { clock, timeline, tell } = watched();
    tell(
      dhcp("pxe", "DISCOVER"),
      dhcp("pxe", "REQUEST", { reply: undefined, elsewhere: LOOPBACK_ADDRESS }),
    );
    const deps = { timeline, mode: "server" as const, now: clock.now(), isPresent: () => false };
    expect(explanationOf(mac, deps).quirk).toMatchObject({
      id: "other-dhcp-server",
      source: expect.arrayContaining(["RFC 2131 §3.1"]),
    });
  });

  test("of a node that was never heard: 404, and an explanation all the same", async () => {
    const asked = await served("a-bios-tmpfs", 0);
    const response = await fetch(`${asked.server}/explain.json?mac=00:00:00:00:00:01`);
    expect(response.status).toBe(404);
    expect(await explanationText("00:00:00:00:00:01", asked)).toMatch(
      /^00:00:00:00:00:01: unheard\nNothing was heard .*\n→ Check the cable/,
    );
    await expect(explanationText("n7", asked)).rejects.toThrow(/^n7: no node of that name/);
  });

  test("as JSON: what the server said, in one line", async () => {
    const asked = await served("c-uefi-grub", 100_000);
    const shown = JSON.parse(await explanationText("n1", { ...asked, json: true }));
    expect(shown).toMatchObject({
      mac: "52:54:00:77:00:01",
      name: "n1",
      address: "10.77.0.11",
      stage: "up",
      condition: "up",
      heard: { what: "up, runs sidus", secondsAgo: 1 },
    });
    expect(shown.way).toContainEqual({
      seconds: 4.29,
      what: expect.stringContaining("/vmlinuz"),
      times: 1,
    });
  });
});

describe("sidus status", () => {
  test("a line for every node that was heard, known or not", async () => {
    const asked = await served("d2-uefi-ipxe-http", 100_000);
    expect(await statusText(asked)).toBe(
      `NODE     MAC                ADDRESS     FIRMWARE        STAGE  AFTER   USUALLY  LAST HEARD  RUNS
n1       52:54:00:77:00:01  10.77.0.11  UEFI x64, iPXE  up     77.0 s  -        11 s ago    sidus
unknown  52:54:00:77:00:09  -           -               heard  -       -        1 s ago
`,
    );
    const { nodes } = JSON.parse(await statusText({ ...asked, json: true }));
    expect(nodes).toMatchObject([
      { known: true, architecture: 7, firmware: "ipxe", stage: "up", seconds: { dhcp: 3.54 } },
      { known: false, stage: "heard", lastHeardSecondsAgo: 1, seconds: {} },
    ]);
  });
});

describe("a server that cannot be asked: one line, exit code 1", () => {
  async function refusal(given: Asked): Promise<UserError> {
    const error = await statusText(given).catch((thrown: unknown) => thrown);
    if (!(error instanceof UserError)) throw new Error(`no user error: ${error}`);
    expect(error.message).not.toContain("\n");
    return error;
  }

  test("nobody listens", async () => {
    const { message, exitCode } = await refusal({ server: "http://127.0.0.1:9" });
    expect(message).toMatch(
      /^http:\/\/127\.0\.0\.1:9: does not answer \(.*(?:ECONNREFUSED|bad port)/,
    );
    expect(exitCode).toBe(1);
  });

  test.each([
    ["no JSON", "<html>"],
    ["other JSON", '{"nodes":7}'],
  ])("something else answers: %s", async (_, body) => {
    const server = createServer((_request, response) => response.end(body)).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const bound = server.address();
    if (bound === null || typeof bound === "string") throw new Error("no port");
    const { message, exitCode } = await refusal({ server: `http://127.0.0.1:${bound.port}` });
    expect(message).toContain("/status.json: answers, but not as this version of sidus does");
    expect(exitCode).toBe(1);
  });

  test("no URL, or no configuration", async () => {
    expect((await refusal({ server: "10.0.0.1" })).message).toMatch(/^--server: expected a URL/);
    expect((await refusal({ config: "/nowhere/sidus.yaml" })).message).toContain(
      "/nowhere/sidus.yaml",
    );
  });
});
