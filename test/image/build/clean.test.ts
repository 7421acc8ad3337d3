import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cleanTree } from "../../../src/image/build/clean.ts";
import { directoryOf } from "../../sidus.ts";

/** Paths of all that is no directory. */
function filesOf(tree: string): string[] {
  const paths = execFileSync("find", [tree, "!", "-type", "d", "-printf", "%P\\n"]).toString();
  return paths.trimEnd().split("\n").toSorted();
}

/** What Debian's packages, builds and running leave behind, as found in trees. */
const leftovers = [
  "etc/.pwd.lock",
  "etc/group-",
  "etc/gshadow-",
  "etc/hostname",
  "etc/passwd-",
  "etc/shadow-",
  "etc/ssh/ssh_host_ed25519_key",
  "etc/ssh/ssh_host_ed25519_key.pub",
  "etc/subgid-",
  "etc/subuid-",
  "root/.bash_history",
  "run/lock/subsys/x",
  "tmp/.X11-unix/X0",
  "var/backups/dpkg.status.0",
  "var/cache/apt/archives/bash_5.2_amd64.deb",
  "var/cache/apt/archives/lock",
  "var/cache/apt/archives/partial/x.deb",
  "var/cache/apt/pkgcache.bin",
  "var/cache/apt/srcpkgcache.bin",
  "var/cache/debconf/config.dat-old",
  "var/cache/fontconfig/3830d5c3ddfd5cd38a049b759396e72e-le64.cache-8",
  "var/cache/ldconfig/aux-cache",
  "var/cache/man/fr/index.db",
  "var/lib/apt/lists/auxfiles/x",
  "var/lib/apt/lists/deb.example_dists_bookworm_InRelease",
  "var/lib/apt/lists/lock",
  "var/lib/apt/lists/partial/x",
  "var/lib/dbus/machine-id",
  "var/lib/dhcp/dhclient.eth0.leases",
  "var/lib/dpkg/status-old",
  "var/lib/systemd/credential.secret",
  "var/lib/systemd/random-seed",
  "var/log/alternatives.log",
  "var/log/apt/history.log",
  "var/log/bootstrap.log",
  "var/log/dpkg.log",
  "var/log/journal/0123456789abcdef0123456789abcdef/system.journal",
  "var/log/syslog.1",
  "var/log/syslog.2.gz",
  "var/tmp/x",
];

const kept = [
  "etc/machine-id",
  "etc/passwd",
  "etc/resolv.conf",
  "etc/ssh/sshd_config",
  "home/me/.bash_history",
  "root/.bashrc",
  "var/cache/debconf/config.dat",
  "var/lib/dpkg/status",
  "var/lib/systemd/catalog/database",
  "var/log/apache2/access.log",
  "var/log/wtmp",
];

test("what building and running left is removed; logs are empty, other files as they were", () => {
  const tree = directoryOf(
    Object.fromEntries([...leftovers, ...kept].map((path) => [path, "content"])),
  );
  mkdirSync(join(tree, "var/log/private"), { mode: 0o700 });
  chmodSync(join(tree, "var/log/wtmp"), 0o664);
  cleanTree(tree);
  expect(filesOf(tree)).toEqual(kept.toSorted());
  const emptied = ["etc/machine-id", "var/log/apache2/access.log", "var/log/wtmp"];
  const sizes = kept.map((path) => [path, readFileSync(join(tree, path), "utf8")]);
  expect(sizes).toEqual(kept.map((path) => [path, emptied.includes(path) ? "" : "content"]));
  expect(lstatSync(join(tree, "var/log/wtmp")).mode & 0o777).toBe(0o664);
  for (const path of ["run", "tmp", "var/log/journal", "var/lib/apt/lists/partial"]) {
    expect(lstatSync(join(tree, path)).isDirectory()).toBe(true);
  }
});

test("nothing outside of a tree is touched, wherever its links lead", () => {
  const outside = directoryOf({ "log/apt/history.log": "mine", "tmp/x": "mine" });
  const tree = directoryOf({ "var/log/x": "" });
  symlinkSync(join(outside, "tmp"), join(tree, "tmp"));
  symlinkSync(join(outside, "tmp"), join(tree, "run"));
  symlinkSync(join(outside, "tmp"), join(tree, "var/log/apt"));
  symlinkSync(join(outside, "tmp/x"), join(tree, "var/log/wtmp"));
  cleanTree(tree);
  expect(filesOf(outside)).toEqual(["log/apt/history.log", "tmp/x"]);
  for (const path of filesOf(outside)) {
    expect(readFileSync(join(outside, path), "utf8")).toBe("mine");
  }
  expect(filesOf(tree)).toEqual(["run", "tmp", "var/log/apt", "var/log/wtmp", "var/log/x"]);
});

test("a clean tree stays as it is, times too; an empty one is no error", () => {
  const tree = directoryOf(Object.fromEntries(kept.map((path) => [path, "content"])));
  cleanTree(tree);
  const directories = [".", "etc", "var/log", "var/lib/dpkg"].map((path) => join(tree, path));
  const times = () => directories.map((path) => lstatSync(path, { bigint: true }).ctimeNs);
  const before = times();
  cleanTree(tree);
  expect(times()).toEqual(before);
  cleanTree(directoryOf({}));
});
