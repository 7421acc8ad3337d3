import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIpv4, type Ipv4, ipv4 } from "../../../src/bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../../../src/bytes/mac.ts";
import { formatDnsmasq, parseDnsmasq } from "../../../src/cli/nodes/dnsmasq.ts";
import { entryOf, type Imported } from "../../../src/cli/nodes/host.ts";
import { readHosts, withoutDuplicates } from "../../../src/cli/nodes/import.ts";
import { formatIsc, parseIsc } from "../../../src/cli/nodes/isc.ts";
import type { NodeConfig } from "../../../src/config/config.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";

function shown({ hosts, notes }: Imported) {
  return {
    hosts: hosts.map((host) => `${host.line}: ${Object.values(entryOf(host)).join(" ")}`),
    notes: notes.map((note) => `${note.line}: ${note.isLost ? "LOST " : ""}${note.text}`),
  };
}

function node(change: Partial<NodeConfig>): NodeConfig {
  return {
    entry: 0,
    mac: undefined,
    uuid: undefined,
    serial: undefined,
    name: undefined,
    address: undefined,
    label: undefined,
    loader: undefined,
    append: undefined,
    volume: { name: undefined, bytes: undefined },
    ...change,
  };
}

describe("dnsmasq", () => {
  test("dhcp-host lines, as dnsmasq(8) has them, among other settings", () => {
    const text = `# a room
interface=eth1
dhcp-range=10.0.0.50,10.0.0.99,12h
dhcp-host=11:22:33:44:55:66,192.168.0.60
dhcp-host = 52-54-00-77-00-01 , n1 , 10.0.0.11 # the first
--dhcp-host=525400770002,n2.lab.example.org
dhcp-host="52:54:00:77:00:03,n3"
dhcp-host=01-52:54:00:77:00:04,set:red,n4,infinite
#dhcp-host=52:54:00:77:00:05,n5
  dhcp-host=10.0.0.12,52:54:00:77:00:06,n6,45m
`;
    expect(shown(parseDnsmasq(text))).toEqual({
      hosts: [
        "4: 11:22:33:44:55:66 192.168.0.60",
        "5: 52:54:00:77:00:01 n1 10.0.0.11",
        "6: 52:54:00:77:00:02 n2",
        "7: 52:54:00:77:00:03 n3",
        "8: 52:54:00:77:00:04 n4",
        "10: 52:54:00:77:00:06 n6 10.0.0.12",
      ],
      notes: [
        "6: left out: the domain of n2.lab.example.org",
        "8: left out: the tag set:red",
        "8: left out: its own lease time infinite",
        "10: left out: its own lease time 45m",
      ],
    });
  });

  test("what cannot be a node here is named by its line", () => {
    const text = `dhcp-host=id:01:02:03:04,n1
dhcp-host=lap,192.168.0.199
dhcp-host=00:20:e0:3b:13:*,ignore
dhcp-host=00:20:e0:3b:13:af,ignore
dhcp-host=11:22:33:44:55:66,12:34:56:78:90:12,192.168.0.2,192.168.0.3,a,b
dhcp-host=11:22:33:44:55:67,[1234::56],net:old,no_name
dhcp-host=06-00:20:e0:3b:13:af,1.2.3.4
dhcp-host=
dhcp-hostsfile=/etc/hosts.dhcp
conf-dir=/etc/dnsmasq.d/,*.conf
`;
    expect(shown(parseDnsmasq(text))).toEqual({
      hosts: ["5: 11:22:33:44:55:66 a 192.168.0.2", "6: 11:22:33:44:55:67"],
      notes: [
        "1: left out: the client identifier id:01:02:03:04",
        `1: LOST "id:01:02:03:04,n1" has no whole MAC address; not imported`,
        `2: LOST "lap,192.168.0.199" has no whole MAC address; not imported`,
        "3: left out: the addresses 00:20:e0:3b:13:*",
        `3: LOST "00:20:e0:3b:13:*,ignore" is a node that is to be ignored; not imported`,
        `4: LOST "00:20:e0:3b:13:af,ignore" is a node that is to be ignored; not imported`,
        "5: left out: its other address 12:34:56:78:90:12: a node here has one",
        "5: left out: its other name b",
        "5: left out: its other IP 192.168.0.3",
        "6: left out: the IPv6 address [1234::56]",
        "6: left out: the tag net:old",
        "6: left out: no_name, which is no host name",
        "7: left out: 06-00:20:e0:3b:13:af, which is no host name",
        `7: LOST "06-00:20:e0:3b:13:af,1.2.3.4" has no whole MAC address; not imported`,
        `8: LOST "" has no whole MAC address; not imported`,
        "9: dhcp-hostsfile= names another file: import that, too",
        "10: conf-dir= names another file: import that, too",
      ],
    });
  });

  test("lines of a dhcp-hostsfile", () => {
    expect(shown(parseDnsmasq("52:54:00:77:00:01,n1,10.0.0.11\n# x\nhello\n")).hosts).toEqual([
      "1: 52:54:00:77:00:01 n1 10.0.0.11",
    ]);
  });

  test("lines of a dhcp-hostsfile that begin with a tag or an identifier", async () => {
    const text = "set:red,52:54:00:77:00:01,n1\nid:01:02,n2,10.0.0.12\n";
    const file = join(directoryOf({ hosts: text }), "hosts");
    expect(shown(await readHosts(file, undefined))).toEqual({
      hosts: ["1: 52:54:00:77:00:01 n1"],
      notes: [
        "1: left out: the tag set:red",
        "2: left out: the client identifier id:01:02",
        '2: LOST "id:01:02,n2,10.0.0.12" has no whole MAC address; not imported',
      ],
    });
  });
});

