import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KnownNode } from "../../src/boot/inventory.ts";
import {
  type BootExport,
  type BootSettings,
  type Label,
  menuFor,
  type Plan,
} from "../../src/boot/plan.ts";
import { type Ipv4, parseIpv4 } from "../../src/bytes/ipv4.ts";
import { COMMAND_LINE_BYTES_MAX, LOADER_NAME_BYTES_MAX } from "../../src/limits.ts";
import { sketchedTree } from "../sim/tree.ts";

function address(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

const tree = sketchedTree({
  boot: { "vmlinuz-6.1.0-56-amd64": "kernel", "initrd.img-6.1.0-56-amd64": "initrd" },
  lib: { modules: { "6.1.0-56-amd64": {} } },
});
const image: BootExport = {
  name: "stage",
  path: "/srv/nfsroot/stage",
  tree,
  pin: "@0123456789abcdef",
  image: undefined,
};
const linux: Label = {
  kind: "linux",
  export: image,
  layer: "tmpfs",
  volume: "own",
  kernel: undefined,
  initrd: undefined,
  append: undefined,
};
const adminLabel: Label = { ...linux, layer: "iscsi", volume: "admin" };
const program: Label = {
  kind: "program",
  export: image,
  program: "/boot/memtest86+x64.bin",
  initrds: [],
  append: undefined,
};

function settings(labels: Record<string, Label>, change: Partial<BootSettings> = {}): BootSettings {
  return {
    serverAddress: address("10.77.0.1"),
    httpPort: 80,
    nfsPort: 2049,
    iscsi: { port: 3260, iqn: "iqn.2013-04.zone.sidus.target", chapFor: () => undefined },
    default: "tmpfs",
    unknown: undefined,
    menuSeconds: 0,
    labels: new Map(Object.entries(labels)),
    ...change,
  };
}

function node(change: Partial<KnownNode> = {}): KnownNode {
  const nothing = { mac: undefined, uuid: undefined, serial: undefined, address: undefined };
  const rest = { label: undefined, loader: undefined, append: undefined, volume: undefined };
  return { ...nothing, ...rest, name: "n1", ...change };
}

async function planned(label: Label, known: KnownNode | undefined = node()): Promise<Plan> {
  const { plans } = await menuFor({ known, address: undefined }, settings({ tmpfs: label }));
  const [plan] = plans;
  if (plan === undefined) throw new Error("no plan");
  return plan;
}

describe("what boots unless another is chosen", () => {
  const labels: Record<string, Label> = {
    tmpfs: linux,
    local: { kind: "local", from: undefined },
    stranger: { kind: "message", message: "ask the administrator" },
  };
  const order = async (known: KnownNode | undefined, change: Partial<BootSettings> = {}) => {
    const menu = await menuFor({ known, address: undefined }, settings(labels, change));
    return menu.plans.map((plan) => plan.label);
  };

  test("a node's own label, else the default; then all others", async () => {
    expect(await order(node())).toEqual(["tmpfs", "local", "stranger"]);
    expect(await order(node({ label: "local" }))).toEqual(["local", "tmpfs", "stranger"]);
  });

  test("nodes that the inventory does not have: the label for them, else the default", async () => {
    expect(await order(undefined)).toEqual(["tmpfs", "local", "stranger"]);
    expect(await order(undefined, { unknown: "stranger" })).toEqual(["stranger", "tmpfs", "local"]);
    expect(await order(node(), { unknown: "stranger" })).toEqual(["tmpfs", "local", "stranger"]);
  });

  test("after as many seconds as the menu is to be shown", async () => {
    const menu = await menuFor(
      { known: undefined, address: undefined },
      settings(labels, { menuSeconds: 5 }),
    );
    expect(menu.seconds).toBe(5);
  });

  test("a label for administration boots where the node lists it, and is in no other node's menu", async () => {
    const change = { labels: new Map(Object.entries({ ...labels, admin: adminLabel })) };
    expect(await order(node(), change)).toEqual(["tmpfs", "local", "stranger"]);
    expect(await order(undefined, change)).toEqual(["tmpfs", "local", "stranger"]);
    expect(await order(node({ label: "admin" }), change)).toEqual([
      ...["admin", "tmpfs", "local", "stranger"],
    ]);
  });

  test("a label that there is not is told on the node's screen", async () => {
    const { plans } = await menuFor(
      { known: node({ label: "gone" }), address: undefined },
      settings(labels),
    );
    expect(plans[0]).toEqual({
      kind: "message",
      label: "gone",
      message: `no label "gone" in the server's configuration`,
    });
  });
});

describe("sealed versions", () => {
  const digest = "0123456789abcdef".repeat(4);
  const linesOf = async (change: Partial<BootExport>) => {
    const plan = await planned({ ...linux, export: { ...image, ...change } });
    return plan.kind === "linux" ? plan.commandLine.split(" ") : [];
  };

  test("the node is told which one it boots, with all of its digest", async () => {
    expect(await linesOf({ image: `room@${digest}` })).toContain(`sidus.image=room@${digest}`);
  });

  test("of a directory there is nothing to tell", async () => {
    expect((await linesOf({})).filter((word) => word.startsWith("sidus.image"))).toEqual([]);
  });

  test("what is changed for all goes to a volume beside the node's own", async () => {
    const at = { known: node({ volume: "n1", label: "admin" }), address: address("10.77.0.11") };
    const [own, admin] = await Promise.all(
      [{ ...adminLabel, volume: "own" as const }, adminLabel].map(async (label) => {
        const { plans } = await menuFor(at, settings({ admin: label }));
        return plans[0]?.kind === "linux" ? plans[0].commandLine : "";
      }),
    );
    expect(own).toContain(" ISCSI_TARGET_NAME=iqn.2013-04.zone.sidus.target:n1 ");
    expect(admin).toContain(" ISCSI_TARGET_NAME=iqn.2013-04.zone.sidus.target:n1-admin ");
    expect(admin).toContain(" ISCSI_INITIATOR=iqn.2013-04.zone.sidus.initiator:n1-admin ");
  });
});

describe("kernels", () => {
  test("names bear the export and its pin; arguments come from label, then node", async () => {
    expect(await planned({ ...linux, append: "quiet" }, node({ append: "console=ttyS0" }))).toEqual(
      {
        kind: "linux",
        label: "tmpfs",
        kernel: "stage@0123456789abcdef/boot/vmlinuz-6.1.0-56-amd64",
        initrd: "stage@0123456789abcdef/boot/initrd.img-6.1.0-56-amd64",
        commandLine:
          "root=/dev/nfs nfsroot=10.77.0.1:/srv/nfsroot/stage@0123456789abcdef,tcp,rsize=131072 ip=dhcp ro aufs=tmpfs sidus.up=http://10.77.0.1/up quiet console=ttyS0",
      },
    );
  });

  test("arguments that the kernel would cut off are refused (COMMAND_LINE_SIZE)", async () => {
    const own = await planned(linux);
    const room = COMMAND_LINE_BYTES_MAX - (own.kind === "linux" ? own.commandLine.length : 0) - 1;
    expect((await planned({ ...linux, append: "x".repeat(room) })).kind).toBe("linux");
    expect(await planned({ ...linux, append: "x".repeat(room + 1) })).toMatchObject({
      kind: "message",
      message: "the kernel's arguments take 1801 bytes: expected at most 1800 bytes",
    });
  });

  test("names that mean something else to a loader are refused", async () => {
    const odd = { ...linux, initrd: "/boot/initrd" };
    for (const kernel of ["/boot/a b", "/boot/a;b", "/boot/$a", "/boot/a\nLABEL b", "/boot/ä"]) {
      const plan = await planned({ ...odd, kernel });
      expect(plan.kind).toBe("message");
      expect(JSON.stringify(plan)).not.toContain("\\n");
    }
    const long = `/${"x".repeat(LOADER_NAME_BYTES_MAX)}`;
    expect((await planned({ ...odd, kernel: long })).kind).toBe("message");
  });
});

describe("programs", () => {
  test("a kernel of any kind: the label's arguments and the node's", async () => {
    const label = { ...program, initrds: ["/boot/a.img", "boot/b.img"], append: "onepass" };
    expect(await planned(label, node({ append: "console=ttyS0" }))).toEqual({
      kind: "program",
      label: "tmpfs",
      program: "stage@0123456789abcdef/boot/memtest86+x64.bin",
      initrds: ["stage@0123456789abcdef/boot/a.img", "stage@0123456789abcdef/boot/b.img"],
      commandLine: "onepass console=ttyS0",
    });
  });

  test("an EFI program gets no arguments that are meant for the node's kernel", async () => {
    const label = { ...program, program: "/boot/Shell.EFI", append: "-nostartup" };
    expect(await planned(label, node({ append: "console=ttyS0" }))).toMatchObject({
      commandLine: "-nostartup",
    });
  });

  test("a name that no loader can ask for is refused", async () => {
    expect((await planned({ ...program, initrds: ["/boot/a,b"] })).kind).toBe("message");
  });
});

test("whatever is written, a plan's texts are one line", async () => {
  const character = fc.integer({ min: 0, max: 0x2fff }).map((code) => String.fromCharCode(code));
  const text = fc.array(character, { maxLength: 60 }).map((characters) => characters.join(""));
  await fc.assert(
    fc.asyncProperty(text, text, async (first, second) => {
      const plans = [
        await planned({ kind: "message", message: first }),
        await planned({ ...program, append: first }, node({ append: second })),
        await planned({ ...linux, append: first }, node({ append: second })),
      ];
      for (const plan of plans) {
        expect(Object.values(plan).join("")).not.toMatch(/\p{Cc}/u);
      }
    }),
    { numRuns: 300 },
  );
});
