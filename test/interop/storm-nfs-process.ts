import { createInterface } from "node:readline";
import { parseIpv4 } from "../../src/bytes/ipv4.ts";
import { systemClock } from "../../src/net/clock.ts";
import { compareWithTree, SeenContent } from "../../src/storm/expectations.ts";
import { NfsClient } from "../../src/storm/nfs/client.ts";
import { explore } from "../../src/storm/nfs/explore.ts";
import { seededRandom } from "../../src/storm/random.ts";
import type { NfsCall, Trace, TraceFile } from "../../src/storm/trace/trace.ts";
import { identity, Told } from "../storm/nfs/room.ts";

/**
 * One simulated node's NFS as a process, so that it can be in a private network: ADDRESS PATH. Everything a boot asks, then
 * READs until a line comes. Prints what it was told.
 */
const [host = "", path = ""] = process.argv.slice(2);
const address = parseIpv4(host);
if (address === undefined) throw new Error("which address?");

const READ_BYTES = 131_072;
const LONG_BYTES = 1 << 20;
const files: readonly TraceFile[] = [
  { path: "", type: "directory", size: 0 },
  { path: "etc", type: "directory", size: 0 },
  { path: "etc/hostname", type: "file", size: 6 },
  { path: "etc/link", type: "link", size: 8 },
  { path: "etc/missing", type: "missing", size: 0 },
  { path: "usr/lib/long", type: "file", size: LONG_BYTES },
];
const trace: Trace = {
  about: {
    title: "all calls",
    firmware: "bios",
    layer: "none",
    recordedAt: "2026-11-21T00:00:00Z",
    kernel: "",
    mac: "",
    address: "",
  },
  files,
  steps: [],
};

const plain = ["null", "fsinfo", "acl-null", "fsstat", "pathconf", "getattr"] as const;
const page = { op: "readdirplus", file: 1, dircount: 4096, maxcount: 4096 } as const;
const calls: readonly NfsCall[] = [
  ...plain.map((op) => ({ op, file: 0 })),
  { op: "access", file: 0, access: 31 },
  { op: "lookup", file: 1 },
  { ...page, continues: false },
  // A hundred names: more pages than these are not asked for.
  ...Array.from({ length: 9 }, (): NfsCall => ({ ...page, continues: true })),
  { op: "readdir", file: 1, continues: false, dircount: 4096, maxcount: 4096 },
  { op: "getacl", file: 2 },
  { op: "read", file: 2, offset: 0, count: 6 },
  { op: "readlink", file: 3 },
  { op: "lookup", file: 4 },
  { op: "getattr", file: 5 },
];

const told = new Told();
const expectations = new SeenContent();
const options = {
  server: { address, portmap: 111 },
  from: { address },
  clock: systemClock,
  random: seededRandom(1),
  patienceMs: 60_000,
  tally: told,
  expectations,
  trace,
  identity: identity(1),
};
const node = new NfsClient({
  isTreeKnown: true,
  ...options,
  mapping: { pathOf: (file) => files[file]?.path, sizeOf: (file) => files[file]?.size ?? 0 },
});

function ended(start: (done: (failure?: string) => void) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    start((failure) => (failure === undefined ? resolve() : reject(new Error(failure)))),
  );
}

for (const program of [100_003, 100_005]) await ended((done) => node.portmap(program, 3, done));
await ended((done) => node.mount(path, done));
for (const call of calls) await ended((done) => node.call(call, done));

let isEnough = false;
createInterface(process.stdin).once("line", () => {
  isEnough = true;
});
let reads = 0;
while (!isEnough) {
  const offset = (reads * READ_BYTES) % LONG_BYTES;
  await ended((done) => node.call({ op: "read", file: 5, offset, count: READ_BYTES }, done));
  reads += 1;
  if (reads % 100 === 0) console.log(JSON.stringify({ reads, repeated: told.repeated }));
}
node.close();
const entries = await explore({ ...options, path });
const { complaints, differences, bytes, repeated } = told;
const beside = await compareWithTree(expectations.entries(), path);
const result = { reads, complaints, differences, bytes, repeated, added: node.added };
console.log(JSON.stringify({ ...result, entries: entries.map((entry) => entry.path), beside }));
