import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { TFTP_TRANSFERS_MAX, TFTP_TRANSFERS_PER_HOST_MAX } from "../../src/limits.ts";
import { type Entry, Table } from "../../src/tftp/table.ts";

/** As the server admits a request: who is superfluous goes first. */
function admit(table: Table, host: number, port: number): Entry | string {
  const client = { address: ipv4(host), port };
  const superfluous = table.superfluous(client.address);
  if (superfluous !== undefined) table.remove(superfluous);
  return table.add(client, "request");
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

  test("where all of them answered, the next is refused", () => {
    const table = new Table();
    for (let host = 1; host <= TFTP_TRANSFERS_MAX; host += 1) {
      const entry = admit(table, host, 1);
      if (typeof entry !== "string") table.answered(entry);
    }
    expect(admit(table, 1_000_000, 1)).toBe("too many transfers");
  });
});
