import { describe, expect, test } from "vitest";
import { ipv4 } from "../../../src/bytes/ipv4.ts";
import type { MacAddress } from "../../../src/bytes/mac.ts";
import {
  type BootIdentity,
  bootTemplateOf,
  expandBootPath,
} from "../../../src/storm/trace/boot-path.ts";

const uuid = Uint8Array.from(Buffer.from("b8945908d6a641a9611d74a6ab80b83d", "hex"));
const recorded: BootIdentity = {
  mac: "525400132001" as MacAddress,
  addresses: [ipv4(0x0a0d140b)],
  uuid,
};
const other: BootIdentity = {
  mac: "020000000abc" as MacAddress,
  addresses: [ipv4(0x0a0d8001)],
  uuid: uuid.toReversed(),
};

/** syslinux.org, PXELINUX "Configuration"; GRUB's and iPXE's own variables. */
test.each([
  [
    "pxelinux.cfg/01-52-54-00-13-20-01",
    "pxelinux.cfg/01-{mac}",
    "pxelinux.cfg/01-02-00-00-00-0a-bc",
  ],
  ["/boot.ipxe?mac=52:54:00:13:20:01", "/boot.ipxe?mac={mac:}", "/boot.ipxe?mac=02:00:00:00:0a:bc"],
  ["pxelinux.cfg/0A0D140B", "pxelinux.cfg/{IP-HEX}", "pxelinux.cfg/0A0D8001"],
  ["pxelinux.cfg/0A0D1", "pxelinux.cfg/{IP-HEX:5}", "pxelinux.cfg/0A0D8"],
  ["pxelinux.cfg/0", "pxelinux.cfg/{IP-HEX:1}", "pxelinux.cfg/0"],
  ["/nodes/10.13.20.11/grub.cfg", "/nodes/{ip}/grub.cfg", "/nodes/10.13.128.1/grub.cfg"],
  [
    "pxelinux.cfg/b8945908-d6a6-41a9-611d-74a6ab80b83d",
    "pxelinux.cfg/{uuid}",
    "pxelinux.cfg/3db880ab-a674-1d61-a941-a6d6085994b8",
  ],
  [
    "/room/boot/vmlinuz-6.1.0-56-amd64",
    "/room/boot/vmlinuz-6.1.0-56-amd64",
    "/room/boot/vmlinuz-6.1.0-56-amd64",
  ],
])("%s is %s, and of another node %s", (path, template, expanded) => {
  expect(bootTemplateOf(path, recorded)).toBe(template);
  expect(expandBootPath(template, recorded)).toBe(path);
  expect(expandBootPath(template, other)).toBe(expanded);
});

describe("what only looks like it", () => {
  test.each([
    "/10.13.20.110/a",
    "/110.13.20.11/a",
    "/a0A0D140B",
    "pxelinux.cfg/0B",
    "pxelinux.cfg/default",
  ])("%s stays", (path) => {
    expect(bootTemplateOf(path, recorded)).toBe(path);
  });

  test("a name that is unknown stays as it is", () => {
    expect(expandBootPath("{serial}/{uuid}", { ...other, uuid: undefined })).toBe(
      "{serial}/{uuid}",
    );
  });
});
