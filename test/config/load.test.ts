import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loaderChoices } from "../../src/boot/loader.ts";
import {
  cidrOf,
  formatCidr,
  formatIpv4,
  formatIpv4Range,
  type Ipv4,
  parseIpv4,
} from "../../src/bytes/ipv4.ts";
import { type Config, loaders } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { UserError } from "../../src/user-error.ts";

const directory = mkdtempSync(join(tmpdir(), "sidus-config-"));
const file = join(directory, "sidus.yaml");
afterAll(() => rmSync(directory, { recursive: true }));

function address(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

const interfaces = [
  { name: "lo", address: address("127.0.0.1"), subnet: cidrOf(address("127.0.0.1"), 8) },
  { name: "eth1", address: address("10.13.20.1"), subnet: cidrOf(address("10.13.20.1"), 24) },
  { name: "eth1", address: address("10.13.30.1"), subnet: cidrOf(address("10.13.30.1"), 24) },
];

function load(text: string): Config {
  writeFileSync(file, text);
  return loadConfig(file, interfaces);
}

/** The message without the file's directory. */
function refusal(text: string): string {
  try {
    load(text);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(2);
    return (error as UserError).message.replace(`${directory}/`, "");
  }
  throw new Error("was accepted");
}

const smallest = `
interface: eth1
dhcp: { range: 10.13.20.50-10.13.20.250 }
exports:
  sidus: { source: /srv/nfsroot/sidus, clients: [10.13.20.0/24] }
boot: { default: tmpfs }
`;

describe("sidus.yaml", () => {
  test("the smallest that serves a room", () => {
    const config = load(smallest);
    expect(formatIpv4(config.address)).toBe("10.13.20.1");
    expect(formatCidr(config.subnet)).toBe("10.13.20.0/24");
    const [own, ...others] = config.dhcp.subnets;
    expect(others).toEqual([]);
    expect(own?.network).toEqual(config.subnet);
    expect(own?.ranges.map(formatIpv4Range)).toEqual(["10.13.20.50-10.13.20.250"]);
    expect(own?.leaseSeconds).toBe(43_200);
    expect(config.dhcp).toMatchObject({ mode: "server", denyUnknown: false, allow: [] });
    expect(config.exports).toMatchObject([{ name: "sidus", path: "/srv/nfsroot/sidus" }]);
    expect(config.ports).toEqual({
      dhcp: 67,
      proxy: 4011,
      tftp: 69,
      http: 80,
      nfs: 2049,
      portmap: 111,
      iscsi: 3260,
    });
    expect([...config.boot.labels]).toMatchObject([
      ["tmpfs", { kind: "linux", export: "sidus", layer: "tmpfs", volume: "own" }],
      ["iscsi", { kind: "linux", export: "sidus", layer: "iscsi", volume: "own" }],
      ["admin", { kind: "linux", export: "sidus", layer: "iscsi", volume: "admin" }],
      ["local", { kind: "local" }],
    ]);
    expect(config.boot).toMatchObject({ default: "tmpfs", menuSeconds: 0, loader: "auto" });
    expect(config.boot.unknown).toBeUndefined();
    expect(config.iscsi).toEqual({
      iqn: "iqn.2013-04.zone.sidus.target",
      bytes: 8 * 2 ** 30,
      chap: "none",
      volumes: "/var/lib/sidus/volumes",
    });
    expect(config.state).toBe("/var/lib/sidus");
    expect(config.images).toBe("/var/lib/sidus/images");
    expect(config.threads).toBeGreaterThanOrEqual(1);
    expect(config.cache).toBeGreaterThanOrEqual(16 << 20);
    expect(config.cache).toBeLessThanOrEqual(1 << 30);
  });

  test("everything it may say", () => {
    const config = load(`
interface: eth1
address: 10.13.30.1
state: /tmp/state
images: /tmp/images
threads: 3
cache: 512M
ports: { dhcp: 6767, proxy: 4444, tftp: 6969, http: 8080, nfs: 12049, portmap: 1111, iscsi: 13260 }
dhcp:
  range: [10.13.30.50-10.13.30.60, 10.13.30.70-10.13.30.80]
  lease: infinite
  router: 10.13.30.254
  dns: 10.13.30.253
  domain: lab.example.org
  deny-unknown: true
  allow: [52:54:00:*, 02-00-00-00-00-01]
  subnets:
    - { network: 10.13.31.0/24, range: 10.13.31.50-10.13.31.60, router: 10.13.31.1 }
    - { network: 10.14.0.0/16, router: 10.14.0.1, lease: 1h, dns: 10.14.0.2, domain: b.example.org }
iscsi: { iqn: "iqn.2024-01.org.example:lab", size: 512M, chap: mutual, volumes: /srv/volumes }
exports:
  a: { source: /trees/a }
  b: { source: /trees/b, path: /exports/b/, clients: 10.13.30.0/25, squash: root }
  c: { image: debian }
boot:
  default: rescue
  unknown: stranger
  menu: 5s
  loader: ipxe
  overlay: /srv/overlay
  labels:
    rescue: { export: b, append: "quiet splash" }
    kept: { layer: iscsi }
    bare: { layer: none }
    iscsi: { append: debug }
    disk: local
    windows: { local: { disk: 2, partition: 3 } }
    second: { local: { disk: 2 } }
    stranger: { message: "Ask in room 7: who are you?" }
    memtest: { program: /boot/memtest86+x64.efi }
    xen: { program: /boot/xen.gz, initrd: [/vmlinuz, /initrd.img], append: dom0, export: b }
nodes:
  - { mac: 52-54-00-77-00-01, name: n1, ip: 10.13.30.11, label: disk, volume: stage }
  - { mac: 525400770002, name: 007, append: 0x10, volume: { name: "room.7", size: 2T } }
  - { mac: 525400770003, volume: { size: 64M } }
  - { mac: 525400770004 }
  - { uuid: 4C4C4544-0042-3510-8052-B4C04F4E3132, ip: 10.13.31.9, loader: shim }
  - { serial: 10000000a1b2c3d4, name: pi, label: stranger }
  - { mac: "52:54:00:77:01:[09-0b]", name: "s[9-10,012]", ip: 10.14.0.9-10.14.0.11, volume: "v[1-3]" }
log: { level: debug }
`);
    expect(config.dhcp.subnets).toMatchObject([
      { leaseSeconds: "infinite", router: address("10.13.30.254") },
      { leaseSeconds: "infinite", dns: [address("10.13.30.253")], domain: "lab.example.org" },
      { leaseSeconds: 3600, dns: [address("10.14.0.2")], domain: "b.example.org", ranges: [] },
    ]);
    expect(config.dhcp.subnets.map((subnet) => formatCidr(subnet.network))).toEqual([
      "10.13.30.0/24",
      "10.13.31.0/24",
      "10.14.0.0/16",
    ]);
    expect(config.dhcp.allow).toEqual(["525400", "020000000001"]);
    expect(config).toMatchObject({ images: "/tmp/images", threads: 3, cache: 536_870_912 });
    expect(config.exports.map((entry) => entry.source)).toEqual([
      { kind: "directory", path: "/trees/a" },
      { kind: "directory", path: "/trees/b" },
      { kind: "image", name: "debian" },
    ]);
    expect(config.dhcp.subnets[0]?.ranges).toHaveLength(2);
    expect(config.dhcp.denyUnknown).toBe(true);
    expect(config.exports[0]).toMatchObject({ squash: "none" });
    expect(config.exports[1]).toMatchObject({ path: "/exports/b", name: "b", squash: "root" });
    expect(config.exports[0]?.clients).toEqual(config.dhcp.subnets.map(({ network }) => network));
    expect(config.boot.labels.get("rescue")).toMatchObject({ export: "b", append: "quiet splash" });
    expect(config.boot).toMatchObject({ unknown: "stranger", menuSeconds: 5, loader: "ipxe" });
    const label = (name: string) => config.boot.labels.get(name);
    expect(label("disk")).toEqual({ kind: "local", from: undefined });
    expect(label("windows")).toEqual({ kind: "local", from: { disk: 2, partition: 3 } });
    expect(label("second")).toEqual({ kind: "local", from: { disk: 2, partition: undefined } });
    expect(label("stranger")).toEqual({ kind: "message", message: "Ask in room 7: who are you?" });
    expect(label("memtest")).toEqual({
      kind: "program",
      export: "a",
      program: "/boot/memtest86+x64.efi",
      initrds: [],
      append: undefined,
    });
    expect(label("xen")).toMatchObject({
      export: "b",
      initrds: ["/vmlinuz", "/initrd.img"],
      append: "dom0",
    });
    expect(config.nodes[0]).toMatchObject({ mac: "525400770001", name: "n1", label: "disk" });
    expect(config.nodes[1]).toMatchObject({ name: "007", append: "0x10" });
    expect(config.nodes[4]).toMatchObject({
      mac: undefined,
      uuid: "4c4c4544-0042-3510-8052-b4c04f4e3132",
      loader: "shim",
    });
    expect(config.nodes[5]).toMatchObject({ serial: "10000000a1b2c3d4", label: "stranger" });
    expect(config.nodes.slice(6)).toMatchObject([
      { mac: "525400770109", name: "s9", address: address("10.14.0.9"), volume: { name: "v1" } },
      { mac: "52540077010a", name: "s10", address: address("10.14.0.10"), volume: { name: "v2" } },
      { mac: "52540077010b", name: "s012", address: address("10.14.0.11"), volume: { name: "v3" } },
    ]);
    expect(config.nodes.slice(0, 4).map((node) => node.volume)).toEqual([
      { name: "stage", bytes: undefined },
      { name: "room.7", bytes: 2 * 2 ** 40 },
      { name: undefined, bytes: 64 * 2 ** 20 },
      { name: undefined, bytes: undefined },
    ]);
    expect(config.ports).toMatchObject({ nfs: 12_049, iscsi: 13_260 });
    expect(config.iscsi).toEqual({
      iqn: "iqn.2024-01.org.example:lab",
      bytes: 512 * 2 ** 20,
      chap: "mutual",
      volumes: "/srv/volumes",
    });
    const layerOf = (name: string) => {
      const label = config.boot.labels.get(name);
      return label?.kind === "linux" ? label.layer : label?.kind;
    };
    expect(["kept", "bare", "iscsi", "rescue"].map(layerOf)).toEqual([
      "iscsi",
      "none",
      "iscsi",
      "tmpfs",
    ]);
  });

  test.each<[string, string, string]>([
    [
      "a key that is none",
      smallest.replace("range", "rnage"),
      "sidus.yaml:3: dhcp.rnage: unknown key",
    ],
    [
      "a range that is none",
      smallest.replace("10.13.20.50-10.13.20.250", "10.13.20.50"),
      'sidus.yaml:3: dhcp.range: expected a range FIRST-LAST, as 10.13.20.50-10.13.20.250, found "10.13.20.50"',
    ],
    [
      "a range outside the network",
      smallest.replace("10.13.20.250", "10.13.21.250"),
      "sidus.yaml:3: dhcp.range: expected an address in 10.13.20.0/24, the network of the interface, found 10.13.21.250",
    ],
    [
      "another machine's interface",
      smallest.replace("eth1", "eth7"),
      'sidus.yaml:2: interface: no interface "eth7" with an IPv4 address; this machine has: lo 127.0.0.1, eth1 10.13.20.1, eth1 10.13.30.1',
    ],
    [
      "no interface",
      smallest.replace("interface: eth1", ""),
      "interface: expected the name of a network interface, as eth1, found nothing",
    ],
    [
      "bits beyond the prefix",
      smallest.replace("20.0/24", "20.1/24"),
      "sidus.yaml:5: exports.sidus.clients[0]: expected a network",
    ],
    [
      "no source",
      smallest.replace("source: /srv/nfsroot/sidus, ", ""),
      "sidus.yaml:5: exports.sidus: expected one of source: DIRECTORY and image: NAME, found neither",
    ],
    [
      "two sources",
      smallest.replace("source:", "image: debian, source:"),
      "sidus.yaml:5: exports.sidus: expected one of source: DIRECTORY and image: NAME, found both",
    ],
    [
      "no threads",
      `${smallest}threads: 0`,
      'sidus.yaml:7: threads: expected a number of threads from 1 to 64, found "0"',
    ],
    [
      "a cache of next to nothing",
      `${smallest}cache: 4M`,
      'sidus.yaml:7: cache: expected a size of at least 16M, as 512M or 2G, found "4M"',
    ],
    [
      "a squash that is none",
      smallest.replace("clients:", "squash: nobody, clients:"),
      'sidus.yaml:5: exports.sidus.squash: expected one of none, root, all, found "nobody"',
    ],
    [
      "a relative source",
      smallest.replace("/srv", "srv"),
      'expected an absolute path, as /srv/nfsroot/sidus, found "srv/nfsroot/sidus"',
    ],
    [
      "a label that is none",
      smallest.replace("tmpfs", "tmfps"),
      'sidus.yaml:6: boot.default: expected one of tmpfs, iscsi, admin, local, found "tmfps"',
    ],
    [
      "a pattern that YAML takes for a list",
      `${smallest}nodes:\n  - { mac: 52:54:00:77:00:[01-28] }`,
      'sidus.yaml:8: not valid YAML: Block collections are not allowed within flow collections; within { } a pattern needs quotes, as "n[1-40]"',
    ],
    ["broken YAML", `${smallest}\n  }: [`, "sidus.yaml:8: not valid YAML"],
    [
      "a list instead of keys",
      smallest.replace("{ range: 10.13.20.50-10.13.20.250 }", "[1]"),
      "sidus.yaml:3: dhcp: expected keys and values",
    ],
    [
      "nothing to hand out",
      smallest.replace("{ range: 10.13.20.50-10.13.20.250 }", "{}"),
      "sidus.yaml:3: dhcp: expected range: FIRST-LAST",
    ],
    [
      "a node's address twice",
      `${smallest}nodes: [{mac: 525400000001, ip: 10.13.20.5}, {mac: 525400000002, ip: 10.13.20.5}]`,
      "nodes[1].ip: 10.13.20.5 is already that of nodes[0]",
    ],
    [
      "a MAC that is none",
      `${smallest}nodes:\n  - mac: 52:54:00\n`,
      "sidus.yaml:8: nodes[0].mac: expected a MAC address",
    ],
    [
      "the server's own address",
      `${smallest}nodes: [{mac: 525400000001, ip: 10.13.20.1}]`,
      "is the server's own address",
    ],
    [
      "a line break in append",
      `${smallest}nodes: [{mac: 525400000001, append: "a\\nb"}]`,
      "expected kernel arguments on one line",
    ],
    [
      "a label's unknown key",
      smallest.replace("default: tmpfs", "labels: { x: { exprot: a } }"),
      "sidus.yaml:6: boot.labels.x.exprot: unknown key",
    ],
    [
      "a label's unknown export",
      smallest.replace("default: tmpfs", "labels: { x: { export: a } }"),
      'boot.labels.x.export: expected one of sidus, found "a"',
    ],
    [
      "a kernel without initrd",
      smallest.replace("default: tmpfs", "labels: { x: { kernel: /vmlinuz } }"),
      "boot.labels.x: expected both of kernel: and initrd:",
    ],
    [
      "a lease that is too short",
      smallest.replace("{ range:", "{ lease: 5s, range:"),
      'dhcp.lease: expected a lease time, as 12h or 7d (at least 2m), or infinite, found "5s"',
    ],
    ["an alias of nothing", "interface: *x\n", "not valid YAML: Unresolved alias"],
    [
      "ports that are one",
      `${smallest}ports: { nfs: 80 }\n`,
      "sidus.yaml:7: ports.nfs: 80 is already that of another service",
    ],
    [
      "a path that the kernel's command line would split",
      smallest.replace("source:", "path: '/srv/my room', source:"),
      "exports.sidus.path: expected an absolute path without blanks",
    ],
    [
      "a layer that is none",
      smallest.replace("default: tmpfs", "labels: { x: { layer: disk } }"),
      'boot.labels.x.layer: expected one of tmpfs, iscsi, local, none, found "disk"',
    ],
    [
      "an iSCSI name of no domain",
      `${smallest}iscsi: { iqn: "iqn.example.org" }\n`,
      'sidus.yaml:7: iscsi.iqn: expected an iSCSI name iqn.YEAR-MONTH.REVERSED-DOMAIN, as iqn.2024-01.org.example.lab, at most 112, found "iqn.example.org"',
    ],
    [
      "an iSCSI name in capitals",
      `${smallest}iscsi: { iqn: iqn.2024-01.org.Example }\n`,
      "sidus.yaml:7: iscsi.iqn: expected an iSCSI name",
    ],
    [
      "a volume of next to nothing",
      `${smallest}iscsi: { size: 1M }\n`,
      'sidus.yaml:7: iscsi.size: expected a size from 64M to 8T in whole MiB, as 8G, found "1M"',
    ],
    [
      "a volume of odd bytes",
      `${smallest}iscsi: { size: 100000001 }\n`,
      "iscsi.size: expected a size from 64M to 8T in whole MiB",
    ],
    [
      "a CHAP that is none",
      `${smallest}iscsi: { chap: both }\n`,
      'sidus.yaml:7: iscsi.chap: expected one of none, one-way, mutual, found "both"',
    ],
    [
      "a volume of two nodes",
      `${smallest}nodes: [{mac: 525400000001, volume: a}, {mac: 525400000002, volume: {name: a}}]`,
      "nodes[1].volume: a is already that of nodes[0]",
    ],
    [
      "a named volume of a node that is known by nothing, as it gets its address elsewhere",
      `${smallest.replace(/^dhcp:.*\n/m, "dhcp: { mode: off }\n")}nodes: [{mac: 525400000001, volume: a}]`,
      "nodes[0].volume: needs the node's ip: too",
    ],
    [
      "a volume that is what another node writes to for administration",
      `${smallest}nodes: [{mac: 525400000001, volume: n1-admin}]`,
      "nodes[0].volume: n1-admin is what a node writes to that boots the label admin; choose another",
    ],
    [
      "a volume by another node's address",
      `${smallest}nodes: [{mac: 525400000001, volume: 10.13.20.7}]`,
      'nodes[0].volume: expected keys of: name, size, or a name: small letters, digits, inner dots and dashes, at most 94, no address, found "10.13.20.7"',
    ],
    [
      "a volume that leads out of its directory",
      `${smallest}nodes: [{mac: 525400000001, volume: {name: ../a}}]`,
      "nodes[0].volume.name: expected a name: small letters",
    ],
    [
      "a volume's unknown key",
      `${smallest}nodes: [{mac: 525400000001, volume: {sise: 8G}}]`,
      "nodes[0].volume.sise: unknown key",
    ],
    [
      "a list for a volume",
      `${smallest}nodes: [{mac: 525400000001, volume: [a]}]`,
      "nodes[0].volume: expected keys of: name, size, or a name: small letters",
    ],
    [
      "a node that is known by nothing",
      `${smallest}nodes: [{name: n1, ip: 10.13.20.5}]`,
      "sidus.yaml:7: nodes[0]: expected mac:, uuid: or serial: to know the node by, found none",
    ],
    [
      "a UUID that is none",
      `${smallest}nodes: [{uuid: 4c4c4544}]`,
      "nodes[0].uuid: expected a UUID, as 4c4c4544-0042-3510-8052-b4c04f4e3132, found",
    ],
    [
      "one UUID of two nodes, however it is written",
      `${smallest}nodes: [{uuid: 4c4c4544-0042-3510-8052-b4c04f4e3132}, {uuid: 4C4C4544-0042-3510-8052-B4C04F4E3132}]`,
      "nodes[1].uuid: 4c4c4544-0042-3510-8052-b4c04f4e3132 is already that of nodes[0]",
    ],
    [
      "a serial number of two nodes",
      `${smallest}nodes: [{serial: A1}, {serial: a1}]`,
      "nodes[1].serial: a1 is already that of nodes[0]",
    ],
    [
      "a name for many and one MAC",
      `${smallest}nodes:\n  - mac: 525400000001\n    name: n[1-40]`,
      "sidus.yaml:9: nodes[0].name: expected patterns of one number of nodes: mac: 525400000001 is 1, name: n[1-40] is 40",
    ],
    [
      "patterns of unequal numbers",
      `${smallest}nodes: [{mac: "52:54:00:77:00:[01-28]", ip: "10.13.20.[11-50]", name: "n[1-39]"}]`,
      "nodes[0].name: expected patterns of one number of nodes: mac: 52:54:00:77:00:[01-28] is 40, name: n[1-39] is 39",
    ],
    [
      "a pattern that leads out of an address",
      `${smallest}nodes: [{mac: "52:54:00:77:00:[01-0a]", ip: "10.13.20.[250-259]"}]`,
      'nodes[0].ip: expected an IPv4 address, as 10.13.20.1, or a pattern, as 10.13.20.[11-50], found "10.13.20.[250-259]"',
    ],
    [
      "a MAC pattern of odd digits",
      `${smallest}nodes: [{mac: "52:54:00:77:00:[1-28]"}]`,
      "nodes[0].mac: expected a MAC address, as 52:54:00:77:00:01, or a pattern, as 52:54:00:77:00:[01-28]",
    ],
    [
      "a pattern with one number twice",
      `${smallest}nodes: [{mac: "52:54:00:77:00:[01-03,02]"}]`,
      "nodes[0].mac: 52:54:00:77:00:02 is already that of nodes[0]",
    ],
    [
      "more nodes than there may be",
      `${smallest}nodes: [{serial: "S[1-999999999]"}]`,
      "nodes: expected at most 10000 nodes, found 999999999",
    ],
    [
      "a node outside every network",
      `${smallest}nodes: [{mac: 525400000001, ip: 10.13.21.5}]`,
      "nodes[0].ip: expected an address in 10.13.20.0/24, the network of the interface, found 10.13.21.5",
    ],
    [
      "a node outside every network, where there are several",
      `${smallest.replace("dhcp: {", "dhcp: { subnets: [{network: 10.13.31.0/24, router: 10.13.31.1}],")}nodes: [{mac: 525400000001, ip: 10.13.21.5}]`,
      "nodes[0].ip: expected an address in 10.13.20.0/24, the network of the interface, or in 10.13.31.0/24, found 10.13.21.5",
    ],
    [
      "a loader that is none",
      `${smallest}nodes: [{mac: 525400000001, loader: lilo}]`,
      'nodes[0].loader: expected one of auto, pxelinux, lpxelinux, ipxe, grub, shim, found "lilo"',
    ],
    ...(
      [
        ["10.13.20.254", "the router's address"],
        ["10.13.20.253", "a name server's address"],
        ["10.13.20.0", "the address of the network 10.13.20.0/24 itself"],
        ["10.13.20.255", "the broadcast address of 10.13.20.0/24"],
      ] as const
    ).map(([ip, whose]): [string, string, string] => [
      `a node at ${whose}`,
      `${smallest.replace("{ range:", "{ router: 10.13.20.254, dns: 10.13.20.253, range:")}nodes: [{mac: 525400000001, ip: ${ip}}]`,
      `nodes[0].ip: ${ip} is ${whose}; choose another`,
    ]),
    [
      "an initrd for an EFI program",
      smallest.replace("default: tmpfs", "labels: { x: { program: /x.EFI, initrd: /y } }"),
      "boot.labels.x.initrd: expected none beside an EFI program",
    ],
    [
      "an allow-list of nobody",
      smallest.replace("{ range:", "{ allow: [], range:"),
      "sidus.yaml:3: dhcp.allow: expected one MAC address at least; without this key everybody is answered",
    ],
    [
      "a mode that is none",
      smallest.replace("{ range:", "{ mode: on, range:"),
      'sidus.yaml:3: dhcp.mode: expected one of server, proxy, off, found "on"',
    ],
    [
      "a range beside another server",
      smallest.replace("{ range:", "{ mode: proxy, range:"),
      "sidus.yaml:3: dhcp.range: means nothing with mode: proxy, where the addresses are another server's to give; remove it, or choose another mode",
    ],
    [
      "an allow-list of nobody's",
      smallest.replace(/\{ range: .*/, "{ mode: off, allow: 52:54:00:* }"),
      "sidus.yaml:3: dhcp.allow: means nothing with mode: off, where no DHCP is served at all",
    ],
    [
      "an allow-list's address",
      smallest.replace("{ range:", "{ allow: [52:54], range:"),
      "dhcp.allow[0]: expected a MAC address, or the first bytes of one, as 52:54:00:*",
    ],
    [
      "subnets that overlap",
      smallest.replace(
        "{ range:",
        "{ subnets: [{network: 10.13.0.0/16, router: 10.13.0.1}], range:",
      ),
      "sidus.yaml:3: dhcp.subnets[0].network: 10.13.0.0/16 overlaps 10.13.20.0/24",
    ],
    [
      "one subnet twice",
      smallest.replace(
        "{ range:",
        "{ subnets: [{network: 10.1.0.0/16, router: 10.1.0.1}, {network: 10.1.0.0/16, router: 10.1.0.1}], range:",
      ),
      "dhcp.subnets[1].network: 10.1.0.0/16 overlaps 10.1.0.0/16",
    ],
    [
      "a range outside its subnet",
      smallest.replace(
        "{ range:",
        "{ subnets: [{network: 10.1.0.0/16, router: 10.1.0.1, range: 10.2.0.1-10.2.0.9}], range:",
      ),
      "dhcp.subnets[0].range: expected an address in 10.1.0.0/16, found 10.2.0.1",
    ],
    [
      "a subnet that no node can leave",
      smallest.replace("{ range:", "{ subnets: [{network: 10.1.0.0/16}], range:"),
      "sidus.yaml:3: dhcp.subnets[0]: expected router: ADDRESS, as its nodes reach this server through one",
    ],
    [
      "a router that nobody can reach",
      smallest.replace("{ range:", "{ router: 10.13.21.1, range:"),
      "dhcp.router: expected an address in 10.13.20.0/24, the network of the interface, found 10.13.21.1",
    ],
    [
      "a label for strangers that is none",
      smallest.replace("default: tmpfs", "unknown: inspect"),
      'sidus.yaml:6: boot.unknown: expected one of tmpfs, iscsi, admin, local, found "inspect"',
    ],
    [
      "a menu of hours",
      smallest.replace("default: tmpfs", "menu: 2h"),
      'boot.menu: expected a time below 1h, as 5s, or 0 for no menu, found "2h"',
    ],
    [
      "a message with more than one line",
      smallest.replace("default: tmpfs", 'labels: { x: { message: "a\\nb" } }'),
      "boot.labels.x.message: expected a message on one line",
    ],
    [
      "a message that boots",
      smallest.replace("default: tmpfs", "labels: { x: { message: no, append: quiet } }"),
      "boot.labels.x.append: does not go with message:, beside which is nothing",
    ],
    [
      "a program with a layer",
      smallest.replace("default: tmpfs", "labels: { x: { program: /a.efi, layer: none } }"),
      "boot.labels.x.layer: does not go with program:, beside which is initrd:, append:, export:",
    ],
    [
      "a relative program",
      smallest.replace("default: tmpfs", "labels: { x: { program: a.efi } }"),
      'boot.labels.x.program: expected an absolute path without blanks and commas, as /srv/nfsroot/sidus, found "a.efi"',
    ],
    [
      "a disk counted from nought",
      smallest.replace("default: tmpfs", "labels: { x: { local: { disk: 0 } } }"),
      'boot.labels.x.local.disk: expected the number of a disk, counted from 1, up to 128, found "0"',
    ],
    [
      "two initrds of a tree's kernel",
      smallest.replace("default: tmpfs", "labels: { x: { kernel: /k, initrd: [/a, /b] } }"),
      "boot.labels.x.initrd: expected one; a list is for program:",
    ],
    [
      "DHCP's ports that are one",
      `${smallest}ports: { tftp: 4011 }\n`,
      "sidus.yaml:7: ports.tftp: 4011 is already that of another service of sidus: proxy",
    ],
    ["an empty file", "", "interface: expected the name of a network interface"],
    ["text", "hello", "expected keys and values"],
  ])("refuses %s in one line with its place", (_, text, expected) => {
    const message = refusal(text);
    expect(message).toContain(expected);
    expect(message).not.toContain("\n");
    expect(message).toMatch(/^sidus\.yaml:(?:\d+:)? /);
  });

  test("beside another server, its addresses are facts, in whatever network", () => {
    const config = load(`
interface: eth1
dhcp: { mode: proxy, deny-unknown: true, allow: 52:54:00:* }
exports: { sidus: { source: /srv/nfsroot/sidus } }
nodes: [{ mac: 525400000001, ip: 10.99.0.1, volume: a }]
`);
    expect(config.dhcp.mode).toBe("proxy");
    expect(config.dhcp.subnets).toMatchObject([{ network: config.subnet, ranges: [] }]);
    expect(config.nodes[0]?.address).toBe(address("10.99.0.1"));
  });

  test("the loaders are those that the boot services know", () => {
    expect(loaders).toEqual(loaderChoices);
  });

  test("a file that is not there", () => {
    expect(() => loadConfig("/nowhere/sidus.yaml", interfaces)).toThrow(
      "/nowhere/sidus.yaml: no such file; name the configuration with --config FILE",
    );
  });
});
