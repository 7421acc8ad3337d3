import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { bytesOf } from "../../tree/random-tree.ts";

/** All that a directory of a system can hold, as root. `path` is not there yet. */
export async function writeFullTree(path: string): Promise<void> {
  mkdirSync(`${path}/files`, { recursive: true });
  for (const size of [0, 1, 511, 512, 513, 4095, 4096, 300_000]) {
    writeFileSync(`${path}/files/${size}`, Buffer.alloc(size, "x"));
  }
  writeFileSync(`${path}/files/${"n".repeat(254)}`, "long");
  const deep = `${path}/${"deep/".repeat(60)}`;
  mkdirSync(deep, { recursive: true });
  writeFileSync(`${deep}file`, "beyond 255 bytes");
  writeFileSync(bytesOf(`${path}/files/caf\xe9\xff\x80\x01`), "no UTF-8");
  writeFileSync(`${path}/files/-line\nfeed and 100 % = \\ "quotes"`, "odd");
  symlinkSync(bytesOf("caf\xe9"), `${path}/bytes`);
  symlinkSync("/etc/passwd", `${path}/absolute`);
  symlinkSync("../../..", `${path}/files/up`);
  symlinkSync("t".repeat(3000), `${path}/long`);
  linkSync(`${path}/files/513`, `${path}/linked`);
  linkSync(`${path}/absolute`, `${path}/linked-link`);
  writeFileSync(`${path}/sparse`, "start");
  truncateSync(`${path}/sparse`, 3_000_000);
  for (const node of ["null c 1 3", "sda b 8 0", "largest c 4095 1048575", "fifo p"]) {
    const [name, ...rest] = node.split(" ");
    execFileSync("mknod", [`${path}/${name}`, ...rest]);
  }
  await placeSocket(`${path}/files`, "socket");
  const chown = (owner: string, file: string) => execFileSync("chown", ["-h", owner, file]);
  chown("1000:100", `${path}/files/1`);
  chown("4000000000:3000000", `${path}/files/512`);
  chown("42:43", `${path}/absolute`);
  chown("42:43", `${path}/files/socket`);
  chown("44:45", `${path}/null`);
  writeFileSync(`${path}/setuid`, "#!");
  chown("1000:1000", `${path}/setuid`);
  chmodSync(`${path}/setuid`, 0o6751);
  chmodSync(`${path}/null`, 0o4600);
  mkdirSync(`${path}/closed/inner`, { recursive: true });
  writeFileSync(`${path}/closed/inner/file`, "");
  chmodSync(`${path}/closed/inner`, 0o1000);
  chmodSync(`${path}/closed`, 0o2111);
  setAttributes(path);
  const touch = (time: string, file: string) =>
    execFileSync("touch", ["-h", `--date=@${time}`, `${path}/${file}`]);
  touch("1700000000.123456789", "files/1");
  touch("999999999.999999999", "absolute");
  touch("1", "files/socket");
  touch("1234567890.987654321", "fifo");
  touch("1111111111.000000001", "closed");
  touch("2222222222.5", "files");
  utimesSync(path, 1_500_000_000, 1_500_000_000);
}

function setAttributes(path: string): void {
  const set = (name: string, value: string, ...files: readonly string[]) =>
    execFileSync("setfattr", [
      "-h",
      "-n",
      name,
      "-v",
      value,
      ...files.map((at) => `${path}/${at}`),
    ]);
  for (const name of ["user.one", "user.two"])
    set(name, "shared", "files/0", "files/1", "files/512");
  set("user.long", "x".repeat(3000), "files/4096");
  set("user.a=b%c", "odd name", "files/4095");
  set("user.bytes", "0x00ff0a3d00", "files");
  set("user.empty", "", "setuid");
  set("trusted.of.a.link", "link", "absolute");
  // struct vfs_cap_data, version 2: cap_net_raw, effective.
  set("security.capability", "0x0100000200200000000000000000000000000000", "files/511");
  // posix_acl_xattr: version 2; user::rw-, user:1000:r--, group::r--, mask::r--, other::---
  const entries =
    "01000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000000ffffffff";
  set("system.posix_acl_access", `0x02000000${entries}`, "files/513");
  set("system.posix_acl_default", `0x02000000${entries}`, "files");
}

/** One that nobody listens at. */
async function placeSocket(directory: string, name: string): Promise<void> {
  const server = createServer();
  const place = `${directory}/${name}`;
  await new Promise<void>((resolve) => server.listen(`${place}.listening`, resolve));
  renameSync(`${place}.listening`, place);
  await new Promise((resolve) => server.close(resolve));
}

/** Extended attributes of all that is below a directory, as getfattr tells them. */
export function attributesBelow(path: string): string {
  return execFileSync("getfattr", ["-Rhd", "-m", "-", "-e", "hex", "."], {
    cwd: path,
    encoding: "latin1",
  });
}
