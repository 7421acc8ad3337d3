import { describe, expect, test } from "vitest";
import { inventoryOf } from "../../src/boot/inventory.ts";
import { BROADCAST_ADDRESS, formatIpv4, ipv4 } from "../../src/bytes/ipv4.ts";
import type { MacPattern } from "../../src/bytes/mac.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { MessageType } from "../../src/dhcp/options.ts";
import { type DhcpPacket, decodePacket, findOption } from "../../src/dhcp/packet.ts";
import { destinationOf } from "../../src/dhcp/reply.ts";
import { udpFrames } from "../captures.ts";
import {
  address,
  ascii,
  type ClientMessage,
  clientMessage,
  mac,
  node,
  numberedMac,
  octets,
  rangeOf,
  SERVER,
  settingsWith,
} from "./messages.ts";
import { codes, data, Room, text } from "./room.ts";

const { DISCOVER, REQUEST, DECLINE, RELEASE, INFORM } = MessageType;
const ports = { server: 67, client: 68 };
const me = numberedMac(1);
const other = numberedMac(2);
const OTHER_SERVER = address("10.77.0.2");

describe("DISCOVER, RFC 2131 §4.3.1", () => {
  test("OFFER: the fields of table 3, message type and server identifier first", () => {
    const room = new Room();
    const offer = room.reply(clientMessage({ type: DISCOVER, mac: me, xid: 77, flags: 0x8000 }));
    expect(offer).toMatchObject({
      op: 2,
      hardwareType: 1,
      hops: 0,
      xid: 77,
      secs: 0,
      flags: 0x8000,
      ciaddr: 0,
      siaddr: SERVER,
      giaddr: 0,
      paddedTo: 300,
    });
    expect(codes(offer).slice(0, 2)).toEqual([53, 54]);
    expect(data(offer, 53)).toEqual([2]);
    expect(data(offer, 54)).toEqual([10, 77, 0, 1]);
    expect(data(offer, 51)).toEqual([0, 0, 0x0e, 0x10]);
    expect(data(offer, 58)).toEqual([0, 0, 0x07, 0x08]);
    expect(data(offer, 59)).toEqual([0, 0, 0x0c, 0x4e]);
    expect(data(offer, 1)).toEqual([255, 255, 255, 0]);
    expect(data(offer, 28)).toEqual([10, 77, 0, 255]);
  });

  test("§3.3: an infinite lease is 0xffffffff, and is not renewed", () => {
    const offer = new Room(settingsWith({ leaseSeconds: "infinite" })).reply(
      clientMessage({ type: DISCOVER, mac: me }),
    );
    expect(data(offer, 51)).toEqual([255, 255, 255, 255]);
    expect(codes(offer)).not.toContain(58);
    expect(codes(offer)).not.toContain(59);
  });

  test("§3.5: a client gets a shorter time where it wishes for one, but no longer one, nor one too short", () => {
    const grantedFor = (seconds: number[], leaseSeconds: number | "infinite" = 3600) =>
      data(
        new Room(settingsWith({ leaseSeconds })).reply(
          clientMessage({ type: DISCOVER, mac: me, more: [[51, seconds]] }),
        ),
        51,
      );
    const hour = [0, 0, 0x0e, 0x10];
    expect(grantedFor([0, 0, 3, 0])).toEqual([0, 0, 3, 0]);
    expect(grantedFor([0, 1, 0, 0])).toEqual(hour);
    expect(grantedFor([0, 0, 0, 1])).toEqual([0, 0, 0, 120]);
    expect(grantedFor([255, 255, 255, 255])).toEqual(hour);
    expect(grantedFor([1, 2, 3])).toEqual(hour);
    expect(grantedFor([0, 0, 3, 0], "infinite")).toEqual([0, 0, 3, 0]);
    expect(grantedFor([0, 0, 0, 0], "infinite")).toEqual([0, 0, 0, 120]);
    expect(grantedFor([255, 255, 255, 255], "infinite")).toEqual([255, 255, 255, 255]);
  });

  test("§3.5: the lease ends as the client was told", () => {
    const room = new Room();
    const given = room.bind(me, { more: [[51, [0, 0, 0, 200]]] });
    expect(room.leases.at(given, room.now + 200_000)?.mac).toBe(me);
    expect(room.leases.at(given, room.now + 211_000)).toBeUndefined();
  });

  test("who is not allowed is not answered, by whole addresses or by makers", () => {
    const allow = ["525400000001", "0050"].map((pattern) => pattern as MacPattern);
    const room = new Room(settingsWith({ allow }));
    expect(room.says({ type: DISCOVER, mac: me })).toMatch("OFFER");
    expect(room.says({ type: DISCOVER, mac: other })).toBe("not-allowed");
    expect(room.says({ type: DISCOVER, mac: mac("005000000009") })).toMatch("OFFER");
  });

  test("a node known by its UUID has its reservation with whatever MAC address it comes", () => {
    const known = { ...node("525400000001", "10.77.0.200"), mac: undefined, uuid: "u" };
    const inventory = inventoryOf([known], (of) =>
      of === other ? { uuid: "u", serial: undefined } : undefined,
    );
    const room = new Room(settingsWith({ inventory, denyUnknown: true }));
    expect(room.says({ type: DISCOVER, mac: other })).toBe("OFFER 10.77.0.200");
    expect(room.says({ type: DISCOVER, mac: me })).toBe("unknown-node");
  });

  test("an exhausted pool and an unknown node are told", () => {
    const room = new Room(settingsWith({ ranges: [rangeOf("10.77.0.50", 1)] }));
    room.bind();
    expect(room.says({ type: DISCOVER, mac: other })).toBe("pool-exhausted");
    room.settings = settingsWith({ denyUnknown: true }, [node("525400000001")]);
    expect(room.says({ type: DISCOVER, mac: other })).toBe("unknown-node");
    expect(room.says({ type: DISCOVER, mac: me })).toBe("OFFER 10.77.0.50");
  });

  test("RFC 6842 §3 and RFC 3046 §2.2: client identifier and relay option come back, the latter last", () => {
    const offer = new Room().reply(
      clientMessage({
        type: DISCOVER,
        mac: me,
        giaddr: address("10.77.0.9"),
        more: [
          [82, [1, 2, 97, 98]],
          [61, [1, 2, 3]],
        ],
      }),
    );
    expect(codes(offer).slice(-2)).toEqual([61, 82]);
    expect(data(offer, 82)).toEqual([1, 2, 97, 98]);
    expect(data(offer, 61)).toEqual([1, 2, 3]);
    expect(offer.giaddr).toBe(address("10.77.0.9"));
  });
});

