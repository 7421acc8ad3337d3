import { describe, expect, test } from "vitest";
import { parseMacPattern } from "../../../src/bytes/mac.ts";
import { isMalformed } from "../../../src/bytes/malformed.ts";
import { decodePacket } from "../../../src/dhcp/packet.ts";
import { udpFrames } from "../../captures.ts";
import {
  address,
  ascii,
  data,
  firmware,
  ipxe,
  known,
  numberedMac,
  OTHER,
  octets,
  PROXY,
  proxyRoom,
  proxySettings,
  text,
  UUID,
} from "./room.ts";

function decoded(bytes: Uint8Array) {
  const packet = decodePacket(bytes);
  if (isMalformed(packet)) throw new Error(packet.malformed);
  return packet;
}

describe("as dnsmasq, which was captured answering the same messages", () => {
  const pairs = (capture: string, port: number) => {
    const frames = udpFrames(`../proxy/${capture}`);
    return frames
      .filter(({ to }) => to.address === PROXY || to.address === 0xffff_ffff)
      .filter(({ to }) => to.port === port)
      .flatMap((asked) => {
        const id = decoded(asked.bytes).xid;
        const answered = frames.find(
          ({ from, seconds, bytes }) =>
            from.address === PROXY && seconds >= asked.seconds && decoded(bytes).xid === id,
        );
        return answered === undefined ? [] : [{ asked, answered }];
      });
  };

  test("a DISCOVER on port 67: BIOS gets discovery control, a Raspberry Pi its menu", () => {
    const { receive } = proxyRoom();
    const all = pairs("discover-dnsmasq", 67);
    expect(all).toHaveLength(4);
    const [pi, , , bios] = all;
    for (const pair of [pi, bios]) {
      if (pair === undefined) throw new Error("not captured");
      const theirs = decoded(pair.answered.bytes);
      const ours = receive(pair.asked.bytes, "dhcp")?.packet;
      for (const code of [43, 53, 54, 60, 97]) expect(data(ours, code)).toEqual(data(theirs, code));
      expect(ours).toMatchObject({
        op: theirs.op,
        xid: theirs.xid,
        flags: theirs.flags,
        ciaddr: 0,
        yiaddr: 0,
        giaddr: 0,
        chaddr: theirs.chaddr,
      });
    }
    expect(decoded(bios?.answered.bytes ?? new Uint8Array(0)).file).toBe("pxelinux.0");
  });

  test("OVMF's DISCOVER: the class without option 43; and its REQUEST to port 4011", () => {
    const { receive } = proxyRoom(proxySettings({ bootFile: () => "snponly.efi" }));
    const [discover] = pairs("ovmf-dnsmasq", 67);
    const [request] = pairs("ovmf-dnsmasq", 4011);
    if (discover === undefined || request === undefined) throw new Error("not captured");
    const offer = receive(discover.asked.bytes, "dhcp");
    const acknowledged = receive(request.asked.bytes, "proxy", request.asked.from);
    for (const [ours, theirs] of [
      [offer?.packet, decoded(discover.answered.bytes)],
      [acknowledged?.packet, decoded(request.answered.bytes)],
    ] as const) {
      for (const code of [43, 53, 54, 60, 97]) expect(data(ours, code)).toEqual(data(theirs, code));
      const { siaddr, ciaddr, flags } = theirs;
      expect(ours).toMatchObject({ siaddr, ciaddr, flags, yiaddr: 0 });
    }
    expect(acknowledged?.packet.file).toBe(decoded(request.answered.bytes).file);
    expect(acknowledged?.packet.sname).toBe(decoded(request.answered.bytes).sname);
    expect(acknowledged?.to).toEqual(request.answered.to);
  });
});

