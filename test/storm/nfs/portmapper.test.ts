import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { portmapFailure } from "../../../src/storm/nfs/portmapper.ts";
import { serve, temporaryDirectory } from "../../nfs/served.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { FakeServer, settle } from "../rpc/fake.ts";
import { NfsNode } from "./room.ts";

const files = [{ path: "", type: "directory", size: 0 }] as const;
const asked = {
  server: { address: LOOPBACK_ADDRESS, portmap: 111 },
  from: { address: undefined },
  random: () => 0.5,
};

test("a portmapper that is not there is not waited for as long as a node waits", async () => {
  const server = new FakeServer();
  const clock = new VirtualClock();
  server.answer = () => undefined;
  let failure: string | undefined;
  void portmapFailure({ ...asked, clock, connect: server.connect }).then((why) => {
    failure = why;
  });
  await settle();
  clock.advance(3000);
  await settle();
  expect(failure).toBe("GETPORT: no answer");
});

test("one that answers something else than RPC says nothing", async () => {
  await using stack = new AsyncDisposableStack();
  const { port } = stack.use(await serve(await temporaryDirectory(stack)));
  // NFS' own port, where our server has no portmapper (RFC 5531 §9: PROG_UNAVAIL).
  const server = { address: LOOPBACK_ADDRESS, portmap: port };
  const failure = await portmapFailure({ ...asked, server, clock: systemClock });
  expect(failure).toBe("GETPORT is refused: unavailable");
});

test("without a portmapper a node goes where it is told, and leaves out the questions", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await temporaryDirectory(stack);
  await mkdir(join(directory, "etc"));
  const { port } = stack.use(await serve(directory));
  using node = new NfsNode({ files, port, portmap: undefined });
  expect(await node.portmap(100_003)).toBe(undefined);
  expect(await node.portmap(100_005)).toBe(undefined);
  expect(await node.portmap(100_021)).toBe("no portmapper says where that program is");
  expect(await node.mount()).toBe(undefined);
  expect(await node.call({ op: "getattr", file: 0 })).toBe(undefined);
  expect(node.told.calls).toEqual(["MNT", "GETATTR"]);
});