describe("options by what the client asks for, RFC 2132 §9.8", () => {
  const subnet = {
    router: address("10.77.0.254"),
    dns: [address("10.77.0.2"), address("10.77.0.3")],
    domain: "example.org",
  };
  const settings = settingsWith(
    {
      ...subnet,
      rootPath: () => "10.77.0.1:/srv/nfsroot/sidus",
      bootFile: ({ architecture }) => (architecture === 7 ? "grub.efi" : "pxelinux.0"),
    },
    [node("525400000001", undefined, "alpha")],
  );
  const offer = (more: ClientMessage["more"]) =>
    new Room(settings).reply(clientMessage({ type: DISCOVER, mac: me, more: more ?? [] }));

  test("without a list, all there is", () => {
    const packet = offer([]);
    expect(data(packet, 3)).toEqual([10, 77, 0, 254]);
    expect(data(packet, 6)).toEqual([10, 77, 0, 2, 10, 77, 0, 3]);
    expect(text(packet, 12)).toBe("alpha");
    expect(text(packet, 15)).toBe("example.org");
    expect(text(packet, 17)).toBe("10.77.0.1:/srv/nfsroot/sidus");
  });

  test("with a list, what it names and what nobody can do without", () => {
    expect(codes(offer([[55, [3, 99]]]))).toEqual([53, 54, 51, 58, 59, 1, 3]);
  });

  test("firmware gets the boot file twice and the server twice, and no root path", () => {
    const packet = offer([[93, [0, 7]]]);
    expect(packet.file).toBe("grub.efi");
    expect(text(packet, 67)).toBe("grub.efi");
    expect(packet.siaddr).toBe(SERVER);
    expect(text(packet, 66)).toBe("10.77.0.1");
    expect(codes(packet)).not.toContain(17);
    expect(offer([[93, [0, 0]]]).file).toBe("pxelinux.0");
  });

  test("what is not firmware gets no boot file", () => {
    const packet = offer([]);
    expect(packet.file).toBe("");
    expect(codes(packet)).not.toContain(67);
    expect(codes(packet)).not.toContain(66);
  });

  test("a boot file too long for the header is in option 67 alone", () => {
    const url = `http://10.77.0.1/${"x".repeat(120)}`;
    const packet = new Room({ ...settings, bootFile: () => url }).reply(
      clientMessage({ type: DISCOVER, mac: me, more: [[93, [0, 0]]] }),
    );
    expect(packet.file).toBe("");
    expect(text(packet, 67)).toBe(url);
  });

  test("RFC 2132 §9.10: a reply is no longer than the client can take, and keeps what it needs most", () => {
    const domain = "d".repeat(240);
    const long = settingsWith({ ...subnet, domain, bootFile: () => "b".repeat(100) });
    const discover = (bytes: number) =>
      new Room(long).reply(
        clientMessage({
          type: DISCOVER,
          mac: me,
          more: [
            [93, [0, 0]],
            [57, [bytes >> 8, bytes & 255]],
          ],
        }),
      );
    const tight = discover(300);
    expect(tight.paddedTo).toBeLessThanOrEqual(576 - 28);
    expect(codes(tight)).not.toContain(15);
    expect(text(tight, 67)).toBe("b".repeat(100));
    expect(text(discover(1472), 15)).toBe("d".repeat(240));
  });

  test("what does not fit goes where file and sname would be, RFC 2132 §9.3: only then, and the rest is left out", () => {
    const domain = "d".repeat(120);
    const dns = Array.from({ length: 10 }, (_, at) => ipv4(SERVER + at));
    const wanted = settingsWith({ ...subnet, domain, dns, bootFile: () => "b".repeat(100) }, [
      node("525400000001", undefined, "alpha"),
    ]);
    const replyTo = (more: NonNullable<ClientMessage["more"]>) => {
      const relay = [82, [1, 100, ...ascii("r".repeat(100))]] as const;
      const asked = clientMessage({
        type: DISCOVER,
        mac: me,
        giaddr: SERVER,
        more: [...more, relay],
      });
      return { bytes: new Room(wanted).encoded(asked), packet: new Room(wanted).reply(asked) };
    };
    const kernel = replyTo([]);
    expect(kernel.bytes.length).toBeLessThanOrEqual(576 - 28);
    // Option 52 comes after the message type: file holds options.
    expect([...kernel.bytes.subarray(240, 246)]).toEqual([53, 1, 2, 52, 1, 1]);
    expect(kernel.packet.file).toBe("");
    expect(codes(kernel.packet)).toEqual(expect.arrayContaining([1, 3, 6, 12, 15, 28, 82]));
    expect(text(kernel.packet, 15)).toBe(domain);
    expect(data(kernel.packet, 6)).toHaveLength(40);
    // The relay's is the last of those in their own place.
    const end = kernel.bytes.lastIndexOf(255);
    expect(kernel.bytes[end - 104]).toBe(82);

    const firmware = replyTo([[93, [0, 0]]]);
    expect(firmware.packet.file).toBe("b".repeat(100));
    expect(data(firmware.packet, 6)).toHaveLength(40);
    expect(codes(firmware.packet)).not.toContain(15);
    expect([...firmware.bytes.subarray(243, 246)]).toEqual([52, 1, 2]);
    expect(firmware.bytes.length).toBeLessThanOrEqual(576 - 28);

    const roomy = replyTo([[57, [5, 220]]]);
    expect(roomy.bytes[243]).toBe(54);
    expect(new Set(codes(roomy.packet))).toEqual(new Set(codes(kernel.packet)));
  });

  test("UEFI HTTP boot, UEFI 2.10 §24.7.3: the class comes back, and the URL in option 67 and file", () => {
    const url = "http://10.77.0.1/grubnetx64.efi";
    const http = [
      [60, ascii("HTTPClient:Arch:00016:UNDI:003001")],
      [93, [0, 16]],
      [55, [1, 3]],
    ] as const;
    const packet = new Room({ ...settings, bootFile: () => url }).reply(
      clientMessage({ type: DISCOVER, mac: me, more: http }),
    );
    expect(text(packet, 60)).toBe("HTTPClient");
    expect(text(packet, 67)).toBe(url);
    expect(packet.file).toBe(url);
    expect(packet.siaddr).toBe(SERVER);
    expect(codes(packet)).not.toContain(66);
    expect(codes(packet)).not.toContain(43);
  });

  test("PXE firmware that asks for both gets PXEClient and that it need not ask port 4011, PXE 2.1 table 2-1", () => {
    const pxe = (list: number[]) =>
      offer([
        [60, ascii("PXEClient:Arch:00000:UNDI:002001")],
        [55, list],
      ]);
    expect(text(pxe([43, 60, 67]), 60)).toBe("PXEClient");
    expect(data(pxe([43, 60, 67]), 43)?.slice(0, 3)).toEqual([6, 1, 8]);
    expect(codes(pxe([60, 67]))).not.toContain(60);
    expect(codes(pxe([43, 67]))).not.toContain(43);
  });

  test("iPXE is told not to wait for a ProxyDHCP server, where it speaks iPXE's options", () => {
    expect(data(offer([[175, [0xb1, 1, 1]]]), 175)).toEqual([0xb0, 1, 1, 255]);
    expect(codes(offer([]))).not.toContain(175);
  });
});

