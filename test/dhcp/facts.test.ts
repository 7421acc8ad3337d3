import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { type DhcpRequest, readRequest } from "../../src/dhcp/facts.ts";
import { readUserClasses, readUuid } from "../../src/dhcp/options.ts";
import { decodePacket } from "../../src/dhcp/packet.ts";
import { udpFrames } from "../captures.ts";
import { ascii, type ClientMessage, clientMessage, numberedMac } from "./messages.ts";

function requestOf(bytes: Uint8Array): DhcpRequest {
  const packet = decodePacket(bytes);
  if (isMalformed(packet)) throw new Error(packet.malformed);
  const request = readRequest(packet);
  if (typeof request === "string") throw new Error(request);
  return request;
}

function capturedRequests(capture: string): DhcpRequest[] {
  return udpFrames(capture)
    .filter(({ to }) => to.port === 67)
    .map(({ bytes }) => requestOf(bytes));
}

const base: ClientMessage = { type: 1, mac: numberedMac(7) };

describe("captured clients", () => {
  test("iPXE's ROM, then the kernel's ipconfig", () => {
    const requests = capturedRequests("k-fast");
    expect(requests.map(({ client }) => client)).toEqual(["ipxe", "ipxe", "kernel", "kernel"]);
    expect(requests[0]?.facts).toEqual({
      mac: "525400770001",
      uuid: undefined,
      address: undefined,
      serial: undefined,
      architecture: 0,
      isIpxe: true,
      isHttpClient: false,
    });
    expect(requests[2]?.facts).toMatchObject({ architecture: undefined, isIpxe: false });
  });

  test("OVMF is x64 UEFI firmware", () => {
    const [first] = capturedRequests("c-uefi-grub");
    expect(first).toMatchObject({ client: "pxe", facts: { architecture: 7, isIpxe: false } });
  });

  test("snponly.efi is iPXE on x64 UEFI", () => {
    const ipxe = capturedRequests("d2-uefi-ipxe-http").filter(({ client }) => client === "ipxe");
    expect(ipxe.length).toBeGreaterThan(0);
    for (const { facts } of ipxe) expect(facts.architecture).toBe(7);
  });
});

describe("readRequest", () => {
  const refusalOf = (bytes: Uint8Array) => {
    const packet = decodePacket(bytes);
    return isMalformed(packet) ? packet : readRequest(packet);
  };

  test("a reply, another kind of hardware, no message type and an unknown one are no requests", () => {
    expect(refusalOf(clientMessage(base).with(0, 2))).toBe("not-a-request");
    expect(refusalOf(clientMessage(base).with(1, 6))).toBe("not-ethernet");
    expect(refusalOf(clientMessage(base).with(2, 8))).toBe("not-ethernet");
    expect(refusalOf(clientMessage(base).with(240, 12))).toBe("no-message-type");
    expect(refusalOf(clientMessage({ ...base, type: 19 }))).toBe("no-message-type");
  });

  test("RFC 4578 §2.1: the first architecture of a list counts; a list of odd length is none", () => {
    const architecture = (data: number[]) =>
      requestOf(clientMessage({ ...base, more: [[93, data]] })).facts.architecture;
    expect(architecture([0, 7, 0, 9])).toBe(7);
    expect(architecture([0, 7, 0])).toBeUndefined();
    expect(architecture([])).toBeUndefined();
  });

  test("PXE 2.1 §2.2.1: without option 93 the vendor class says the architecture", () => {
    const facts = (vendorClass: string) =>
      requestOf(clientMessage({ ...base, more: [[60, ascii(vendorClass)]] }));
    expect(facts("PXEClient:Arch:00007:UNDI:003000").facts.architecture).toBe(7);
    expect(facts("PXEClient").facts.architecture).toBe(0);
    expect(facts("udhcp 1.35.0")).toMatchObject({
      client: "other",
      facts: { architecture: undefined },
    });
    expect(facts("Linux ipconfig").client).toBe("kernel");
  });
});

describe("RFC 4578 §2.3: UUID", () => {
  const bytes = Array.from({ length: 16 }, (_, at) => at + 0xa0);

  test("is written in the order of its bytes", () => {
    expect(readUuid(Uint8Array.of(0, ...bytes))).toBe("a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf");
  });

  test("of another type or length, of zeros or ones, names nobody", () => {
    expect(readUuid(Uint8Array.of(1, ...bytes))).toBeUndefined();
    expect(readUuid(Uint8Array.of(0, ...bytes.slice(1)))).toBeUndefined();
    expect(readUuid(new Uint8Array(17))).toBeUndefined();
    expect(readUuid(new Uint8Array(17).fill(255, 1))).toBeUndefined();
  });
});

describe("RFC 3004 §4: user classes", () => {
  test.each([
    ["one", [4, ...ascii("iPXE")], ["iPXE"]],
    ["two", [4, ...ascii("iPXE"), 2, ...ascii("ab")], ["iPXE", "ab"]],
    ["iPXE's raw text", ascii("iPXE"), ["iPXE"]],
    ["none", [], []],
  ])("%s", (_, data, classes) => {
    expect(readUserClasses(Uint8Array.from(data))).toEqual(classes);
  });
});
