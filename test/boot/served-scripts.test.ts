import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NodeFacts } from "../../src/boot/facts.ts";
import { inventoryOf } from "../../src/boot/inventory.ts";
import type { ServedSettings } from "../../src/boot/served.ts";
import type { MacAddress } from "../../src/bytes/mac.ts";
import { SERIAL_BYTES_MAX } from "../../src/limits.ts";
import { sketchedTree } from "../sim/tree.ts";
import { firmware, ip, mac } from "./firmware.ts";
import { node } from "./node.ts";
import { kernel, settings, text } from "./room.ts";

/** GRUB's and iPXE's configurations: for whom, and what they say of nodes that nobody knows. */

const first = "52-54-00-77-00-01";
const second = "52-54-00-77-00-02";
const uuid = "4c4c4544-0031-4b10-8052-b4c04f4d3332";

/** DHCP gave 10.77.0.99 to this node. */
function leased(facts: NodeFacts): Partial<ServedSettings> {
  return { nodeAt: (address) => (address === ip("10.77.0.99") ? facts : undefined) };
}

describe("GRUB's configuration", () => {
  test("a known node's, by its address: nothing is asked back", async () => {
    const shown = await text("grub/grub.cfg");
    expect(shown).toContain(`/sidus/boot/vmlinuz-${kernel}`);
    expect(shown).toContain("quiet");
    expect(shown).not.toContain("configfile");
    expect(await text("/grub/grub.cfg")).toBe(shown);
  });

  test("whom nobody knows by its address goes on by its MAC address, and else with the default", async () => {
    const shown = await text("grub/grub.cfg", "10.77.0.99");
    const chain =
      'if [ -n "$net_default_mac" ]; then\n  configfile $prefix/grub.cfg-01-$net_default_mac\nfi\n';
    expect(shown.startsWith(chain)).toBe(true);
    expect(shown).toContain(`/sidus/boot/vmlinuz-${kernel}`);
    expect(shown).not.toContain("quiet");
  });

  test("by MAC address, as GRUB and as PXELINUX write it", async () => {
    const own = await text("grub/grub.cfg");
    expect(await text(`grub/grub.cfg-01-${first}`, "10.77.0.99")).toBe(own);
    expect(await text("grub/grub.cfg-01-52:54:00:77:00:01", "10.77.0.99")).toBe(own);
    expect(await text("grub/grub.cfg-0A4D000B", "10.77.0.11")).toBe(own);
  });

  test("of nobody: missing", async () => {
    for (const name of ["grub/grub.cfg-", "grub/grub.cfg-01-", "grub/grub.cfg-0A4D", "grub.cfg"]) {
      expect(await text(name)).toBe("missing");
    }
    expect(await text("grub/x86_64-efi/grub.cfg")).toBe("missing");
  });
});

