import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { namespaceFlags } from "../../../src/image/namespace/obstacles.ts";
import type { Link } from "../../../src/storm/room/network.ts";
import { openNamespace } from "../../namespace.ts";
import { lackingOf, title } from "../../needs.ts";
import { openOrdinaryUser } from "../../ordinary-user.ts";

const script = fileURLToPath(new URL("room-process.ts", import.meta.url));

interface Qdisc {
  readonly kind: string;
  readonly options?: { readonly rate?: number };
}

interface Told {
  readonly seen: readonly string[];
  readonly shaped: { readonly nodes: readonly Qdisc[]; readonly server: readonly Qdisc[] };
  readonly rules: string;
  readonly isApart: boolean;
  readonly left: boolean;
}

async function made(link: Link | undefined): Promise<Told> {
  await using namespace = await openNamespace();
  return JSON.parse(namespace.run(process.execPath, script, JSON.stringify({ link })));
}

const nodes = ["10.13.128.1", "10.13.200.3", "10.13.255.254"];

describe("the network of a storm", () => {
  test("any node's address can be bound, and the server sees it", async () => {
    const { seen, shaped } = await made(undefined);
    expect(seen).toEqual(nodes);
    expect(shaped.server.map(({ kind }) => kind)).toEqual(["noqueue"]);
  });

  test("nothing is left of it afterwards", async () => {
    expect((await made(undefined)).left).toBe(false);
    expect((await made({ bitsPerSecond: 1e9 })).left).toBe(false);
  });

  test("a link is between two namespaces, as fast both ways as frames of 1514 bytes are that take 1538 on the wire", async () => {
    const { seen, shaped } = await made({ bitsPerSecond: 1e9 });
    expect(seen).toEqual(nodes);
    for (const side of [shaped.nodes, shaped.server]) {
      const tbf = side.find(({ kind }) => kind === "tbf");
      // tc tells whole bytes a second: 1e9 / 8 * 1514 / 1538.
      expect(tbf?.options?.rate).toBe(123_049_414);
    }
  });

  test("Ctrl-C at a terminal leaves the server's network there, for the storm to end in order", async () => {
    expect((await made({ bitsPerSecond: 1e9 })).isApart).toBe(true);
  });

  test("a link that loses frames loses them by chance", async () => {
    const { seen, shaped, rules } = await made({ loss: 0.002 });
    expect(seen).toEqual(nodes);
    const hasNetem = shaped.nodes.some(({ kind }) => kind === "netem");
    if (!hasNetem) expect(rules).toContain("numgen random mod 1000000 < 2000");
  });

  test("latency is there, or the kernel's lack of it is said in one line", async () => {
    const told = await made({ latencyMs: 0.2 }).catch((error: Error) => error);
    if (told instanceof Error)
      expect(told.message).toContain("--latency: expected a kernel with netem");
    else expect(told.shaped.nodes.map(({ kind }) => kind)).toContain("netem");
  });

  const lacking = lackingOf("root", "newuidmap");
  test.skipIf(lacking !== undefined)(
    title("an ordinary user makes it in namespaces of their own, links too", lacking),
    async () => {
      const user = openOrdinaryUser();
      const link = JSON.stringify({ link: { bitsPerSecond: 1e9, loss: 0.01 } });
      const { stdout, stderr } = await user.run(
        ...["unshare", ...namespaceFlags, "--mount-proc", "--net"],
        ...user.node("test/storm/room/room-process.ts"),
        link,
      );
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toMatchObject({ seen: nodes, left: false });
    },
  );
});
