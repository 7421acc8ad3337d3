import { describe, expect, test } from "vitest";
import { formatIpv4, ipv4 } from "../../../src/bytes/ipv4.ts";
import { type Place, placeOf } from "../../../src/storm/node/place.ts";

const server = ipv4(0x0a0d_0001);
const servers = { tftp: { address: server, port: 69 }, http: { address: server, port: 8080 } };

function placed(name: string, base?: Place): string | undefined {
  const place = placeOf(name, base, servers);
  if (place === undefined) return undefined;
  return `${place.kind} ${formatIpv4(place.server.address)}:${place.server.port} ${place.path}`;
}

function byTftp(path: string): Place {
  return { kind: "tftp", server: servers.tftp, path };
}

describe("where a file is that somebody named", () => {
  test.each([
    ["http://10.13.0.9/boot/vmlinuz", "http 10.13.0.9:80 /boot/vmlinuz"],
    ["http://10.13.0.9:8081/a?b=c", "http 10.13.0.9:8081 /a?b=c"],
    ["HTTP://boot.example/a", "http 10.13.0.1:8080 /a"],
    ["tftp://10.13.0.9/pxelinux.0", "tftp 10.13.0.1:69 /pxelinux.0"],
    ["(http,10.13.0.9:81)/room/vmlinuz", "http 10.13.0.9:81 /room/vmlinuz"],
    ["(tftp,10.13.0.9)/vmlinuz", "tftp 10.13.0.1:69 /vmlinuz"],
    ["(pxe)/vmlinuz", "tftp 10.13.0.1:69 /vmlinuz"],
    ["lpxelinux.0", "tftp 10.13.0.1:69 lpxelinux.0"],
  ])("%s", (name, expected) => {
    expect(placed(name)).toBe(expected);
  });

  test("beside what named it: PXELINUX's own directory, not that of its configuration", () => {
    expect(placed("vmlinuz", byTftp("debian/pxelinux.cfg/default"))).toBe(
      "tftp 10.13.0.1:69 debian/vmlinuz",
    );
    expect(placed("vmlinuz", byTftp("pxelinux.cfg/01-52-54-00-13-20-01"))).toBe(
      "tftp 10.13.0.1:69 vmlinuz",
    );
    expect(placed("initrd.img", byTftp("/grub/grub.cfg"))).toBe(
      "tftp 10.13.0.1:69 /grub/initrd.img",
    );
    expect(placed("/boot/initrd.img", byTftp("/grub/grub.cfg"))).toBe(
      "tftp 10.13.0.1:69 /boot/initrd.img",
    );
  });

  test("on the server that told it, by its protocol", () => {
    const script: Place = {
      kind: "http",
      server: { address: ipv4(0x0a0d_0009), port: 80 },
      path: "/ipxe/boot.ipxe",
    };
    expect(placed("vmlinuz", script)).toBe("http 10.13.0.9:80 /ipxe/vmlinuz");
  });

  test("on a server that is left out: nowhere", () => {
    expect(placeOf("http://10.13.0.9/a", undefined, { ...servers, http: undefined })).toBe(
      undefined,
    );
    expect(placeOf("pxelinux.0", undefined, { ...servers, tftp: undefined })).toBe(undefined);
  });
});
