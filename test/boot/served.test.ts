import { describe, expect, test } from "vitest";
import type { NodeFacts } from "../../src/boot/facts.ts";
import { inventoryOf } from "../../src/boot/inventory.ts";
import type { IscsiSettings } from "../../src/boot/iscsi.ts";
import { cleanPath, type ServedSettings } from "../../src/boot/served.ts";
import type { Ipv4 } from "../../src/bytes/ipv4.ts";
import { sketchedTree } from "../sim/tree.ts";
import { ip as address, firmware, mac } from "./firmware.ts";
import { node } from "./node.ts";
import { debian, kernel, settings, text } from "./room.ts";

const tmpfsFirst = `DEFAULT tmpfs
PROMPT 0
TIMEOUT 150

LABEL tmpfs
  KERNEL sidus/boot/vmlinuz-${kernel}
  INITRD sidus/boot/initrd.img-${kernel}
  APPEND root=/dev/nfs nfsroot=10.77.0.1:/srv/nfsroot/sidus,tcp,rsize=131072 ip=dhcp ro aufs=tmpfs sidus.up=http://10.77.0.1/up console=ttyS0 quiet
  IPAPPEND 2

LABEL local
  LOCALBOOT 0
`;

describe("pxelinux.cfg", () => {
  test("by MAC: the node's own label and arguments, the newest kernel that has initrd and modules", async () => {
    expect(await text("pxelinux.cfg/01-52-54-00-77-00-01")).toBe(tmpfsFirst);
  });

  test("by MAC of a node that starts its disk", async () => {
    expect(await text("pxelinux.cfg/01-52-54-00-77-00-02")).toMatch(
      /^DEFAULT local\nPROMPT 0\nTIMEOUT \d+\n\nLABEL local\n {2}LOCALBOOT 0\n/,
    );
  });

  test("by address in hexadecimal, whole only", async () => {
    expect(await text("pxelinux.cfg/0A4D000B")).toBe(tmpfsFirst);
    for (const shorter of ["0A4D000", "0A4D00", "0"]) {
      expect(await text(`pxelinux.cfg/${shorter}`)).toBe("missing");
    }
  });

  test("by UUID: the asker's own, as DHCP learned it", async () => {
    const uuid = "4c4c4544-0031-4b10-8052-b4c04f4d3332";
    const nodeAt = () => firmware(0, { mac: "52:54:00:77:00:02", uuid });
    const change = settings({ nodeAt });
    expect(await text(`pxelinux.cfg/${uuid}`, "10.77.0.99", change)).toMatch(/^DEFAULT local/);
    expect(await text(`pxelinux.cfg/${uuid.replace("4c", "4d")}`, "10.77.0.99", change)).toBe(
      "missing",
    );
  });

  test("default: for a node that is not known, without another's arguments", async () => {
    const shown = await text("pxelinux.cfg/default", "10.77.0.99");
    expect(shown).toBe(tmpfsFirst.replace(" quiet", ""));
  });

  test("a tree that cannot boot says so on the node's screen", async () => {
    const { lib: _, ...withoutModules } = debian;
    const shown = await text("pxelinux.cfg/default", "10.77.0.11", settings({}, withoutModules));
    expect(shown).toContain(
      "SAY sidus: the tree sidus has kernel 6.12.0-1-amd64 but no /lib/modules/6.12.0-1-amd64",
    );
  });

  test("ports that are not the usual ones reach the kernel's command line", async () => {
    const base = settings();
    const shown = await text("pxelinux.cfg/default", "10.77.0.11", {
      ...base,
      boot: { ...base.boot, nfsPort: 12_049, httpPort: 8080 },
    });
    expect(shown).toContain(",rsize=131072,port=12049 ");
    expect(shown).toContain("sidus.up=http://10.77.0.1:8080/up");
  });
});

