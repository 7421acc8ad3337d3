import { mkdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { noTraffic } from "../../src/net/traffic.ts";
import { serveNfs } from "../../src/nfs/server.ts";
import { NfsNode } from "../storm/nfs/room.ts";
import { loopback, serve, temporaryDirectory } from "./served.ts";

test("calls of NFS and of MOUNT at one port are counted once each; what is no call of theirs is not", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await temporaryDirectory(stack);
  await mkdir(`${directory}/etc`);
  const { tree } = stack.use(await serve(directory));
  const [traffic, mountTraffic] = [noTraffic(), noTraffic()];
  const server = stack.use(
    await serveNfs({
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      exports: () => [{ name: "test", path: "/srv/nfsroot/test", tree, clients: [loopback] }],
      traffic,
      mountTraffic,
      tell() {},
      report() {},
    }),
  );
  const files = [{ path: "", type: "directory", size: 0 }] as const;
  using node = new NfsNode({ files, port: server.local.port });
  expect(await node.mount()).toBe(undefined);
  expect(await node.mount()).toBe(undefined);
  for (const op of ["fsinfo", "getattr", "getacl"] as const) await node.call({ op, file: 0 });
  expect({ nfs: traffic.calls, mount: mountTraffic.calls }).toEqual({ nfs: 3, mount: 2 });
  expect(traffic.received).toBeGreaterThan(5 * 40);
});
