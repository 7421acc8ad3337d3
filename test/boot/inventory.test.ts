import { describe, expect, test } from "vitest";
import { inventoryOf } from "../../src/boot/inventory.ts";
import { parseIpv4 } from "../../src/bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../../src/bytes/mac.ts";
import { node } from "./node.ts";

const mac = (text: string) => parseMac(text) as MacAddress;

const uuid = "4c4c4544-0042-3510-8052-b4c04f4e3132";
const address = parseIpv4("10.77.0.11");
const byMac = node({ mac: mac("525400770001"), name: "n1" });
const byUuid = node({ uuid, name: "n2", address });
const bySerial = node({ serial: "Pi-0001", name: "n3" });

describe("who a node is", () => {
  const said = new Map([
    [mac("525400770002"), { uuid, serial: undefined }],
    [mac("525400770003"), { uuid: undefined, serial: "pi-0001" }],
    [mac("525400770001"), { uuid, serial: undefined }],
    [mac("525400770004"), { uuid: undefined, serial: undefined }],
  ]);
  const inventory = inventoryOf([byMac, byUuid, bySerial], (of) => said.get(of));

  test("by its UUID in either byte order", () => {
    expect(inventory.byIdentity({ uuid, serial: undefined })).toBe(byUuid);
    const asSmbiosHasIt = "44454c4c-4200-1035-8052-b4c04f4e3132";
    expect(inventory.byIdentity({ uuid: asSmbiosHasIt, serial: undefined })).toBe(byUuid);
  });

  test("by its MAC address, whatever it says besides", () => {
    expect(inventory.byMac(mac("525400770001"))).toBe(byMac);
  });

  test("by the UUID, or the serial number in whatever case, that it was heard to have", () => {
    expect(inventory.byMac(mac("525400770002"))).toBe(byUuid);
    expect(inventory.byMac(mac("525400770003"))).toBe(bySerial);
    expect(inventory.byIdentity({ uuid, serial: undefined })).toBe(byUuid);
  });

  test("nobody, where it said nothing of itself, though nodes are there without UUID or serial", () => {
    expect(inventory.byMac(mac("525400770004"))).toBeUndefined();
    expect(inventory.byMac(mac("525400770005"))).toBeUndefined();
    expect(inventory.byIdentity({ uuid: undefined, serial: undefined })).toBeUndefined();
  });

  test("at an address: who got it, and what the configuration says of it where nobody did", () => {
    if (address === undefined) throw new Error("no address");
    expect(inventory.at(address, undefined)).toBe(byUuid);
    expect(inventory.at(address, mac("525400770001"))).toBe(byMac);
    expect(inventory.at(address, mac("525400770005"))).toBeUndefined();
  });
});