describe("iPXE's script", () => {
  test("a known node's, by its address, by either name", async () => {
    const shown = await text("boot.ipxe");
    expect(shown).toMatch(/^#!ipxe\n/);
    expect(shown).toContain(`http://10.77.0.1/sidus/boot/vmlinuz-${kernel}`);
    expect(shown).toContain("quiet");
    expect(await text("autoexec.ipxe")).toBe(shown);
  });

  test("a node that nobody knows says who it is, as far as iPXE can write it", async () => {
    const chain = `#!ipxe
imgfetch --name node http://10.77.0.1/ipxe/01-\${netX/mac:hexhyp}/uuid-\${uuid}/serial-\${serial:uristring}.ipxe || imgfetch --name node http://10.77.0.1/ipxe/01-\${netX/mac:hexhyp}.ipxe
imgexec node
`;
    expect(await text("boot.ipxe", "10.77.0.99")).toBe(chain);
    const base = settings();
    const other = { ...base, boot: { ...base.boot, httpPort: 8080 } };
    expect(await text("boot.ipxe", "10.77.0.99", other)).toContain("http://10.77.0.1:8080/ipxe/");
  });

  test("by what it says: the node of that MAC address, or the default", async () => {
    const own = await text("boot.ipxe");
    for (const path of [
      `ipxe/01-${first}.ipxe`,
      `ipxe/01-${first}/uuid-${uuid}/serial-PC 7.ipxe`,
      `ipxe/01-${first}/uuid-/serial-.ipxe`,
    ]) {
      expect(await text(path, "10.77.0.99")).toBe(own);
    }
    expect(await text(`ipxe/01-52-54-00-77-00-09.ipxe`, "10.77.0.99")).toBe(
      own.replaceAll(" quiet", ""),
    );
  });

  test("of nobody: missing", async () => {
    for (const name of [
      "ipxe/01-52-54-00-77-00.ipxe",
      `ipxe/${first}.ipxe`,
      `ipxe/01-${first}/uuid-x/.ipxe`,
      "ipxe/.ipxe",
    ]) {
      expect(await text(name, "10.77.0.99")).toBe("missing");
    }
  });
});

describe("what iPXE says of its node", () => {
  interface Said {
    readonly mac: MacAddress;
    readonly uuid: string | undefined;
    readonly serial: string | undefined;
  }

  async function learned(path: string, change: Partial<ServedSettings> = {}): Promise<Said[]> {
    const said: Said[] = [];
    const learn = (identity: Said): void => void said.push(identity);
    await text(path, "10.77.0.99", settings({ ...change, learn }));
    return said;
  }

  test("is learned: UUID and serial number, where there is one", async () => {
    const whole = `ipxe/01-${second}/uuid-${uuid.toUpperCase()}/serial-PC 7 .ipxe`;
    expect(await learned(whole)).toEqual([{ mac: mac("52:54:00:77:00:02"), uuid, serial: "PC 7" }]);
    expect(await learned(`ipxe/01-${second}/uuid-${uuid}/serial-.ipxe`)).toEqual([
      { mac: mac("52:54:00:77:00:02"), uuid, serial: undefined },
    ]);
    const zeros = "00000000-0000-0000-0000-000000000000";
    expect(await learned(`ipxe/01-${second}/uuid-${zeros}/serial-A/B.ipxe`)).toEqual([
      { mac: mac("52:54:00:77:00:02"), uuid: undefined, serial: "A/B" },
    ]);
  });

  test("is nothing where it says nothing, or nothing that a board could say", async () => {
    expect(await learned(`ipxe/01-${second}.ipxe`)).toEqual([]);
    expect(await learned(`ipxe/01-${second}/uuid-/serial-.ipxe`)).toEqual([]);
    expect(await learned(`ipxe/01-${second}/uuid-/serial-\u00e9.ipxe`)).toEqual([]);
    const long = "x".repeat(SERIAL_BYTES_MAX + 1);
    expect(await learned(`ipxe/01-${second}/uuid-/serial-${long}.ipxe`)).toEqual([]);
  });

  test("is not believed from an address that DHCP gave to another, nor once its kernel has booted", async () => {
    const path = `ipxe/01-${second}/uuid-${uuid}/serial-7.ipxe`;
    const facts = firmware(0, { mac: second, isIpxe: true });
    expect(await learned(path, leased(facts))).toHaveLength(1);
    expect(await learned(path, leased({ ...facts, mac: mac(first) }))).toEqual([]);
    // What the kernel's DHCP leaves behind: a program of the node's users could ask so.
    expect(await learned(path, leased({ ...facts, isIpxe: false }))).toEqual([]);
  });

  test("decides at once what is booted: a node known by its serial number alone", async () => {
    const heard = new Map<MacAddress, Said>();
    const change = settings({
      inventory: inventoryOf([node({ serial: "PC7", append: "seventh" })], (of) => heard.get(of)),
      learn: (said) => void heard.set(said.mac, said),
      ...leased(firmware(0, { mac: second, isIpxe: true })),
    });
    expect(await text("boot.ipxe", "10.77.0.99", change)).toContain("imgexec node");
    const path = `ipxe/01-${second}/uuid-/serial-PC7.ipxe`;
    expect(await text(path, "10.77.0.99", change)).toContain("seventh");
    expect(await text("boot.ipxe", "10.77.0.99", change)).toContain("seventh");
  });
});

const chap = { user: "n", secret: "0123456789ab", mutual: undefined };

function withVolumes(change: Partial<ServedSettings>): ServedSettings {
  const base = settings(change);
  const label = base.boot.labels.get("tmpfs");
  if (label?.kind !== "linux") throw new Error("label");
  const labels = new Map([["it", { ...label, layer: "iscsi" as const }]]);
  const iscsi = { ...base.boot.iscsi, chapFor: () => chap };
  return { ...base, boot: { ...base.boot, default: "it", labels, iscsi } };
}

describe("secrets", () => {
  const scripts = [
    `ipxe/01-${second}.ipxe`,
    `ipxe/01-${second}/uuid-${uuid}/serial-7.ipxe`,
    `grub/grub.cfg-01-${second}`,
    `grub/grub.cfg-01-52:54:00:77:00:02`,
  ];
  const volumeOwner = node({ mac: mac(second), volume: "stage" });

  test("are for who asks from the address that DHCP gave it", async () => {
    for (const path of scripts) {
      const inventory = inventoryOf([volumeOwner]);
      const own = withVolumes({ inventory, ...leased(firmware(7, { mac: second })) });
      expect(await text(path, "10.77.0.99", own)).toContain("0123456789ab");
      const others = withVolumes({ inventory, ...leased(firmware(7, { mac: first })) });
      expect(await text(path, "10.77.0.99", others)).not.toContain("0123456789ab");
    }
  });

  test("or from the one that the configuration says, where we gave it none; nobody else learns any", async () => {
    const fixed = { ...volumeOwner, address: ip("10.77.0.12") };
    for (const path of scripts) {
      const change = withVolumes({ inventory: inventoryOf([fixed]) });
      expect(await text(path, "10.77.0.12", change)).toContain("0123456789ab");
      expect(await text(path, "10.77.0.99", change)).not.toContain("0123456789ab");
      const unbound = withVolumes({ inventory: inventoryOf([volumeOwner]) });
      expect(await text(path, "10.77.0.99", unbound)).not.toContain("0123456789ab");
    }
  });
});

describe("PXELINUX with HTTP and without", () => {
  test("URLs are for the address that loaded lpxelinux.0, until it loads another", async () => {
    const change = settings();
    const of = (path: string) => text(path, "10.77.0.11", change);
    expect(await of("pxelinux.cfg/default")).toContain(`KERNEL sidus/boot/vmlinuz-${kernel}\n`);
    expect(await of("lpxelinux.0")).toBe("loader with HTTP");
    expect(await of("ldlinux.c32")).toBe("ldlinux");
    expect(await of("pxelinux.cfg/default")).toContain(
      `KERNEL http://10.77.0.1/sidus/boot/vmlinuz-${kernel}\n`,
    );
    expect(await text("pxelinux.cfg/default", "10.77.0.12", change)).not.toContain(
      "http://10.77.0.1/sidus/",
    );
    expect(await of("pxelinux.0")).toBe("loader");
    expect(await of("pxelinux.cfg/default")).toContain(`KERNEL sidus/boot/vmlinuz-${kernel}\n`);
  });

  test("a loader out of the overlay counts as well", async () => {
    const change = settings({ overlay: sketchedTree({ "lpxelinux.0": "own" }) });
    expect(await text("lpxelinux.0", "10.77.0.11", change)).toBe("own");
    expect(change.loaders.loaderAt(ip("10.77.0.11"))).toBe("lpxelinux.0");
  });

  test("what is missing or denied was not loaded", async () => {
    const change = settings({}, {});
    expect(await text("lpxelinux.0", "10.77.0.11", change)).toBe("missing");
    expect(change.loaders.loaderAt(ip("10.77.0.11"))).toBeUndefined();
  });
});

describe("whatever is asked", () => {
  const names = [
    "pxelinux.cfg/01-52-54-00-77-00-01",
    "pxelinux.cfg/0A4D000B",
    "grub/grub.cfg-01-52:54:00:77:00:01",
    `ipxe/01-${first}/uuid-${uuid}/serial-7.ipxe`,
    "1a2b3c4d/cmdline.txt",
    "dc-a6-32-01-02-03/overlays/a.dtbo",
    "grub/x86_64-efi/command.lst",
    "sidus/boot/vmlinuz",
    "sidus@00112233445566ff/boot/vmlinuz",
    "shimx64.efi",
  ];
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .tuple(fc.constantFrom(...names), fc.nat(60), fc.nat(3), fc.string({ maxLength: 4 }))
      .map(([name, at, cut, put]) => `${name.slice(0, at)}${put}${name.slice(at + cut)}`),
  );

  test("there is a file, or a word for that there is none; another's secret is in no file", async () => {
    const volume = node({ mac: mac(first), volume: "stage", append: "another's" });
    const inventory = inventoryOf([volume]);
    const own = withVolumes({ inventory, ...leased(firmware(7, { mac: second })) });
    const base = {
      ...own.boot.iscsi,
      chapFor: (name: string) => ({ ...chap, secret: `of-${name}` }),
    };
    const change = { ...own, boot: { ...own.boot, iscsi: base } };
    await fc.assert(
      fc.asyncProperty(anything, async (path) => {
        const answer = await text(path, "10.77.0.99", change);
        expect(answer).not.toContain("of-stage");
      }),
      { numRuns: 1000 },
    );
  });
});