describe("layers", () => {
  type Layer = "tmpfs" | "iscsi" | "local" | "none";
  const chap = { user: "n", secret: "0123456789ab", mutual: undefined };

  function layered(layer: Layer, iscsi: Partial<IscsiSettings> = {}): ServedSettings {
    const base = settings();
    const label = base.boot.labels.get("tmpfs");
    if (label?.kind !== "linux") throw new Error("label");
    const labels = new Map([["it", { ...label, layer, append: undefined }]]);
    const boot = { ...base.boot, default: "it", labels };
    return { ...base, boot: { ...boot, iscsi: { ...boot.iscsi, ...iscsi } } };
  }

  async function wordsAfterRo(path: string, change: ServedSettings): Promise<string | undefined> {
    const shown = await text(`pxelinux.cfg/${path}`, "10.77.0.99", change);
    return /^ {2}APPEND .* ro (.*)sidus\.up=/m.exec(shown)?.[1];
  }

  test("tmpfs, local and none: a word for the hook, or none", async () => {
    expect(await wordsAfterRo("default", layered("tmpfs"))).toBe("aufs=tmpfs ");
    expect(await wordsAfterRo("default", layered("local"))).toBe("aufs=local ");
    expect(await wordsAfterRo("default", layered("none"))).toBe("");
  });

  test("iscsi: target and initiator bear the address that the node boots with", async () => {
    expect(await wordsAfterRo("default", layered("iscsi"))).toBe(
      "aufs=iscsi ISCSI_TARGET_IP=10.77.0.1 ISCSI_INITIATOR=iqn.2013-04.zone.sidus.initiator:10.77.0.99 ISCSI_TARGET_NAME=iqn.2013-04.zone.sidus.target:10.77.0.99 ",
    );
  });

  const staged = node({ mac: mac("52:54:00:77:00:03"), name: "n3", volume: "stage" });
  const factsOf = (of: string): NodeFacts => firmware(0, { mac: of });

  test("iscsi: the node's own volume, another port, another name, and CHAP", async () => {
    const change = {
      ...layered("iscsi", {
        port: 3261,
        iqn: "iqn.2024-01.org.example:lab",
        chapFor: (volume) => ({ ...chap, user: volume }),
      }),
      inventory: inventoryOf([staged]),
      nodeAt: () => factsOf("52:54:00:77:00:03"),
    };
    const words =
      "aufs=iscsi ISCSI_TARGET_IP=10.77.0.1 ISCSI_TARGET_PORT=3261 ISCSI_INITIATOR=iqn.2024-01.org.example:lab.initiator:stage ISCSI_TARGET_NAME=iqn.2024-01.org.example:lab:stage ISCSI_USERNAME=stage ISCSI_PASSWORD=0123456789ab ";
    expect(await wordsAfterRo("01-52-54-00-77-00-03", change)).toBe(words);
    const mutual = { user: "s", secret: "ba9876543210" };
    const both = layered("iscsi", { chapFor: () => ({ ...chap, mutual }) });
    expect(await wordsAfterRo("default", both)).toContain(
      " ISCSI_USERNAME=n ISCSI_PASSWORD=0123456789ab ISCSI_IN_USERNAME=s ISCSI_IN_PASSWORD=ba9876543210 ",
    );
  });

  test("iscsi: who asks for another node's configuration learns no secret of its volume", async () => {
    const change = {
      ...layered("iscsi", { chapFor: () => chap }),
      inventory: inventoryOf([staged]),
      nodeAt: (of: Ipv4) =>
        factsOf(of === address("10.77.0.99") ? "52:54:00:77:00:09" : "52:54:00:77:00:03"),
    };
    const why = "SAY sidus: a volume is for the node that asks by itself, from its own address\n";
    for (const path of ["01-52-54-00-77-00-03", "0A4D000B"]) {
      const shown = await text(`pxelinux.cfg/${path}`, "10.77.0.99", change);
      expect(shown).toContain(why);
      expect(shown).not.toContain("0123456789ab");
    }
    const own = await text("pxelinux.cfg/01-52-54-00-77-00-03", "10.77.0.11", change);
    expect(own).toContain("ISCSI_PASSWORD=0123456789ab");
  });

  test("iscsi: nor does a host that has no lease of ours; an address alone is enough where it is the node's own", async () => {
    const fixed = { ...staged, address: address("10.77.0.11") };
    for (const [who, from, learns] of [
      [staged, "10.77.0.99", false],
      [{ ...staged, volume: undefined }, "10.77.0.99", true],
      [fixed, "10.77.0.99", false],
      [fixed, "10.77.0.11", true],
    ] as const) {
      const change = {
        ...layered("iscsi", { chapFor: () => chap }),
        inventory: inventoryOf([who]),
        nodeAt: () => undefined,
      };
      const shown = await text("pxelinux.cfg/01-52-54-00-77-00-03", from, change);
      expect(shown.includes("0123456789ab")).toBe(learns);
    }
  });

  test("iscsi: a node on an address that was reserved for another since is not that other one", async () => {
    const change = {
      ...layered("iscsi", { chapFor: (volume) => ({ ...chap, secret: `secretof${volume}` }) }),
      inventory: inventoryOf([{ ...staged, address: address("10.77.0.99") }]),
      nodeAt: () => factsOf("52:54:00:77:00:09"),
    };
    const shown = await text("pxelinux.cfg/01-52-54-00-77-00-09", "10.77.0.99", change);
    expect(shown).toContain("ISCSI_PASSWORD=secretof10.77.0.99");
    expect(shown).not.toContain("stage");
  });
});

