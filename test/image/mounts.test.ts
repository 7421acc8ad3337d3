import { expect, test } from "vitest";
import { mounts, parseMountinfo } from "../../src/image/mounts.ts";

test("mounts are read as proc(5) has them: with optional fields, and with blanks in names", () => {
  const text = [
    "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
    "37 35 0:40 / /srv/nfs\\040root rw shared:5 master:1 - zfs tank/room\\134x rw,xattr",
    "38 35 0:41 / /run rw - tmpfs tmpfs rw",
    "",
  ].join("\n");
  expect(parseMountinfo(text)).toEqual([
    { point: "/mnt2", type: "ext3", source: "/dev/root" },
    { point: "/srv/nfs root", type: "zfs", source: "tank/room\\x" },
    { point: "/run", type: "tmpfs", source: "tmpfs" },
  ]);
  expect(parseMountinfo("nonsense\n - \n")).toEqual([]);
});

test("this machine's are there", () => {
  expect(mounts()).toContainEqual(expect.objectContaining({ point: "/proc", type: "proc" }));
});
