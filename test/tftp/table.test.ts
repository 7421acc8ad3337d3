import { describe, expect, test } from "vitest";
import type { Instant } from "../../src/bytes/instant.ts";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { TFTP_TRANSFERS_MAX, TFTP_TRANSFERS_PER_HOST_MAX } from "../../src/limits.ts";
import { octet } from "../../src/tftp/content.ts";
import { negotiate } from "../../src/tftp/options.ts";
import { Session } from "../../src/tftp/session.ts";
import { type Entry, Table } from "../../src/tftp/table.ts";
import { fileOf, pattern } from "./files.ts";

/** As the server admits a request: who is superfluous goes first. */
function admit(table: Table, host: number, port: number): Entry | string {
  const client = { address: ipv4(host), port };
  const superfluous = table.superfluous(client.address);
  if (superfluous !== undefined) table.remove(superfluous);
  return table.add(client, "request");
}

/** A transfer whose client said something at a time, and nothing more. */
function stalledSince(client: Entry["client"], at: number): Session {
  let now = at as Instant;
  const session = new Session({
    client,
    path: "file",
    terms: negotiate([], 5000),
    content: octet(fileOf(pattern(5000))),
    port: { local: client, send: () => {}, async [Symbol.asyncDispose]() {} },
    now: () => now,
    tell: () => {},
    report: (what, error) => expect.fail(`${what}: ${error}`),
    stepped: () => {},
  });
  session.step();
  session.receive(Uint8Array.of(0, 4, 0, 1));
  now = (at + 1000) as Instant;
  session.tick(now);
  return session;
}

describe("the table of transfers", () => {
  test("10,000 requests of one host begin no more than it may have, and other hosts are served", () => {
    const table = new Table();
    for (let port = 1; port <= 10_000; port += 1) admit(table, 1, port);
    expect([...table.all].length).toBe(TFTP_TRANSFERS_PER_HOST_MAX);
    expect(admit(table, 1, 10_001)).toBe("too many transfers to one host");
    expect(admit(table, 2, 1)).toMatchObject({ client: { port: 1 } });
  });

  test("requests of forged senders fill it, but who answered stays, and who asks gets a place", () => {
    const table = new Table();
    const node = admit(table, 1, 1);
    if (typeof node === "string") throw new Error(node);
    table.answered(node);
    for (let host = 2; host <= 100_000; host += 1) admit(table, host, 1);
    expect([...table.all].length).toBe(TFTP_TRANSFERS_MAX);
    expect(table.has(node)).toBe(true);
    expect(admit(table, 200_000, 1)).toMatchObject({ client: { port: 1 } });
  });

  test("clients that were switched off midway do not keep out those that follow: the longest silent goes first", () => {
    const table = new Table();
    const entries: Entry[] = [];
    for (let port = 1; port <= TFTP_TRANSFERS_PER_HOST_MAX; port += 1) {
      const entry = admit(table, 1, port);
      if (typeof entry !== "string") entries.push(entry);
    }
    for (const entry of entries.slice(0, 3)) {
      table.answered(entry);
      entry.session = stalledSince(entry.client, 1000 - entry.client.port);
    }
    for (const port of [1001, 1002, 1003]) expect(admit(table, 1, port)).toMatchObject({});
    expect(admit(table, 1, 1004)).toBe("too many transfers to one host");
    expect(entries.slice(0, 4).map((entry) => table.has(entry))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    const other = new Table();
    const [first, second] = [admit(other, 1, 1), admit(other, 1, 2)];
    if (typeof first === "string" || typeof second === "string") throw new Error("no place");
    first.session = stalledSince(first.client, 500);
    second.session = stalledSince(second.client, 400);
    for (let port = 3; port <= TFTP_TRANSFERS_PER_HOST_MAX; port += 1) admit(other, 1, port);
    expect(other.superfluous(ipv4(1))).toBe(second);
  });

  test("where all of them answered, the next is refused", () => {
    const table = new Table();
    for (let host = 1; host <= TFTP_TRANSFERS_MAX; host += 1) {
      const entry = admit(table, host, 1);
      if (typeof entry !== "string") table.answered(entry);
    }
    expect(admit(table, 1_000_000, 1)).toBe("too many transfers");
  });
});
