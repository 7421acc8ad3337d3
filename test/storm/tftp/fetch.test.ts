import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { openUdp } from "../../../src/net/udp.ts";
import { tftpFetch } from "../../../src/storm/tftp/fetch.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { firstIsRight, RecordingTally } from "../recording-tally.ts";

test("a server that answers each request, and then no more, is given up when the node's patience ends", async () => {
  const requests: number[] = [];
  await using server = await openUdp({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    receive(bytes, from) {
      if (bytes[1] !== 1) return;
      requests.push(from.port);
      server.send(Buffer.from("\0\x06blksize\x001408\0", "latin1"), from);
    },
    report: () => {},
  });
  const clock = new VirtualClock();
  const ends: (string | undefined)[] = [];
  tftpFetch({
    server: server.local,
    from: { address: undefined },
    deed: { path: "file", options: [["blksize", "1408"]], ends: "whole" },
    key: "file",
    clock,
    tally: new RecordingTally(),
    expectations: firstIsRight(),
    patienceMs: 10_000,
    done: (failure) => ends.push(failure),
  });
  for (let tries = 0; ends.length === 0 && tries < 2000; tries += 1) {
    await sleep(1);
    clock.advance(50);
  }
  expect(ends).toEqual(["TFTP: no answer"]);
  // Begun anew after 3.75 s, each time from another port.
  expect(new Set(requests).size).toBeGreaterThan(1);
});
