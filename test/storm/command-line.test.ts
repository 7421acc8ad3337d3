import { describe, expect, test } from "vitest";
import { commandLineOf } from "../../src/storm/command-line.ts";
import { address } from "../dhcp/messages.ts";

const server = address("10.13.20.1");

describe("the kernel's command line", () => {
  test("of a node with an iSCSI layer, as our own server writes it", () => {
    const text =
      "initrd=initrd0 root=/dev/nfs nfsroot=10.13.20.1:/srv/nfsroot/room,tcp,rsize=131072,noacl ip=dhcp ro aufs=iscsi ISCSI_TARGET_IP=10.13.20.1 ISCSI_INITIATOR=iqn.2013-04.zone.sidus.initiator:10.13.20.11 ISCSI_TARGET_NAME=iqn.2013-04.zone.sidus.target:10.13.20.11 sidus.up=http://10.13.20.1/up console=ttyS0,115200";
    expect(commandLineOf(text)).toEqual({
      nfs: { server, path: "/srv/nfsroot/room", port: undefined, mountPort: undefined },
      layer: "iscsi",
      iscsi: {
        server: { address: server, port: 3260 },
        initiator: "iqn.2013-04.zone.sidus.initiator:10.13.20.11",
        target: "iqn.2013-04.zone.sidus.target:10.13.20.11",
        chap: undefined,
      },
      up: { server: { address: server, port: 80 }, path: "/up" },
    });
  });

  test("says nothing, where nothing is said", () => {
    const nothing = { nfs: undefined, layer: undefined, iscsi: undefined, up: undefined };
    expect(commandLineOf("")).toEqual(nothing);
    expect(commandLineOf('quiet ro "nfsroot" =x ISCSI_TARGET_IP=host sidus.up=ftp://x')).toEqual(
      nothing,
    );
  });

  test("a path without a server, ports that are said (nfsroot.rst)", () => {
    expect(commandLineOf("nfsroot=/srv/tree,port=20490,mountport=20048,tcp").nfs).toEqual({
      server: undefined,
      path: "/srv/tree",
      port: 20490,
      mountPort: 20048,
    });
    expect(commandLineOf("nfsroot=10.13.20.1:/a,port=99999").nfs?.port).toBeUndefined();
  });

  test("CHAP, both ways, a port, and the target named as the initiator", () => {
    const text =
      "root=LABEL=ISCSI ISCSI_TARGET_IP=10.13.20.1 ISCSI_TARGET_PORT=860 ISCSI_INITIATOR=iqn.a:b ISCSI_USERNAME=u ISCSI_PASSWORD=secret ISCSI_IN_USERNAME=v ISCSI_IN_PASSWORD=other";
    expect(commandLineOf(text)).toMatchObject({
      layer: "iscsi",
      iscsi: {
        server: { address: server, port: 860 },
        target: "iqn.a:b",
        chap: { user: "u", secret: "secret", mutual: { user: "v", secret: "other" } },
      },
    });
  });

  test("the last of two counts, quotes hold blanks together", () => {
    const text = 'aufs=tmpfs note="a b=c" aufs=none sidus.up=http://10.13.20.1:8080/up';
    expect(commandLineOf(text)).toMatchObject({
      layer: "none",
      up: { server: { address: server, port: 8080 }, path: "/up" },
    });
  });
});
