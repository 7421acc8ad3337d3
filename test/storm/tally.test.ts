import { describe, expect, test } from "vitest";
import { STORM_EXAMPLES_MAX, STORM_WORDS_MAX } from "../../src/limits.ts";
import { NodeTally, protocolResults, SharedCounts, ThreadTally } from "../../src/storm/tally.ts";

describe("what nodes count", () => {
  test("a node's own, its thread's, and what all threads have together", () => {
    const threads = [new SharedCounts(), new SharedCounts()].map((counts) => ({
      counts,
      tally: new ThreadTally(counts),
    }));
    const nodes = threads.map(({ tally }, index) => new NodeTally(tally, `n${index}`));
    for (const [index, node] of nodes.entries()) {
      node.answered("nfs", "READ", 2, 1000, 100);
      node.answered("nfs", "READ", 2, 1000, 100);
      node.answered("nfs", "LOOKUP", 1, 200, 50);
      node.moved("http", 5000, 10);
      if (index === 0) node.answered("http", "GET", 30, 400, 0);
      node.retransmitted("http");
      node.complained("nfs", "stale handle");
      node.verified(7000);
      node.differed("nfs", "etc/passwd");
    }
    expect(nodes[0]?.result()).toEqual({
      received: { nfs: 2200, http: 5400 },
      calls: { nfs: 3, http: 1 },
      retransmits: 1,
    });
    const results = protocolResults(
      threads.map(({ counts }) => counts),
      threads.map(({ tally }) => tally.counted()),
    );
    expect(Object.keys(results)).toEqual(["http", "nfs"]);
    expect(results.nfs).toMatchObject({
      calls: 6,
      received: 4400,
      sent: 500,
      retransmits: 0,
      complaints: { "stale handle": 2 },
      operations: { READ: 4, LOOKUP: 2 },
      latency: { count: 6, max: 2 },
    });
    expect(results.http).toMatchObject({ calls: 1, received: 10_400, sent: 20, retransmits: 2 });
    expect(threads[1]?.tally.counted().verified).toEqual({
      bytes: 7000,
      differences: 1,
      examples: ["n1: nfs etc/passwd"],
    });
  });

  test("another thread sees the counts as they grow, in the same memory", () => {
    const counts = new SharedCounts();
    const seen = new SharedCounts(counts.memory);
    new NodeTally(new ThreadTally(counts), "n").answered("iscsi", "READ(10)", 1, 4096, 48);
    expect([seen.get("iscsi", "calls"), seen.get("iscsi", "received")]).toEqual([1, 4096]);
  });

  test("whatever servers invent, not more than so many words and examples are kept", () => {
    const thread = new ThreadTally(new SharedCounts());
    const node = new NodeTally(thread, "n");
    for (let index = 0; index < 10_000; index += 1) {
      node.complained("nfs", `odd ${index}`);
      node.differed("nfs", `file ${index}`);
    }
    const { complaints, verified } = thread.counted();
    expect(complaints.map(({ size }) => size)).toContain(STORM_WORDS_MAX);
    expect(verified.differences).toBe(10_000);
    expect(verified.examples).toHaveLength(STORM_EXAMPLES_MAX);
  });
});
