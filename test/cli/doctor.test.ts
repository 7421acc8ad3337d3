import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";
import { expect, test } from "vitest";
import { renderFinding } from "../../src/cli/doctor.ts";
import { findingsFor, mayBindLowPorts } from "../../src/cli/doctor-findings.ts";
import { holderOf, servedPorts, socketsOn } from "../../src/cli/doctor-ports.ts";
import { lackingOf, title } from "../needs.ts";
import { sidus } from "../sidus.ts";

/** proc(5): rpcbind listens on 0.0.0.0:111, and a client on port 47218 is connected to it. */
const tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:006F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14159 1 0000000000000000 100 0 0 10 0
   1: 0100007F:006F 0100007F:B872 01 00000000:00000000 02:000A7214 00000000     0        0 26535 2 0000000000000000 20 4 30 10 -1
`;
const udpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  101: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 89793 2 0000000000000000 0
`;

test("who listens is read from the kernel's tables; a connection is not a listener", () => {
  expect(socketsOn(tcpTable, "tcp", 111)).toEqual(["14159"]);
  expect(socketsOn(tcpTable, "tcp", 80)).toEqual([]);
  expect(socketsOn(udpTable, "udp", 67)).toEqual(["89793"]);
  expect(socketsOn("", "udp", 67)).toEqual([]);
});

test("a port in use is said with the program that has it", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const served = { protocol: "tcp", port: address.port, what: "a test", todo: "" } as const;
  expect(holderOf(served)).toContain(`(process ${process.pid})`);
  server.close();
  await once(server, "close");
  expect(holderOf(served)).toBeUndefined();
});

test("CAP_NET_BIND_SERVICE is bit 10 of the effective capabilities", () => {
  expect(mayBindLowPorts("Name:\tnode\nCapEff:\t000001ffffffffff\n")).toBe(true);
  expect(mayBindLowPorts("CapEff:\t0000000000000400\n")).toBe(true);
  expect(mayBindLowPorts("CapEff:\t0000000000000000\n")).toBe(false);
  expect(mayBindLowPorts("CapPrm:\t0000000000000400\nCapEff:\t00000000000003ff\n")).toBe(false);
  expect(mayBindLowPorts("")).toBe(false);
});

test("a finding is a line, and what to do one more", () => {
  expect(renderFinding({ state: "ok", what: "Node 26", todo: "" })).toBe("ok       Node 26\n");
  expect(renderFinding({ state: "blocked", what: "port 69", todo: "stop it" })).toBe(
    "blocked  port 69\n         → stop it\n",
  );
});

test("what serves is looked at for serve only, disks and packages for the others", () => {
  const about = (purpose: "serve" | "build" | "demo"): string =>
    findingsFor([purpose])
      .map(({ what }) => what)
      .join("\n");
  for (const { port } of servedPorts) expect(about("serve")).toContain(`port ${port}, `);
  expect(about("serve")).not.toContain("mmdebstrap");
  expect(about("build")).toContain("mmdebstrap");
  expect(about("build")).not.toContain("port 67");
  expect(about("demo")).toContain("/dev/net/tun");
  for (const finding of findingsFor(["build", "serve", "demo", "test"])) {
    expect(finding.todo === "", finding.what).toBe(finding.state === "ok");
  }
});

const lacking = lackingOf("dpkg-query");

test.skipIf(lacking !== undefined)(
  title("the exit code says whether all is well, in words and in JSON", lacking),
  async () => {
    const { code, stdout } = await sidus("doctor", "build", "--json");
    const findings: { state: string }[] = JSON.parse(stdout);
    expect(code).toBe(findings.every(({ state }) => state === "ok") ? 0 : 1);
    expect((await sidus("doctor", "everything")).code).toBe(2);
  },
);
