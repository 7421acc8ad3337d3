import { describe, expect, test } from "vitest";
import { ipv4 } from "../../../src/bytes/ipv4.ts";
import type { MacAddress } from "../../../src/bytes/mac.ts";
import { STORM_CHAIN_MAX } from "../../../src/limits.ts";
import type { Place } from "../../../src/storm/node/place.ts";
import { Told } from "../../../src/storm/node/told.ts";
import type { FileDeed } from "../../../src/storm/trace/trace.ts";

const server = ipv4(0x0a0d_0001);
const address = ipv4(0x0a0d_8001);
const servers = {
  dhcp: undefined,
  tftp: { address: server, port: 69 },
  http: { address: server, port: 80 },
  nfs: undefined,
  iscsi: undefined,
};
const identity = {
  index: 0,
  name: "storm-0001",
  mac: "52530a0b0001" as MacAddress,
  uuid: Uint8Array.from({ length: 16 }, (_, index) => index),
};

function told(bootFile: string): Told {
  const node = new Told(servers, identity);
  node.lease({
    address,
    mask: undefined,
    router: undefined,
    server,
    nextServer: server,
    bootFile,
    rootPath: "",
    hostName: "n1",
    seconds: 3600,
  });
  return node;
}

function deed(kind: FileDeed["kind"], role: FileDeed["role"], path: string): FileDeed {
  return { kind, role, path, options: [], ends: "whole", bytes: 1000 };
}

/** Fetches what the deed is about, which has that content. Answers where. */
function fetched(node: Told, wanted: FileDeed, text: string): string {
  const place = node.placeOf(wanted, address);
  if (place === undefined) return "nowhere";
  node.fetched(wanted, place, text);
  return `${place.kind} ${place.path}`;
}

function nextOf(node: Told): string | undefined {
  const place: Place | undefined = node.nextPlace();
  return place === undefined ? undefined : `${place.kind} ${place.path}`;
}

const config = deed("tftp", "config", "pxelinux.cfg/01-{mac}");
const kernel = deed("http", "kernel", "/recorded/vmlinuz");
const initrd = deed("http", "initrd", "/recorded/initrd.img");

describe("what a node was told", () => {
  test("the loader that DHCP names, not the recorded one", () => {
    const loader = deed("tftp", "loader", "recorded.0");
    expect(fetched(told("debian/pxelinux.0"), loader, "")).toBe("tftp debian/pxelinux.0");
    expect(fetched(told("http://10.13.0.1/boot.ipxe"), loader, "")).toBe("http /boot.ipxe");
    expect(fetched(told(""), loader, "")).toBe("tftp recorded.0");
  });

  test("PXELINUX: its configuration is named by the node, and names kernel, initrd and root", () => {
    const node = told("debian/pxelinux.0");
    expect(fetched(node, deed("tftp", "loader", "pxelinux.0"), "")).toBe("tftp debian/pxelinux.0");
    const text =
      "default a\nlabel a\nkernel vmlinuz\nappend initrd=initrd.img nfsroot=10.13.0.1:/srv/a\n";
    expect(fetched(node, config, text)).toBe("tftp debian/pxelinux.cfg/01-52-53-0a-0b-00-01");
    expect(fetched(node, kernel, "")).toBe("tftp debian/vmlinuz");
    expect(fetched(node, initrd, "")).toBe("tftp debian/initrd.img");
    expect(node.commandLine.nfs).toMatchObject({ server, path: "/srv/a" });
  });

  test("where no configuration told of a kernel, the recorded one", () => {
    expect(fetched(told("x"), kernel, "")).toBe("http /recorded/vmlinuz");
  });

  test("iPXE's script that leads on: the next is what that names, and each is tried in turn", () => {
    const node = told("http://10.13.0.1/boot.ipxe");
    const script = `#!ipxe
imgfetch --name node http://10.13.0.1/ipxe/01-\${netX/mac:hexhyp}/uuid-\${uuid}.ipxe || imgfetch --name node http://10.13.0.1/ipxe/01-\${netX/mac:hexhyp}.ipxe
imgexec node
`;
    expect(fetched(node, deed("http", "loader", "/boot.ipxe"), script)).toBe("http /boot.ipxe");
    expect(node.isLedOn).toBe(true);
    expect(nextOf(node)).toBe(
      "http /ipxe/01-52-53-0a-0b-00-01/uuid-00010203-0405-0607-0809-0a0b0c0d0e0f.ipxe",
    );
    expect(node.isLedOn).toBe(true);
    const second = node.nextPlace();
    expect(second?.path).toBe("/ipxe/01-52-53-0a-0b-00-01.ipxe");
    if (second === undefined) return;
    node.fetched(deed("http", "config", ""), second, "#!ipxe\nkernel ../vmlinuz quiet\nboot\n");
    expect(node.isLedOn).toBe(false);
    expect(fetched(node, kernel, "")).toBe("http /vmlinuz");
  });

  test("scripts that lead on and on are left after a while", () => {
    const node = told("http://10.13.0.1/a");
    let place = node.placeOf(deed("http", "loader", "/a"), address);
    let followed = 0;
    while (place !== undefined && followed < 1000) {
      node.fetched(deed("http", "loader", "/a"), place, "#!ipxe\nchain http://10.13.0.1/a\n");
      place = node.nextPlace();
      followed += 1;
    }
    expect(followed).toBe(STORM_CHAIN_MAX + 1);
  });

  test("from a server that is left out there is nothing to fetch", () => {
    const node = new Told({ ...servers, http: undefined }, identity);
    expect(node.placeOf(kernel, address)).toBe(undefined);
  });
});
