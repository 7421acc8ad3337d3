import { expect, test } from "vitest";
import { ipv4, parseIpv4 } from "../../src/bytes/ipv4.ts";
import { SharedPlaces } from "../../src/storm/node/places.ts";
import { type StormOptions, servedEntries } from "../../src/storm/options.ts";
import { Share } from "../../src/storm/share.ts";
import { SharedCounts } from "../../src/storm/tally.ts";
import { readTrace } from "../../src/storm/trace/file.ts";
import { mapFiles } from "../../src/storm/trace/mapping.ts";
import { shippedTraceFile } from "../../src/storm/trace/shipped.ts";
import type { WorkerEnded } from "../../src/storm/worker-messages.ts";
import { VirtualClock } from "../sim/clock.ts";

const trace = await readTrace(shippedTraceFile("bios-iscsi"));
const SERVER = parseIpv4("10.13.0.1") ?? ipv4(0);

/** Two nodes; `answer`: to what one of them says of DHCP. */
function ran(
  servers: Partial<StormOptions["servers"]>,
  answer: (sent: Uint8Array) => Uint8Array | undefined,
): WorkerEnded | undefined {
  const clock = new VirtualClock();
  const ends: WorkerEnded[] = [];
  const nobody = { dhcp: undefined, tftp: undefined, http: undefined };
  const options: StormOptions = {
    ...{ trace, title: "a test", nodes: 2, arrival: { kind: "at-once" }, think: 0, seed: 1 },
    servers: { ...nobody, nfs: undefined, iscsi: undefined, ...servers },
    ...{ workers: 1, tree: undefined, addresses: undefined, relay: SERVER, patienceMs: 1000 },
    ...{ skip: [], link: undefined },
  };
  const share = new Share(
    {
      options,
      files: mapFiles(trace, servedEntries(options)).places,
      isTreeKnown: false,
      thread: 0,
      nodes: [0, 1].map((index) => ({ index, at: 0 })),
      counts: new SharedCounts().memory,
      places: new SharedPlaces().memory,
    },
    {
      clock,
      sendDhcp(sent) {
        const said = answer(sent);
        const index = (sent[7] ?? 0) & 1;
        if (said === undefined) return;
        clock.alarm(() => share.receiveDhcp(index, said)).set(clock.now());
      },
      ended: (ended) => ends.push(ended),
    },
  );
  share.begin();
  clock.advance(10_000);
  return ends[0];
}

test("of servers that are left out, nodes reach no stage", () => {
  const nodes = ran({}, () => undefined)?.nodes ?? [];
  expect(nodes.map(({ failure, reached }) => [failure, Object.keys(reached)])).toEqual([
    [undefined, ["up"]],
    [undefined, ["up"]],
  ]);
});

test("one address for two nodes is a difference, but where it is leased for less than a storm may last", () => {
  const given = (seconds: number) => (sent: Uint8Array) => {
    const bytes = Uint8Array.from(sent.subarray(0, 240));
    bytes[0] = 2;
    const view = new DataView(bytes.buffer);
    view.setUint32(16, SERVER + 9);
    const type = sent[242] === 1 ? 2 : 5;
    const lease = [seconds >> 24, seconds >> 16, seconds >> 8, seconds];
    const options = [53, 1, type, 54, 4, 10, 13, 0, 1, 51, 4, ...lease, 255];
    return Uint8Array.from([...bytes, ...options]);
  };
  const dhcp = { address: SERVER, port: 67 };
  expect(ran({ dhcp }, given(3600))?.counted.verified.examples).toContain(
    "storm-0002: dhcp 10.13.0.10, which another node has",
  );
  expect(ran({ dhcp }, given(120))?.counted.verified.differences).toBe(0);
});