describe("ISC dhcpd", () => {
  test("host blocks in groups and subnets, in whatever lines, among other statements", () => {
    const text = `# host no { hardware ethernet 52:54:00:77:00:99; }
option domain-name "host x { }"; default-lease-time 600;
host n1 { hardware ethernet 52:54:00:77:00:01; fixed-address 10.0.0.11; }
subnet 10.0.0.0 netmask 255.255.255.0 {
  pool { range 10.0.0.50 10.0.0.99; }
  group {
    host n2.lab.example.org {
      hardware ethernet 52:54:0:77:00:02;
    }
    host n3 { # the third
      option host-name "third";
      hardware
        ethernet 52:54:00:77:00:03 ; } host n4{hardware ethernet 52:54:00:77:00:04;}
    host 525400770005 { hardware ethernet 52:54:00:77:00:05; }
  }
}
`;
    expect(shown(parseIsc(text))).toEqual({
      hosts: [
        "3: 52:54:00:77:00:01 n1 10.0.0.11",
        "7: 52:54:00:77:00:02 n2",
        "10: 52:54:00:77:00:03 third",
        "13: 52:54:00:77:00:04 n4",
        "14: 52:54:00:77:00:05",
      ],
      notes: ["7: left out: the domain of n2.lab.example.org"],
    });
  });

  test("what cannot be a node here is named by its line", () => {
    const text = `include "/etc/dhcp/more.conf";
host a { hardware ethernet 52:54:00:77:00:01;
  filename "pxelinux.0"; next-server 10.0.0.1;
  fixed-address a.example.org; }
host b_c { hardware ethernet 52:54:00:77:00:02; fixed-address 10.0.0.2, 10.0.1.2; }
host c { option dhcp-client-identifier "x"; }
host d { hardware token-ring 52:54:00:77:00:04; }
host e { dynamic; deleted; hardware ethernet 52:54:00:77:00:05; }
host f { hardware ethernet 52:54:00:77:00:06; if known { deny booting; } }
host g { hardware ethernet 52:54:00:77:00:07;
`;
    expect(shown(parseIsc(text))).toEqual({
      hosts: ["2: 52:54:00:77:00:01 a", "5: 52:54:00:77:00:02 10.0.0.2", "9: 52:54:00:77:00:06 f"],
      notes: [
        "1: include /etc/dhcp/more.conf: is another file: import that, too",
        "3: left out: filename pxelinux.0",
        "3: left out: next-server 10.0.0.1",
        "4: left out: the address a.example.org: write it as numbers",
        "5: left out: its other address 10.0.1.2",
        "5: left out: its name b_c, which no host can have",
        "6: left out: option dhcp-client-identifier x",
        "6: LOST host c: has no `hardware ethernet`; not imported",
        "7: left out: hardware token-ring 52:54:00:77:00:04",
        "7: LOST host d: has no `hardware ethernet`; not imported",
        "8: left out: dynamic",
        "8: LOST host e: is deleted; not imported",
        "9: left out: if known",
        "9: left out: deny booting",
        "10: LOST host g: its block does not end; not imported",
      ],
    });
  });
});

test("who is there already, or has another's name or address, is refused with a line", () => {
  const text = `dhcp-host=52:54:00:77:00:01,n1
dhcp-host=52:54:00:77:00:02,N1,10.0.0.12
dhcp-host=52:54:00:77:00:03,10.0.0.11
dhcp-host=52:54:00:77:00:01
dhcp-host=52:54:00:77:00:04,n4
`;
  const existing = [node({ entry: 7, address: ipv4(0x0a00_000b) })];
  expect(shown(withoutDuplicates(parseDnsmasq(text), existing))).toEqual({
    hosts: ["1: 52:54:00:77:00:01 n1", "5: 52:54:00:77:00:04 n4"],
    notes: [
      "2: LOST n1 is already that of line 1; not imported",
      "3: LOST 10.0.0.11 is already that of nodes[7]; not imported",
      "4: LOST 52:54:00:77:00:01 is already that of line 1; not imported",
    ],
  });
});

