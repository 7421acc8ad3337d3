import { describe, expect, test } from "vitest";
import { neighbourIn, recentNeighbours } from "../../src/net/neighbours.ts";
import { address, mac } from "../dhcp/messages.ts";
import { VirtualClock } from "../sim/clock.ts";

/** As Linux 6.1 shows it. */
const table = `IP address       HW type     Flags       HW address            Mask     Device
10.0.0.9         0x1         0x2         52:54:00:12:35:02     *        eth0
10.0.0.90        0x1         0x0         00:00:00:00:00:00     *        eth0
10.0.0.91        0x1         0x6         52:54:00:12:35:91     *        eth0
10.0.0.92        0x20        0x2         80:00:02:08:fe:80     *        ib0
`;

describe("the kernel's ARP table", () => {
  test("has who answered for an address, and what was entered by hand", () => {
    expect(neighbourIn(table, address("10.0.0.9"))).toBe(mac("525400123502"));
    expect(neighbourIn(table, address("10.0.0.91"))).toBe(mac("525400123591"));
  });

  test("does not have who did not answer, other hardware, nor an address that only begins alike", () => {
    for (const text of ["10.0.0.90", "10.0.0.92", "10.0.0.1", "0.0.0.9"]) {
      expect(neighbourIn(table, address(text))).toBeUndefined();
    }
    expect(neighbourIn("", address("10.0.0.9"))).toBeUndefined();
  });

  test("is there to be read", () => {
    const at = recentNeighbours(new VirtualClock());
    expect(at(address("192.0.2.77"))).toBeUndefined();
  });
});
