import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import {
  type DhcpPacket,
  decodePacket,
  encodePacket,
  findOption,
  packetBytes,
} from "../../src/dhcp/packet.ts";
import { bootCaptures, udpFrames } from "../captures.ts";
import { ascii, clientMessage, numberedMac } from "./messages.ts";

const captured = bootCaptures.flatMap((capture) =>
  udpFrames(capture)
    .filter(({ to }) => to.port === 67 || to.port === 68)
    .map(({ bytes }) => bytes),
);

function decoded(bytes: Uint8Array): DhcpPacket {
  const packet = decodePacket(bytes);
  if (isMalformed(packet)) throw new Error(packet.malformed);
  return packet;
}

/** A message whose options, sname and file are given as bytes. */
function message(
  options: readonly number[],
  sname: readonly number[] = [],
  file: readonly number[] = [],
) {
  const bytes = Uint8Array.from([
    ...clientMessage({ type: 1, mac: numberedMac(1) }).subarray(0, 240),
    ...options,
  ]);
  bytes.set(sname, 44);
  bytes.set(file, 108);
  return bytes;
}

describe("captured messages of dnsmasq, iPXE, OVMF and klibc", () => {
  test("there are some", () => {
    expect(captured.length).toBeGreaterThan(100);
  });

  test("each decodes, and encodes to the same bytes", () => {
    for (const bytes of captured) expect(encodePacket(decoded(bytes))).toEqual(bytes);
  });

  test("each cut short is rejected, except in the zeros after END", () => {
    const distinct = [...new Map(captured.map((bytes) => [bytes.length, bytes])).values()];
    for (const bytes of distinct) {
      const end = bytes.lastIndexOf(255);
      for (let length = 0; length < bytes.length; length += 1) {
        expect(isMalformed(decodePacket(bytes.subarray(0, length)))).toBe(length <= end);
      }
    }
  });

  test("what a mutated one decodes to encodes and decodes to the same again", () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...captured),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
        fc.nat(),
      )
      .map(([bytes, changes, cut]) => {
        const copy = bytes.slice(0, cut % 4 === 0 ? cut % bytes.length : bytes.length);
        for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
        return copy;
      });
    fc.assert(
      fc.property(mutated, (bytes) => {
        const first = decodePacket(bytes);
        if (isMalformed(first)) return;
        const again = encodePacket(first);
        expect(again.length).toBe(packetBytes(first));
        expect(decoded(again)).toEqual({ ...first, paddedTo: again.length });
      }),
      { numRuns: 2000 },
    );
  });

  test("random bytes are never more than malformed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        decodePacket(bytes);
      }),
    );
  });
});

describe("decodePacket", () => {
  test("RFC 2131 §2: reads every field of the header", () => {
    const [discover] = captured;
    if (discover === undefined) throw new Error("no capture");
    const packet = decoded(discover);
    // As tshark prints this message of iPXE.
    expect(packet).toMatchObject({
      op: 1,
      hardwareType: 1,
      hops: 0,
      secs: 4,
      flags: 0,
      ciaddr: 0,
      giaddr: 0,
      sname: "",
      file: "",
      paddedTo: 400,
    });
    expect(Buffer.from(packet.chaddr).toString("hex")).toBe("525400770001");
    expect(packet.options.map(({ code }) => code)).toEqual([
      53, 57, 93, 94, 60, 77, 55, 175, 61, 97,
    ]);
  });

  test("RFC 3396 §5: options of one code are joined in order, at the place of the first", () => {
    const packet = decoded(message([53, 1, 1, 67, 2, 65, 66, 12, 1, 120, 67, 1, 67, 255]));
    expect(packet.options).toEqual([
      { code: 53, data: Uint8Array.of(1) },
      { code: 67, data: Uint8Array.from(ascii("ABC")) },
      { code: 12, data: Uint8Array.from(ascii("x")) },
    ]);
  });

  test("RFC 2132 §9.3: overload 3 reads options in file, then in sname", () => {
    const packet = decoded(
      message([52, 1, 3, 53, 1, 1, 17, 1, 97, 255], [17, 1, 99, 255], [0, 17, 1, 98, 255]),
    );
    expect(packet.sname).toBe("");
    expect(packet.file).toBe("");
    expect(findOption(packet, 17)).toEqual(Uint8Array.from(ascii("abc")));
    expect(findOption(packet, 52)).toBeUndefined();
  });

  test("RFC 2132 §9.3: overload 1 leaves sname a name", () => {
    const packet = decoded(message([52, 1, 1, 53, 1, 1, 255], ascii("server"), [12, 1, 97, 255]));
    expect(packet.sname).toBe("server");
    expect(findOption(packet, 12)).toEqual(Uint8Array.of(97));
  });

  test.each([
    ["options in file without END", message([52, 1, 1, 255])],
    ["options in sname without END", message([52, 1, 2, 255])],
    ["hlen over 16", message([53, 1, 1, 255]).with(2, 17)],
    ["no DHCP cookie", message([53, 1, 1, 255]).with(236, 0)],
    ["op is neither request nor reply", message([53, 1, 1, 255]).with(0, 3)],
    ["options without END", message([53, 1, 1])],
    ["options without END", message([53, 9, 1, 255])],
    ["message too long", message([...new Array<number>(4096).fill(0), 255])],
    ["shorter than the header", new Uint8Array(239)],
  ])("rejects %s", (reason, bytes) => {
    expect(decodePacket(bytes)).toEqual({ malformed: reason });
  });

  test("pads between options are skipped", () => {
    expect(decoded(message([0, 0, 53, 1, 1, 0, 12, 1, 97, 255])).options).toHaveLength(2);
  });
});

describe("encodePacket", () => {
  const plain = decoded(message([53, 1, 1, 255]));

  test("RFC 3396 §5: an option of over 255 bytes is cut, and is whole again for the reader", () => {
    const data = Uint8Array.from({ length: 600 }, (_, at) => at & 255);
    const bytes = encodePacket({ ...plain, options: [{ code: 17, data }] });
    const lengths = [bytes[241], bytes[241 + 257], bytes[241 + 514]];
    expect(lengths).toEqual([255, 255, 90]);
    expect(findOption(decoded(bytes), 17)).toEqual(data);
  });

  test("an empty option has its two bytes", () => {
    const bytes = encodePacket({
      ...plain,
      options: [{ code: 17, data: new Uint8Array(0) }],
      paddedTo: 0,
    });
    expect([...bytes.subarray(240)]).toEqual([17, 0, 255]);
  });

  test("RFC 1542 §2.1: fills up with zeros to the size asked for", () => {
    const bytes = encodePacket({ ...plain, paddedTo: 300 });
    expect(bytes.length).toBe(300);
    expect(bytes.subarray(244).every((byte) => byte === 0)).toBe(true);
  });

  test("round trip of any value", () => {
    const name = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((at) => String.fromCharCode(at)),
      maxLength: 64,
    });
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    const options = fc.uniqueArray(
      fc.record({
        code: fc.integer({ min: 1, max: 254 }).filter((code) => code !== 52),
        data: fc.uint8Array({ maxLength: 520 }),
      }),
      { selector: ({ code }) => code, maxLength: 5 },
    );
    fc.assert(
      fc.property(name, name, u32, options, (sname, file, xid, list) => {
        const value = { ...plain, sname, file, xid, options: list, paddedTo: 0 };
        const bytes = encodePacket(value);
        expect(decoded(bytes)).toEqual({ ...value, paddedTo: bytes.length });
      }),
    );
  });
});