describe("files out of the tree", () => {
  test("loaders by their bare names, kernels by export and path, links followed inside", async () => {
    expect(await text("pxelinux.0")).toBe("loader");
    expect(await text("/ldlinux.c32")).toBe("ldlinux");
    expect(await text(`sidus/boot/vmlinuz-${kernel}`)).toBe("kernel");
    expect(await text("sidus//boot/./vmlinuz")).toBe("kernel");
    expect(await text("sidus\\boot\\vmlinuz")).toBe("kernel");
  });

  test("nothing else of the tree, nothing above it, nothing for strangers", async () => {
    expect(await text("sidus/etc/shadow")).toBe("denied");
    expect(await text("sidus/boot/../etc/shadow")).toBe("missing");
    expect(await text("sidus/boot/nothing")).toBe("missing");
    expect(await text("other/boot/vmlinuz")).toBe("missing");
    expect(await text("sidus/boot")).toBe("denied");
    expect(await text(`sidus/boot/vmlinuz-${kernel}`, "10.78.0.1")).toBe("denied");
  });

  test("what a label names as kernel is served, wherever it is", async () => {
    const base = settings();
    const label = base.boot.labels.get("tmpfs");
    if (label?.kind !== "linux") throw new Error("label");
    const labels = new Map([
      ["tmpfs", { ...label, kernel: "/etc/shadow", initrd: "/boot/vmlinuz" }],
    ]);
    const change = { ...base, boot: { ...base.boot, labels } };
    expect(await text("sidus/etc/shadow", "10.77.0.11", change)).toBe("secret");
    expect(await text("sidus/etc/passwd", "10.77.0.11", change)).toBe("denied");
  });

  test("what a label names as program is served, out of the overlay before the tree", async () => {
    const base = settings({ overlay: sketchedTree({ opt: { "memtest.efi": "newer memtest" } }) });
    const [from] = base.exports;
    if (from === undefined) throw new Error("export");
    const label = {
      kind: "program" as const,
      export: from,
      program: "/opt/memtest.efi",
      initrds: ["/etc/shadow"],
      append: undefined,
    };
    const labels = new Map([["memtest", label]]);
    const change = { ...base, boot: { ...base.boot, default: "memtest", labels } };
    const shown = await text("boot.ipxe", "10.77.0.11", change);
    expect(shown).toContain("chain http://10.77.0.1/sidus/opt/memtest.efi ");
    expect(await text("sidus/opt/memtest.efi", "10.77.0.11", change)).toBe("newer memtest");
    expect(await text("sidus/etc/shadow", "10.77.0.11", change)).toBe("secret");
    expect(await text("sidus/opt/other.efi", "10.77.0.11", change)).toBe("denied");
    const without = { ...change, overlay: undefined };
    expect(await text("sidus/opt/memtest.efi", "10.77.0.11", without)).toBe("missing");
  });

  test("a node that nobody knows gets loaders out of the tree of its own label", async () => {
    const base = settings();
    const [from] = base.exports;
    const label = base.boot.labels.get("tmpfs");
    if (from === undefined || label?.kind !== "linux") throw new Error("export");
    const tree = sketchedTree({ usr: { lib: { PXELINUX: { "pxelinux.0": "other" } } } });
    const other = { ...from, name: "other", tree };
    const labels = new Map([...base.boot.labels, ["new", { ...label, export: other }]]);
    const boot = { ...base.boot, labels, unknown: "new" };
    const change = { ...base, boot, exports: [from, other] };
    expect(await text("pxelinux.0", "10.77.0.99", change)).toBe("other");
    expect(await text("pxelinux.0", "10.77.0.11", change)).toBe("loader");
    expect(await text("ldlinux.c32", "10.77.0.99", change)).toBe("ldlinux");
  });

  test("the overlay adds and replaces", async () => {
    const overlay = sketchedTree({ "pxelinux.0": "other loader", "memtest.bin": "memtest" });
    const change = settings({ overlay });
    expect(await text("pxelinux.0", "10.77.0.11", change)).toBe("other loader");
    expect(await text("memtest.bin", "10.77.0.11", change)).toBe("memtest");
    expect(await text("ldlinux.c32", "10.77.0.11", change)).toBe("ldlinux");
  });

  test("of a tree in versions: one boot stays with the version that it began with", async () => {
    const base = settings();
    const label = base.boot.labels.get("tmpfs");
    if (label?.kind !== "linux") throw new Error("label");
    const older = sketchedTree({ boot: { [`vmlinuz-${kernel}`]: "older kernel" } });
    const from = {
      ...label.export,
      pin: "@00112233445566ff",
      admits: () => true,
      pinned: async (pin: string) => (pin === "@8899aabbccddeeff" ? older : undefined),
    };
    const labels = new Map([["tmpfs", { ...label, export: from }]]);
    const change = { ...base, exports: [from], boot: { ...base.boot, labels } };
    const rendered = await text("pxelinux.cfg/default", "10.77.0.11", change);
    expect(rendered).toContain(`KERNEL sidus@00112233445566ff/boot/vmlinuz-${kernel}\n`);
    expect(rendered).toContain("nfsroot=10.77.0.1:/srv/nfsroot/sidus@00112233445566ff,tcp");
    const at = (pin: string) => text(`sidus${pin}/boot/vmlinuz-${kernel}`, "10.77.0.11", change);
    expect(await at("@8899aabbccddeeff")).toBe("older kernel");
    expect(await at("@0000000000000000")).toBe("missing");
    expect(await at("")).toBe("kernel");
  });

  test("names that could not be meant so", () => {
    for (const path of ["", "/", "..", "a/../b", "a\0b", `${"x".repeat(5000)}`]) {
      expect(cleanPath(path)).toBeUndefined();
    }
    expect(cleanPath("///a//./b")).toBe("a/b");
  });
});