describe("REQUEST, RFC 2131 §4.3.2", () => {
  const request: ClientMessage = { type: REQUEST, mac: me };
  const free = address("10.77.0.60");

  test("SELECTING: our offer is acknowledged, again when it is asked again", () => {
    const room = new Room();
    const { yiaddr } = room.reply(clientMessage({ type: DISCOVER, mac: me }));
    const selecting = { ...request, serverId: SERVER, requested: yiaddr };
    expect(room.says(selecting)).toBe(`ACK ${formatIpv4(yiaddr)}`);
    expect(room.says(selecting)).toBe(`ACK ${formatIpv4(yiaddr)}`);
    expect(room.leases.at(yiaddr, room.now)?.mac).toBe(me);
  });

  test("SELECTING: an offer forgotten in a restart holds where the address is free; a taken one is NAKed", () => {
    const room = new Room();
    const selecting = { ...request, serverId: SERVER, requested: free };
    expect(room.says(selecting)).toBe("ACK 10.77.0.60");
    expect(room.says({ ...selecting, mac: other })).toBe("NAK");
    expect(room.says({ ...selecting, requested: SERVER })).toBe("NAK");
    expect(room.says({ ...request, serverId: SERVER })).toBe("no-address");
  });

  test("SELECTING another server: silence, and the offer is free for others", () => {
    const room = new Room(settingsWith({ ranges: [rangeOf("10.77.0.60", 1)] }));
    expect(room.says({ type: DISCOVER, mac: me })).toBe("OFFER 10.77.0.60");
    expect(room.says({ ...request, serverId: OTHER_SERVER, requested: free })).toBe("silent");
    expect(room.says({ type: DISCOVER, mac: other })).toBe("OFFER 10.77.0.60");
  });

  test("INIT-REBOOT: its address is acknowledged, another of ours is NAKed", () => {
    const room = new Room();
    const mine = room.bind();
    expect(room.says({ ...request, requested: mine })).toBe(`ACK ${formatIpv4(mine)}`);
    expect(room.says({ ...request, requested: address("10.77.0.99") })).toBe("NAK");
  });

  test("INIT-REBOOT: of another network is NAKed, of a client without a record is not answered", () => {
    const room = new Room();
    expect(room.says({ ...request, requested: address("10.99.0.5") })).toBe("NAK");
    expect(room.says({ ...request, requested: free })).toBe("unknown-lease");
    expect(room.says(request)).toBe("no-address");
  });

  test("RENEWING and REBINDING: the lease begins anew", () => {
    const room = new Room();
    const ciaddr = room.bind();
    room.now += 1_800_000;
    const ack = room.reply(clientMessage({ ...request, ciaddr }));
    expect(ack).toMatchObject({ ciaddr, yiaddr: ciaddr });
    expect(data(ack, 51)).toEqual([0, 0, 0x0e, 0x10]);
    expect(room.leases.at(ciaddr, room.now + 3_599_000)?.mac).toBe(me);
  });

  test("RENEWING: a lease lost with the state is given again where it is free, else NAKed", () => {
    const room = new Room();
    expect(room.says({ ...request, ciaddr: free })).toBe("ACK 10.77.0.60");
    expect(room.says({ ...request, mac: other, ciaddr: free })).toBe("NAK");
  });

  test("RENEWING: an address that another server gave is left to it", () => {
    const room = new Room();
    expect(room.says({ ...request, ciaddr: address("10.77.0.120") })).toBe("unknown-lease");
    expect(room.says({ ...request, ciaddr: address("10.99.0.5") })).toBe("other-subnet");
  });

  test("a node whose reservation changed is told to move, once the new address is free", () => {
    const room = new Room();
    const ciaddr = room.bind();
    room.settings = settingsWith({}, [node("525400000001", "10.77.0.200")]);
    expect(room.says({ ...request, ciaddr })).toBe("NAK");
    expect(room.says({ ...request, requested: ciaddr })).toBe("NAK");
    expect(room.says({ type: DISCOVER, mac: me })).toBe("OFFER 10.77.0.200");
  });

  test("a node in an address that is now reserved for another is told to move", () => {
    const room = new Room();
    const ciaddr = room.bind();
    room.settings = settingsWith({}, [{ ...node("525400000002"), address: ciaddr }]);
    expect(room.says({ ...request, ciaddr })).toBe("NAK");
  });

  test("NAK has no address, but says why", () => {
    const room = new Room();
    const nak = room.reply(clientMessage({ ...request, requested: address("10.99.0.5") }));
    expect(nak).toMatchObject({ ciaddr: 0, yiaddr: 0, siaddr: 0, file: "" });
    expect(codes(nak)).toEqual([53, 54, 56]);
    expect(text(nak, 56)).toBe("wrong network");
  });

  test("a NAK by way of a relay asks it to broadcast", () => {
    const giaddr = address("10.77.0.9");
    const nak = new Room().reply(
      clientMessage({ ...request, giaddr, requested: address("10.99.0.5") }),
    );
    expect(nak.flags).toBe(0x8000);
  });
});

