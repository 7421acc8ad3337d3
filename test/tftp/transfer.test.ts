import { describe, expect, test } from "vitest";
import { after, type Instant } from "../../src/bytes/instant.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { type Content, octet } from "../../src/tftp/content.ts";
import { negotiate } from "../../src/tftp/options.ts";
import { decode, Opcode, type Option } from "../../src/tftp/packet.ts";
import { Transfer } from "../../src/tftp/transfer.ts";
import { fileOf, pattern } from "./files.ts";

/** A transfer, its file, and a clock that only the test moves. */
class Bench {
  readonly transfer: Transfer;
  readonly #content: Content;
  #now = 0 as Instant;

  constructor(bytes: number, options: Readonly<Record<string, number>> = {}) {
    const asked: Option[] = Object.entries(options).map(([name, value]) => ({
      name,
      value: String(value),
    }));
    this.transfer = new Transfer(negotiate(asked, bytes));
    this.#content = octet(fileOf(pattern(bytes)));
  }

  /** What is sent now: `OACK`, or the numbers of DATA blocks. */
  sends(): (string | number)[] {
    for (let room = this.transfer.wants(); room !== undefined; room = this.transfer.wants()) {
      const got = this.#content.next(room);
      if (typeof got === "number") this.transfer.fed(got);
    }
    const sent: (string | number)[] = [];
    for (let next = this.transfer.take(this.#now); next !== undefined; ) {
      const packet = decode(next);
      if (isMalformed(packet)) throw new Error(packet.malformed);
      sent.push(packet.opcode === Opcode.DATA ? packet.block : "OACK");
      next = this.transfer.take(this.#now);
    }
    return sent;
  }

  ack(block: number): (string | number)[] {
    this.transfer.acknowledge(block, this.#now);
    return this.sends();
  }

  error(): void {
    this.transfer.cancel();
  }

  /** Time passes before the next that happens. */
  later(ms: number): this {
    this.#now = after(this.#now, ms);
    return this;
  }

  /** Waits until it wakes: how long that took, and what it sends then. */
  wait(): { readonly ms: number; readonly sends: (string | number)[] } {
    const { wakeAt } = this.transfer;
    if (wakeAt === undefined) throw new Error("it waits for nothing");
    const ms = wakeAt - this.#now;
    this.transfer.tick(after(this.#now, ms - 1));
    expect(this.sends()).toEqual([]);
    this.#now = after(this.#now, ms);
    this.transfer.tick(this.#now);
    return { ms, sends: this.sends() };
  }
}

describe("RFC 1350: lock-step", () => {
  test("without options DATA 1 answers the request; each ACK brings the next; a short block ends it", () => {
    const bench = new Bench(1025);
    expect(bench.sends()).toEqual([1]);
    expect(bench.ack(1)).toEqual([2]);
    expect(bench.ack(2)).toEqual([3]);
    expect(bench.transfer.outcome).toBeUndefined();
    expect(bench.ack(3)).toEqual([]);
    expect(bench.transfer.outcome).toBe("done");
    expect(bench.transfer.bytesAcknowledged).toBe(1025);
    expect(bench.transfer.wakeAt).toBeUndefined();
  });

  test.each([
    [0, [1]],
    [511, [1]],
    [512, [1, 2]],
    [1024, [1, 2, 3]],
  ])(
    "a file of %i bytes goes in blocks %j: a multiple of the block ends with an empty one",
    (size, numbers) => {
      const bench = new Bench(size);
      const sent = [...bench.sends()];
      while (bench.transfer.outcome === undefined) sent.push(...bench.ack(Number(sent.at(-1))));
      expect(sent).toEqual(numbers);
      expect(bench.transfer.bytesAcknowledged).toBe(size);
    },
  );

  test("RFC 1123 §4.2.3.1: a repeated ACK sends nothing (the Sorcerer's Apprentice)", () => {
    const bench = new Bench(5000);
    bench.sends();
    expect(bench.ack(1)).toEqual([2]);
    expect(bench.ack(1)).toEqual([]);
    expect(bench.ack(0)).toEqual([]);
    expect(bench.wait()).toEqual({ ms: 50, sends: [2] });
    expect(bench.ack(1)).toEqual([]);
    expect(bench.ack(2)).toEqual([3]);
  });

  test("an ACK for what was never sent does nothing", () => {
    const bench = new Bench(5000);
    bench.sends();
    for (const block of [2, 3, 1000, 65535]) expect(bench.ack(block)).toEqual([]);
    expect(bench.ack(1)).toEqual([2]);
  });

  test("a silent client is sent the block again after waits that double, and given up after half a minute", () => {
    const bench = new Bench(5000);
    bench.sends();
    bench.ack(1);
    const waits = [50, 100, 200, 400, 800, 1600, 3200, 6400, 8000, 8000];
    for (const ms of waits) expect(bench.wait()).toEqual({ ms, sends: [2] });
    expect(bench.transfer.stalledSince).toBe(0);
    expect(bench.wait()).toEqual({ ms: 8000, sends: [] });
    expect(bench.transfer.outcome).toBe("lost");
    expect(bench.transfer.bytesAcknowledged).toBe(512);
  });

  test.each([
    ["a block", {}],
    ["an OACK", { blksize: 1468 }],
  ])(
    "who never answers is sent %s four times, and no more: the sender may be forged",
    (_, options) => {
      const bench = new Bench(5000, options);
      expect(bench.sends().length).toBe(1);
      expect([bench.wait(), bench.wait(), bench.wait()].map(({ ms }) => ms)).toEqual([
        250, 500, 1000,
      ]);
      expect(bench.wait().sends).toEqual([]);
      expect(bench.wait().sends).toEqual([]);
      expect(bench.transfer.outcome).toBe("lost");
      expect(bench.transfer.answered).toBe(false);
    },
  );

  test("RFC 6298: the wait follows what answers took, from 50 ms on", () => {
    const bench = new Bench(50_000);
    bench.sends();
    bench.later(100).ack(1);
    // §2.2: SRTT 100, RTTVAR 50.
    expect(bench.wait().ms).toBe(300);
    bench.ack(2);
    let block = 3;
    for (; block < 40; block += 1) bench.later(1).ack(block);
    expect(bench.wait().ms).toBe(50);
  });

  test("Karn: the answer to what was sent twice says nothing, and the wait stays doubled until one does", () => {
    const bench = new Bench(5000);
    bench.sends();
    bench.wait();
    expect(bench.wait().ms).toBe(500);
    bench.ack(1);
    expect(bench.transfer.stalledSince).toBeUndefined();
    // So a client that takes 0.4 s for each is measured after all.
    bench.later(400).ack(2);
    expect(bench.wait().ms).toBe(1200);
  });

  test("RFC 2349: a timeout that was agreed is the wait, each time", () => {
    const bench = new Bench(5000, { timeout: 3 });
    expect(bench.sends()).toEqual(["OACK"]);
    expect(bench.wait()).toEqual({ ms: 3000, sends: ["OACK"] });
    expect(bench.wait()).toEqual({ ms: 3000, sends: ["OACK"] });
    expect(bench.ack(0)).toEqual([1]);
    expect(bench.wait()).toEqual({ ms: 3000, sends: [1] });
  });

  test("an ERROR of the client ends it", () => {
    const bench = new Bench(5000);
    bench.sends();
    bench.error();
    expect(bench.transfer.outcome).toBe("cancelled");
    expect(bench.sends()).toEqual([]);
    expect(bench.transfer.wakeAt).toBeUndefined();
  });

  test("what ended stays ended", () => {
    const bench = new Bench(10);
    bench.sends();
    bench.ack(1);
    bench.error();
    bench.transfer.fail();
    expect(bench.ack(1)).toEqual([]);
    expect(bench.transfer.outcome).toBe("done");
  });

  test("the block number goes on with 0 after 65535, and the file does not end there", () => {
    const bench = new Bench(65537 * 8 + 3, { blksize: 8 });
    bench.sends();
    let sent = bench.ack(0);
    let count = 0;
    const around: number[] = [];
    while (bench.transfer.outcome === undefined) {
      const [block] = sent;
      expect(sent.length).toBe(1);
      count += 1;
      if (count > 65534) around.push(Number(block));
      sent = bench.ack(Number(block));
    }
    expect(around).toEqual([65535, 0, 1, 2]);
    expect(bench.transfer.bytesAcknowledged).toBe(65537 * 8 + 3);
  });
});

describe("RFC 2347: the OACK", () => {
  test("is sent before any DATA, and ACK 0 starts the file", () => {
    const bench = new Bench(100, { blksize: 64 });
    expect(bench.sends()).toEqual(["OACK"]);
    expect(bench.transfer.begun).toBe(false);
    expect(bench.ack(1)).toEqual([]);
    expect(bench.ack(0)).toEqual([1]);
    expect(bench.transfer.begun).toBe(true);
  });

  test("ERROR instead of ACK 0 is a client that only asked for the size", () => {
    const bench = new Bench(100, { tsize: 0, blksize: 1468, windowsize: 4 });
    bench.sends();
    bench.error();
    expect(bench.transfer.outcome).toBe("probed");
  });
});

describe("RFC 7440: windows", () => {
  const windowed = (bytes: number, windowsize: number): Bench => {
    const bench = new Bench(bytes, { blksize: 8, windowsize });
    bench.sends();
    return bench;
  };

  test("a window is sent at once, and the ACK of its last block brings the next", () => {
    const bench = windowed(70, 4);
    expect(bench.ack(0)).toEqual([1, 2, 3, 4]);
    expect(bench.ack(4)).toEqual([5, 6, 7, 8]);
    expect(bench.ack(8)).toEqual([9]);
    bench.ack(9);
    expect(bench.transfer.outcome).toBe("done");
  });

  test("§4: an ACK from within the window starts a new window after it", () => {
    const bench = windowed(800, 4);
    bench.ack(0);
    expect(bench.ack(2)).toEqual([3, 4, 5, 6]);
    expect(bench.ack(2)).toEqual([]);
    expect(bench.ack(6)).toEqual([7, 8, 9, 10]);
  });

  test("a repeated ACK says that the window's first block was lost; it is sent again once", () => {
    const bench = windowed(800, 4);
    bench.ack(0);
    expect(bench.ack(4)).toEqual([5, 6, 7, 8]);
    expect(bench.ack(4)).toEqual([5, 6, 7, 8]);
    expect(bench.ack(4)).toEqual([]);
    expect(bench.wait()).toEqual({ ms: 50, sends: [5, 6, 7, 8] });
  });

  test("windows that were sent twice and are acknowledged twice are not doubled to the end of the file", () => {
    const bench = windowed(800, 4);
    bench.ack(0);
    bench.ack(4);
    expect(bench.ack(4)).toEqual([5, 6, 7, 8]);
    expect(bench.ack(8)).toEqual([9, 10, 11, 12]);
    expect(bench.ack(8)).toEqual([]);
    expect(bench.ack(12)).toEqual([13, 14, 15, 16]);
    expect(bench.ack(12)).toEqual([13, 14, 15, 16]);
  });

  test("an ACK that was overtaken by a later one does nothing", () => {
    const bench = windowed(800, 4);
    bench.ack(0);
    bench.ack(4);
    bench.ack(8);
    expect(bench.ack(4)).toEqual([]);
    expect(bench.ack(6)).toEqual([]);
  });

  test("after a window was begun anew, an ACK of blocks that had arrived all the same counts", () => {
    const bench = windowed(800, 4);
    bench.ack(0);
    expect(bench.ack(1)).toEqual([2, 3, 4, 5]);
    bench.wait();
    expect(bench.ack(5)).toEqual([6, 7, 8, 9]);
  });
});

test("the file is read before the client is ready for it", () => {
  const transfer = new Transfer(negotiate([{ name: "windowsize", value: "2" }], 5000));
  const room = transfer.wants();
  expect(room?.length).toBe(512);
  transfer.fed(512);
  transfer.fed(512);
  expect(transfer.wants()).toBeUndefined();
});

test("while the disk is slow there is nothing to wait for from the client", () => {
  const transfer = new Transfer(negotiate([], 5000));
  expect(transfer.take(0 as Instant)).toBeUndefined();
  expect(transfer.wakeAt).toBeUndefined();
});