describe("an offer (PXE 2.1 §2.2.3)", () => {
  test("names the server everywhere, and has neither address nor time", () => {
    const { ask } = proxyRoom();
    const offer = ask({ more: firmware(0) });
    expect(offer?.to).toEqual({ address: 0xffff_ffff, port: 68 });
    expect(offer?.packet).toMatchObject({
      yiaddr: 0,
      siaddr: PROXY,
      sname: "10.67.0.1",
      file: "pxelinux.0",
    });
    expect(offer?.packet.options.map(({ code }) => code)).toEqual([53, 54, 60, 43, 97, 66, 67]);
    expect(data(offer?.packet, 54)).toEqual(octets(PROXY));
    expect(text(offer?.packet, 66)).toBe("10.67.0.1");
    expect(text(offer?.packet, 67)).toBe("pxelinux.0");
    expect(data(offer?.packet, 97)).toEqual(UUID);
  });

  test("of iPXE on UEFI has discovery control: it need not ask port 4011", () => {
    const { ask } = proxyRoom();
    const offer = ask({ more: [...firmware(7), [77, ascii("iPXE")]] });
    expect(data(offer?.packet, 43)?.slice(0, 3)).toEqual([6, 1, 8]);
  });

  test("of HTTP boot has its class and a URL (UEFI 2.10 §24.7.3)", () => {
    const url = "http://10.67.0.1/snponly.efi";
    const { ask } = proxyRoom(
      proxySettings({ bootFile: (facts) => (facts.isHttpClient ? url : "snponly.efi") }),
    );
    const offer = ask({ more: firmware(16, "HTTPClient") });
    expect(text(offer?.packet, 60)).toBe("HTTPClient");
    expect(text(offer?.packet, 67)).toBe(url);
    expect(data(offer?.packet, 43)).toBeUndefined();
  });

  test("goes through the relay, which must broadcast it, with its option 82 last (RFC 3046 §2.2)", () => {
    const { ask, events } = proxyRoom();
    const giaddr = address("10.68.0.1");
    const offer = ask({ giaddr, more: [...firmware(0), [82, [1, 2, 3, 4]]] });
    expect(offer?.to).toEqual({ address: giaddr, port: 67 });
    expect(offer?.packet.flags).toBe(0x8000);
    expect(offer?.packet.options.at(-1)?.code).toBe(82);
    expect(data(offer?.packet, 82)).toEqual([1, 2, 3, 4]);
    expect(events).toMatchObject([{ relay: giaddr }]);
  });

  test("with a URL that no field holds has it in option 67 alone", () => {
    const url = `http://10.67.0.1/${"a".repeat(300)}`;
    const { ask } = proxyRoom(proxySettings({ bootFile: () => url }));
    const offer = ask({ more: ipxe });
    expect(offer?.packet.file).toBe("");
    expect(text(offer?.packet, 67)).toBe(url);
  });
});

