import { expect } from "vitest";
import { inventoryOf, type KnownNode } from "../../src/boot/inventory.ts";
import { Loaders } from "../../src/boot/loaders.ts";
import type { Label } from "../../src/boot/plan.ts";
import { type ServedSettings, servedFiles } from "../../src/boot/served.ts";
import type { Instant } from "../../src/bytes/instant.ts";
import { contains, type Ipv4, parseCidr } from "../../src/bytes/ipv4.ts";
import { type Sketch, sketchedTree } from "../sim/tree.ts";
import { ip as address, mac } from "./firmware.ts";
import { node } from "./node.ts";

export const kernel = "6.1.0-56-amd64";
export const debian: Sketch = {
  boot: {
    [`vmlinuz-${kernel}`]: "kernel",
    [`initrd.img-${kernel}`]: "initrd",
    "vmlinuz-6.1.0-9-amd64": "old kernel",
    "initrd.img-6.1.0-9-amd64": "old initrd",
    "vmlinuz-6.12.0-1-amd64": "kernel without modules",
    "initrd.img-6.12.0-1-amd64": "its initrd",
    vmlinuz: { link: `/boot/vmlinuz-${kernel}` },
  },
  etc: { shadow: "secret" },
  lib: { link: "usr/lib" },
  usr: {
    lib: {
      modules: { [kernel]: { "modules.dep": "" }, "6.1.0-9-amd64": {} },
      PXELINUX: { "pxelinux.0": "loader", "lpxelinux.0": "loader with HTTP" },
      syslinux: { modules: { bios: { "ldlinux.c32": "ldlinux" } } },
    },
  },
};

export const known: KnownNode[] = [
  node({
    mac: mac("52:54:00:77:00:01"),
    name: "n1",
    address: address("10.77.0.11"),
    append: "quiet",
  }),
  node({ mac: mac("52:54:00:77:00:02"), name: "n2", label: "local", volume: "stage" }),
];

function loaders(): Loaders {
  return new Loaders({
    now: () => 0 as Instant,
    settings: () => {
      throw new Error("nobody is told a loader here");
    },
    warn: (text) => {
      throw new Error(text);
    },
  });
}

/** One export that a /24 may read, and two nodes of which we gave no addresses. */
export function settings(
  change: Partial<ServedSettings> = {},
  tree: Sketch = debian,
): ServedSettings {
  const network = parseCidr("10.77.0.0/24");
  if (network === undefined) throw new Error("network");
  const entry = {
    name: "sidus",
    path: "/srv/nfsroot/sidus",
    tree: sketchedTree(tree),
    pin: "",
    image: undefined,
    admits: (from: Ipv4) => contains(network, from),
    pinned: async () => undefined,
  };
  return {
    boot: {
      serverAddress: address("10.77.0.1"),
      httpPort: 80,
      nfsPort: 2049,
      iscsi: { port: 3260, iqn: "iqn.2013-04.zone.sidus.target", chapFor: () => undefined },
      default: "tmpfs",
      unknown: undefined,
      menuSeconds: 0,
      labels: new Map<string, Label>([
        [
          "tmpfs",
          {
            kind: "linux",
            export: entry,
            layer: "tmpfs",
            volume: "own",
            kernel: undefined,
            initrd: undefined,
            append: "console=ttyS0",
          },
        ],
        ["local", { kind: "local", from: undefined }],
      ]),
    },
    inventory: inventoryOf(known),
    exports: [entry],
    overlay: undefined,
    loaders: loaders(),
    nodeAt: () => undefined,
    learn: () => {},
    ...change,
  };
}

/** What is answered, as text; or the word for that it is not. */
export async function text(
  path: string,
  from = "10.77.0.11",
  change?: ServedSettings,
): Promise<string> {
  const served = servedFiles(() => change ?? settings());
  const file = await served(path, { address: address(from) });
  if (typeof file === "string") return file;
  const into = new Uint8Array(file.size);
  expect(await file.read(0, into)).toBe(file.size);
  return new TextDecoder().decode(into);
}
