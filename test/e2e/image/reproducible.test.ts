import { chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../../needs.ts";
import { openOrdinaryUser } from "../../ordinary-user.ts";
import { directoryOf, type Outcome, outcome, sidus } from "../../sidus.ts";

/** The same recipe and the same state of the archive: one digest, whoever builds, where and when. */

const lacking =
  lackingOf("root", "mmdebstrap", "mkfs.erofs", "newuidmap", "setpriv") ??
  (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

/** Whose scripts leave most behind: keys, caches, compiled files, indexes. */
const packages = "ca-certificates,dbus,fontconfig,man-db,openssh-server,python3-minimal";

const command = (directory: string): string[] => [
  ...["build", "room", "--suite", "bookworm", "--include", packages, "--image", "--json"],
  ...["--images", join(directory, "images"), "--log", join(directory, "build.log")],
];

function digestIn({ code, stdout, stderr }: Outcome): string {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).image.digest;
}

describe.skipIf(lacking !== undefined)(title("two builds of Debian", lacking), () => {
  test("by root and by an ordinary user, in different places, one after the other: one digest", {
    timeout: 30 * 60_000,
  }, async () => {
    const deep = join(directoryOf({}), "deep/down/below");
    const root = digestIn(await sidus(...command(deep)));
    // Of this run, and else its own user's alone.
    chmodSync(tmpdir(), 0o711);
    const user = openOrdinaryUser();
    const own = await user.run(...user.node("src/main.ts"), ...command(user.home));
    expect(digestIn(own)).toBe(root);
    // Nothing but the digest is told of what they differ in.
    const difference = await outcome("cmp", [
      join(deep, "images/room", `${root}.spdx.json`),
      join(user.home, "images/room", `${root}.spdx.json`),
    ]);
    expect(difference).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});