describe("who is answered, and what", () => {
  const requested = address("10.67.0.50");

  test("a client that does not netboot: nothing, whatever it says", () => {
    const { ask, events } = proxyRoom();
    for (const type of [1, 3, 4, 7, 8]) {
      expect(ask({ type, ciaddr: requested })).toBeUndefined();
      expect(ask({ type, ciaddr: requested, more: [[93, [0, 0]]] })).toBeUndefined();
    }
    expect(events.filter(({ kind }) => kind === "refused")).toEqual([]);
  });

  test("a REQUEST that takes the other server's offer: nothing", () => {
    const { ask } = proxyRoom();
    expect(ask({ type: 3, serverId: OTHER, requested, more: firmware(0) })).toBeUndefined();
    expect(ask({ type: 3, requested, more: firmware(0) })).toBeUndefined();
  });

  test("a REQUEST that takes ours: an ACK without an address", () => {
    const { ask } = proxyRoom();
    const reply = ask({ type: 3, serverId: PROXY, more: firmware(0) });
    expect(data(reply?.packet, 53)).toEqual([5]);
    expect(reply?.packet.yiaddr).toBe(0);
    expect(reply?.packet.options.some(({ code }) => [1, 51, 58, 59].includes(code))).toBe(false);
    expect(reply?.to).toEqual({ address: 0xffff_ffff, port: 68 });
  });

  test("a client that looks for a boot server by broadcast: an ACK with its item (PXE 2.1 §2.2.4)", () => {
    const { ask } = proxyRoom();
    const more = [...firmware(0), [43, [71, 4, 0x80, 0, 0, 0, 255]]] as const;
    const reply = ask({ type: 3, ciaddr: requested, more });
    expect(data(reply?.packet, 53)).toEqual([5]);
    expect(data(reply?.packet, 43)).toEqual([
      ...[6, 1, 8],
      ...[10, 4, 0, ...ascii("PXE")],
      ...[71, 4, 0x80, 0, 0, 0],
      255,
    ]);
    expect(reply?.to).toEqual({ address: requested, port: 68 });
  });

  test("an INFORM of firmware: an ACK to its address (RFC 2131 §4.3.5)", () => {
    const { ask } = proxyRoom();
    const reply = ask({ type: 8, ciaddr: requested, more: firmware(7) });
    expect(data(reply?.packet, 53)).toEqual([5]);
    expect(reply?.to).toEqual({ address: requested, port: 68 });
  });

  test("on port 4011 DISCOVER, REQUEST and INFORM alike: an ACK to where it was asked from", () => {
    const { ask } = proxyRoom();
    const from = { address: requested, port: 4011 };
    for (const type of [1, 3, 8]) {
      const reply = ask({ type, ciaddr: requested, more: firmware(7) }, "proxy", from);
      expect(data(reply?.packet, 53)).toEqual([5]);
      expect(reply?.packet.ciaddr).toBe(requested);
      expect(reply?.to).toEqual(from);
    }
  });

  test("on port 4011 without an address yet: by broadcast", () => {
    const { ask } = proxyRoom();
    const reply = ask({ type: 3, more: firmware(0) }, "proxy");
    expect(reply?.to).toEqual({ address: 0xffff_ffff, port: 68 });
  });

  test("on port 4011 anything else is refused, and counted with its MAC address", () => {
    const { ask, events } = proxyRoom();
    ask({ type: 3, ciaddr: requested }, "proxy");
    ask({ type: 7, ciaddr: requested, more: firmware(0) }, "proxy");
    const refusal = { kind: "refused", protocol: "dhcp", reason: "not-netbooting" };
    expect(events).toEqual([
      { ...refusal, mac: numberedMac(1) },
      { ...refusal, mac: numberedMac(1) },
    ]);
  });

  test("deny-unknown: nodes of the inventory only; allow: what its patterns have", () => {
    const nodes = [known("525400000002", "beta")];
    const { room, ask, events } = proxyRoom(proxySettings({ denyUnknown: true }, nodes));
    expect(ask({ more: firmware(0) })).toBeUndefined();
    expect(ask({ mac: numberedMac(2), more: firmware(0) })).toBeDefined();
    const pattern = parseMacPattern("52:54:00:00:00:02");
    if (pattern === undefined) throw new Error("no pattern");
    room.settings = proxySettings({ allow: [pattern] });
    expect(ask({ more: firmware(0) })).toBeUndefined();
    expect(ask({ mac: numberedMac(2), more: firmware(0) })).toBeDefined();
    expect(events.filter(({ kind }) => kind === "refused")).toMatchObject([
      { reason: "unknown-node", mac: numberedMac(1) },
      { reason: "not-allowed", mac: numberedMac(1) },
    ]);
  });

  test("firmware that there is no loader for: nothing, and that is counted", () => {
    const { ask, events } = proxyRoom(proxySettings({ bootFile: () => undefined }));
    expect(ask({ more: firmware(27) })).toBeUndefined();
    expect(events).toMatchObject([{ reason: "no-boot-file", mac: numberedMac(1) }]);
  });
});
