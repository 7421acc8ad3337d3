import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { normaliseTree } from "../../../src/image/build/normalise.ts";
import { sealTree } from "../../../src/image/store/seal.ts";
import { ImageStore } from "../../../src/image/store/store.ts";
import { lackingOf, title } from "../../needs.ts";
import { openOrdinaryUser } from "../../ordinary-user.ts";
import { directoryOf, outcome } from "../../sidus.ts";

const lacking = lackingOf("mkfs.erofs", "setfattr");
const lackingRoot = lackingOf("mkfs.erofs", "setfattr", "newuidmap", "root");

const EPOCH = 1_700_000_000;

async function digestOf(tree: string): Promise<string> {
  const store = new ImageStore(join(directoryOf({}), "images"));
  const origin = { made: "test", parent: undefined, recipe: undefined };
  const sealed = await sealTree({
    name: "room",
    tree,
    store,
    version: "1",
    sealedAt: new Date(),
    origin,
  });
  return sealed.digest;
}

const names = Array.from({ length: 200 }, (_, at) => `file-${(at * 77) % 200}`);
const attributes = ["user.b", "user.a", "user.long.name", "user.c"];

/** acl(5) as Linux has it (posix_acl_xattr.h): version 2, then tag, permissions and number: user 7 may read. */
const acl = `0x02000000${[
  "01000700ffffffff",
  "0200050007000000",
  "04000500ffffffff",
  "10000700ffffffff",
  "20000500ffffffff",
].join("")}`;

function setXattr(path: string, name: string, value: string): void {
  execFileSync("setfattr", ["--name", name, "--value", value, path]);
}

/** The same in whatever order it is made. */
function treeMade(order: <T>(items: readonly T[]) => readonly T[]): string {
  const tree = directoryOf({});
  for (const directory of order(["etc", "usr", "var", "var/lib"])) {
    mkdirSync(join(tree, directory), { recursive: true });
  }
  for (const name of order(names)) writeFileSync(join(tree, "etc", name), name);
  for (const link of order(["var/first", "var/lib/second"])) {
    execFileSync("ln", [join(tree, "etc/file-7"), join(tree, link)]);
  }
  for (const attribute of order(attributes)) {
    for (const path of order(["etc", "etc/file-7", "etc/file-8"]))
      setXattr(join(tree, path), attribute, attribute);
  }
  // Of one file alone, so that they are not shared.
  for (const attribute of order(["user.own.b", "user.own.a"]))
    setXattr(join(tree, "etc/file-9"), attribute, attribute);
  for (const which of order(["access", "default"])) {
    setXattr(join(tree, "var"), `system.posix_acl_${which}`, acl);
  }
  normaliseTree(tree, EPOCH);
  return tree;
}

test.skipIf(lacking)(
  title("trees made in different order, at different times, give one digest", lacking),
  async () => {
    const digest = await digestOf(treeMade((items) => items));
    expect(await digestOf(treeMade((items) => items.toReversed()))).toBe(digest);
    const image = treeMade((items) => items.toSorted());
    expect(await digestOf(image)).toBe(digest);
    setXattr(join(image, "etc/file-9"), "user.own.a", "another");
    expect(await digestOf(image)).not.toBe(digest);
  },
);

const sealer = "test/image/store/sealer.ts";
const checkout = fileURLToPath(new URL("../../..", import.meta.url));

/** `$0` is Node, `$1` what seals. Owners, rights of access, what capabilities(7) are kept in, and the devices that only root of the machine can make. */
const making = `
  set -e
  sealer=$1; shift
  mkdir -p tree/dev tree/etc tree/usr/lib tree/var
  echo ID=debian >tree/usr/lib/os-release
  echo secret >tree/etc/shadow; chown 0:42 tree/etc/shadow; chmod 640 tree/etc/shadow
  echo mine >tree/var/file; chown 65533:7 tree/var/file
  echo ping >tree/ping; chmod u+s tree/ping
  setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= tree/var/file
  setfattr -n system.posix_acl_access -v ${acl} tree/var
  for node in "console 5 1" "full 1 7" "null 1 3" "ptmx 5 2" "random 1 8" "tty 5 0" "urandom 1 9" "zero 1 5"; do
    set -- "$@" $node; mknod -m 666 "tree/dev/$1" c "$2" "$3" 2>/dev/null || echo "no $1"; shift 3
  done
  find tree -exec touch --no-dereference --date=@${EPOCH} {} +
  exec "$0" "$sealer" tree images`;

test.skipIf(lackingRoot)(
  title("as root of a user namespace only, the same digest", lackingRoot),
  async () => {
    const directory = directoryOf({});
    const program = [process.execPath, join(checkout, sealer)];
    const root = await outcome("sh", ["-c", `cd ${directory}; ${making}`, ...program]);
    // Of this run, and else its own user's alone.
    chmodSync(tmpdir(), 0o711);
    const user = openOrdinaryUser();
    const namespace = ["unshare", "--map-root-user", "--map-auto", "sh", "-c", making];
    const own = await user.run(...namespace, ...user.node(sealer));
    expect([root.stderr, own.stderr]).toEqual(["", ""]);
    const digestIn = (text: string): string | undefined => /[0-9a-f]{64}/.exec(text)?.[0];
    expect(root.stdout).not.toContain("no null");
    expect(own.stdout).toContain("no null");
    expect(digestIn(own.stdout)).toBe(digestIn(root.stdout));
    expect(digestIn(root.stdout)).toBeDefined();
  },
);