describe("the other messages", () => {
  test("DECLINE, §4.3.3: the address is given to nobody for a while", () => {
    const room = new Room(settingsWith({ ranges: [rangeOf("10.77.0.50", 1)] }));
    const requested = room.bind();
    const decline = { type: DECLINE, mac: me, requested };
    expect(room.says({ ...decline, serverId: OTHER_SERVER })).toBe("silent");
    expect(room.says({ ...decline, mac: other, serverId: SERVER })).toBe("unknown-lease");
    expect(room.says({ ...decline, serverId: SERVER })).toBe("silent");
    expect(room.says({ type: DISCOVER, mac: me })).toBe("pool-exhausted");
  });

  test("RELEASE, §4.3.4: the address is free", () => {
    const room = new Room(settingsWith({ ranges: [rangeOf("10.77.0.50", 1)] }));
    const ciaddr = room.bind();
    expect(room.says({ type: RELEASE, mac: me, serverId: SERVER })).toBe("no-address");
    expect(room.says({ type: RELEASE, mac: me, ciaddr, serverId: OTHER_SERVER })).toBe("silent");
    expect(room.says({ type: RELEASE, mac: me, ciaddr, serverId: SERVER })).toBe("silent");
    expect(room.says({ type: DISCOVER, mac: other })).toBe("OFFER 10.77.0.50");
  });

  test("INFORM, §4.3.5: the ACK has neither address nor lease time", () => {
    const room = new Room(settingsWith({ router: address("10.77.0.254") }));
    const ciaddr = address("10.77.0.120");
    const ack = room.reply(clientMessage({ type: INFORM, mac: me, ciaddr }));
    expect(ack).toMatchObject({ ciaddr, yiaddr: 0 });
    expect(codes(ack)).toEqual([53, 54, 1, 3, 28]);
    expect(room.says({ type: INFORM, mac: me })).toBe("no-address");
  });

  test("what servers send is not answered", () => {
    for (const type of [2, 5, 6]) {
      expect(new Room().says({ type, mac: me })).toBe("not-for-servers");
    }
  });

  test("a client or relay of a network that is not ours is not answered", () => {
    const room = new Room();
    expect(room.says({ type: DISCOVER, mac: me, giaddr: address("10.99.0.1") })).toBe(
      "other-subnet",
    );
    expect(room.says({ type: DISCOVER, mac: me, ciaddr: address("192.0.2.1") })).toBe(
      "other-subnet",
    );
  });
});