const mac = fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((number) => {
  return parseMac(number.toString(16).padStart(12, "0")) as MacAddress;
});
const exported = fc.record({
  mac,
  name: fc.option(fc.stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/), { nil: undefined }),
  address: fc.option(
    fc.integer({ min: 0x0a00_0001, max: 0x0aff_fffe }).map((number): Ipv4 => ipv4(number)),
    { nil: undefined },
  ),
});

describe("what is exported", () => {
  test.each([
    ["dnsmasq", formatDnsmasq, parseDnsmasq],
    ["isc", formatIsc, parseIsc],
  ])("comes back the same: %s", (_, format, parse) => {
    fc.assert(
      fc.property(fc.array(exported, { maxLength: 20 }), (nodes) => {
        const reserved = ["infinite", "ignore"];
        const named = nodes.filter(({ name }) => !reserved.includes(name ?? ""));
        const { hosts, notes } = parse(format(named.map(node)));
        expect(notes).toEqual([]);
        expect(hosts.map(entryOf)).toEqual(named.map(entryOf));
      }),
    );
  });

  const nodes = [
    node({ mac: parseMac("525400770001"), name: "n1", address: ipv4(0x0a00_000b) }),
    node({ mac: parseMac("525400770002") }),
    node({ mac: parseMac("525400770003"), name: "007" }),
    node({ uuid: "4c4c4544-0042-3510-8052-b4c04f4e3132", name: "u" }),
    node({ serial: "S1" }),
  ];

  test("for dnsmasq", () => {
    expect(formatDnsmasq(nodes)).toBe(`dhcp-host=52:54:00:77:00:01,10.0.0.11,n1
dhcp-host=52:54:00:77:00:02
# 007 is no name to dnsmasq:
dhcp-host=52:54:00:77:00:03
# u: is known by its UUID 4c4c4544-0042-3510-8052-b4c04f4e3132, not by a MAC address
# a node: is known by its serial number S1, not by a MAC address
`);
  });

  test("for ISC's dhcpd", () => {
    expect(
      formatIsc(nodes),
    ).toBe(`host n1 { hardware ethernet 52:54:00:77:00:01; fixed-address 10.0.0.11; option host-name "n1"; }
host 525400770002 { hardware ethernet 52:54:00:77:00:02; }
host 007 { hardware ethernet 52:54:00:77:00:03; option host-name "007"; }
# u: is known by its UUID 4c4c4544-0042-3510-8052-b4c04f4e3132, not by a MAC address
# a node: is known by its serial number S1, not by a MAC address
`);
  });

  const lacking = lackingOf("dnsmasq");
  test.skipIf(lacking)(title("dnsmasq takes it", lacking), () => {
    const many = Array.from({ length: 50 }, (_, at) =>
      node({
        mac: parseMac(`5254007701${at.toString(16).padStart(2, "0")}`),
        name: `m${at}`,
        address: ipv4(0x0a00_0100 + at),
      }),
    );
    const directory = directoryOf({ "nodes.conf": formatDnsmasq([...nodes, ...many]) });
    const file = join(directory, "nodes.conf");
    // It says "syntax check OK." on standard error, and ends with an error otherwise.
    execFileSync("dnsmasq", ["--test", `--conf-file=${file}`], { stdio: "pipe" });
    expect(formatIpv4(ipv4(0x0a00_0100))).toBe("10.0.1.0");
  });
});

test("any text at all is read, and every node and every note of it has its line", () => {
  const part = fc.constantFrom(
    "dhcp-host=",
    "host ",
    "n1",
    "{",
    "}",
    ";",
    ",",
    "\n",
    " ",
    '"',
    "\\",
    "#",
    "hardware ethernet ",
    "52:54:00:77:00:01",
    "fixed-address ",
    "10.0.0.1",
    "option host-name ",
    "deleted",
    "ignore",
    "id:",
    "\u{1f600}",
  );
  const text = fc.oneof(
    fc.array(part, { maxLength: 40 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary", maxLength: 200 }),
  );
  fc.assert(
    fc.property(text, (written) => {
      const lines = written.split("\n").length;
      const all = [parseDnsmasq(written), parseIsc(written)];
      const found = all.flatMap(({ hosts, notes }) => [...hosts, ...notes]);
      expect(found.filter(({ line }) => line < 1 || line > lines)).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
