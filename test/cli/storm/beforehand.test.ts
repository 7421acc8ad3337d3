import { expect, test } from "vitest";
import { parseCidr } from "../../../src/bytes/ipv4.ts";
import { fewDescriptors } from "../../../src/cli/descriptors.ts";
import { refuseAddressesOfOthers, refuseTooMany } from "../../../src/cli/storm/beforehand.ts";
import type { ForeignServers } from "../../../src/cli/storm/foreign.ts";
import { readTrace } from "../../../src/storm/trace/file.ts";
import { shippedTraceFile } from "../../../src/storm/trace/shipped.ts";

const tmpfs = await readTrace(shippedTraceFile("bios-tmpfs"));
const iscsi = await readTrace(shippedTraceFile("bios-iscsi"));
const nobody = { dhcp: undefined, tftp: undefined, http: undefined };

function foreign(addresses: string): ForeignServers {
  const servers = { ...nobody, nfs: undefined, iscsi: undefined };
  return { servers, addresses: parseCidr(addresses), relay: undefined, pids: [] };
}

test("more nodes than connections may be open are refused before a storm, with what would do", () => {
  const nodes = { nodes: 5000, skip: [], foreign: undefined };
  // NFS, and HTTP to say that it is up: 2 x 5,000 + 1,024.
  expect(() => refuseTooMany(tmpfs, nodes, 11_024)).not.toThrow();
  expect(() => refuseTooMany(tmpfs, nodes, 11_023)).toThrow(
    "--nodes 5000: takes up to 11024 open files, and a process here may have 11023: raise that (ulimit -n, LimitNOFILE=), or --nodes 4999",
  );
  // With a session, and in a server of ours its volume.
  expect(() => refuseTooMany(iscsi, nodes, 21_024)).not.toThrow();
  expect(() => refuseTooMany(iscsi, nodes, 21_023)).toThrow("--nodes 4999");
  const others = { ...nodes, foreign: foreign("127.1.0.0/16") };
  expect(() => refuseTooMany(iscsi, others, 16_024)).not.toThrow();
  const less = { ...nodes, skip: ["root", "volume", "up"] as const };
  expect(() => refuseTooMany(iscsi, less, 6024)).not.toThrow();
  expect(() => refuseTooMany(tmpfs, nodes, 1000)).toThrow(/LimitNOFILE=\)$/);
});

test("a server with few descriptors for its nodes says so", () => {
  expect(fewDescriptors(100, 1424)).toBe(undefined);
  expect(fewDescriptors(100, 1423)).toContain("100 nodes may need 1424");
  expect(fewDescriptors(1)).toBe(undefined);
});

test("addresses that are not this machine's are refused with how to make them", async () => {
  const plan = { nodes: 2, skip: [] };
  await refuseAddressesOfOthers({ ...plan, foreign: foreign("127.1.0.0/16") });
  await refuseAddressesOfOthers({ ...plan, foreign: undefined });
  await expect(
    refuseAddressesOfOthers({ ...plan, foreign: foreign("192.0.2.0/24") }),
  ).rejects.toThrow("`ip route add local 192.0.2.0/24 dev lo` makes all of them");
});