describe("where a reply goes, RFC 2131 §4.1", () => {
  const to = (message: Partial<ClientMessage>, reply: MessageType) => {
    const packet = decodePacket(clientMessage({ type: REQUEST, mac: me, ...message }));
    if (isMalformed(packet)) throw new Error(packet.malformed);
    return destinationOf(packet, reply, ports);
  };
  const ciaddr = address("10.77.0.60");
  const giaddr = address("10.77.0.9");

  test("to the relay, to the client's address, or to all", () => {
    const all = { address: BROADCAST_ADDRESS, port: 68 };
    expect(to({ giaddr, ciaddr }, MessageType.ACK)).toEqual({ address: giaddr, port: 67 });
    expect(to({ ciaddr }, MessageType.ACK)).toEqual({ address: ciaddr, port: 68 });
    expect(to({}, MessageType.OFFER)).toEqual(all);
    expect(to({ flags: 0x8000 }, MessageType.ACK)).toEqual(all);
    expect(to({ ciaddr }, MessageType.NAK)).toEqual(all);
    expect(to({ giaddr }, MessageType.NAK)).toEqual({ address: giaddr, port: 67 });
  });
});

describe("captured clients get what they need", () => {
  const settings = settingsWith(
    {
      leaseSeconds: 3600,
      router: SERVER,
      bootFile: ({ architecture }) => (architecture === 7 ? "grubnetx64.efi" : "pxelinux.0"),
      rootPath: () => "10.77.0.1:/srv/nfsroot/tree",
    },
    [node("525400770001", "10.77.0.11", "sidus1")],
  );

  /** Our replies to the client's messages of a capture, beside dnsmasq's. */
  function replay(capture: string): { ours: DhcpPacket; theirs: DhcpPacket }[] {
    const room = new Room(settings);
    const frames = udpFrames(capture);
    const seen = new Set<number>();
    return frames.flatMap(({ to, bytes }, at) => {
      if (to.port !== 67) return [];
      const theirs = frames.slice(at + 1).find((frame) => {
        const answers = frame.to.port === 68 && !seen.has(frames.indexOf(frame));
        return answers && Buffer.compare(frame.bytes.subarray(4, 8), bytes.subarray(4, 8)) === 0;
      });
      if (theirs === undefined) return [];
      seen.add(frames.indexOf(theirs));
      const decoded = decodePacket(theirs.bytes);
      if (isMalformed(decoded)) throw new Error(decoded.malformed);
      return [{ ours: room.reply(bytes), theirs: decoded }];
    });
  }

  test.each(["k-fast", "a-bios-tmpfs", "c-uefi-grub", "l-dhcp-broadcast", "p-pxelinux-default"])(
    "%s: address, next server, boot file and network as dnsmasq gave them",
    (capture) => {
      const pairs = replay(capture);
      expect(pairs.length).toBeGreaterThanOrEqual(4);
      for (const { ours, theirs } of pairs) {
        for (const field of ["op", "xid", "yiaddr", "siaddr", "giaddr", "chaddr"] as const) {
          expect(ours[field]).toEqual(theirs[field]);
        }
        for (const code of [53, 54, 51, 58, 59, 1, 28, 12, 3]) {
          // dnsmasq gives the broadcast address also to who did not ask for it.
          if (code === 28 && findOption(ours, 28) === undefined) continue;
          expect(data(ours, code)).toEqual(data(theirs, code));
        }
        expect(text(ours, 67)).toBe(text(theirs, 67)?.replace(/\0$/, ""));
        if (text(ours, 67) !== undefined) expect(ours.file).toBe(text(ours, 67));
      }
    },
  );

  test("iPXE's ROM gets what makes it go on at once, in the bytes that it understood", () => {
    for (const { ours, theirs } of replay("k-fast").slice(0, 2)) {
      expect(data(theirs, 175)).toEqual([0xb0, 1, 1, 255]);
      expect(data(ours, 175)).toEqual(data(theirs, 175));
      expect(codes(ours)).not.toContain(17);
    }
  });

  test("klibc's ipconfig gets root path and name, and no boot file", () => {
    const kernel = replay("k-fast").slice(2);
    expect(kernel).toHaveLength(2);
    for (const { ours } of kernel) {
      expect(text(ours, 17)).toBe("10.77.0.1:/srv/nfsroot/tree");
      expect(text(ours, 12)).toBe("sidus1");
      expect(ours.file).toBe("");
      expect(codes(ours)).not.toContain(67);
    }
  });

  test("the firmware and the kernel of one node get one address, whatever their client identifiers", () => {
    const room = new Room(settingsWith());
    const discovers = udpFrames("k-fast").filter(
      ({ to, bytes }) => to.port === 67 && bytes[242] === 1,
    );
    const addresses = discovers.map(({ bytes }) => room.reply(bytes).yiaddr);
    expect(discovers.length).toBeGreaterThan(1);
    expect(new Set(addresses).size).toBe(1);
  });
});

test("text given by the client never comes back as ours", () => {
  const offer = new Room().reply(
    clientMessage({
      type: DISCOVER,
      mac: me,
      more: [
        [12, ascii("evil")],
        [54, octets(SERVER)],
      ],
    }),
  );
  expect(codes(offer)).not.toContain(12);
});
