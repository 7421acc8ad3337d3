import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  installCommand,
  missingPackages,
  packagesFor,
  purposes,
  requirePackages,
} from "../../src/cli/packages.ts";
import { lackingOf, title } from "../needs.ts";

const lacking = lackingOf("dpkg-query");

test("each purpose has what those before it have, each package once and with its reason", () => {
  const names = (purpose: (typeof purposes)[number]): string[] =>
    packagesFor(purpose).map(({ name }) => name);
  expect(names("serve")).toEqual([]);
  expect(names("demo")).toEqual(expect.arrayContaining(names("build")));
  expect(names("test")).toEqual(expect.arrayContaining(names("demo")));
  for (const purpose of purposes) {
    expect(new Set(names(purpose)).size).toBe(names(purpose).length);
    for (const { reason } of packagesFor(purpose)) expect(reason).not.toBe("");
  }
});

test("the command that installs is whole", () => {
  expect(installCommand(["a", "b"])).toMatch(
    /^(?:sudo )?apt-get install --no-install-recommends a b$/,
  );
});

describe.skipIf(lacking !== undefined)(title("packages", lacking), () => {
  test("what dpkg's own state file says is installed is not missing, and the other way round", () => {
    const status = readFileSync("/var/lib/dpkg/status", "utf8");
    const installed = new Set(
      status
        .split("\n\n")
        .filter((entry) => /^Status: \S+ \S+ installed$/m.test(entry))
        .map((entry) => /^Package: (\S+)$/m.exec(entry)?.[1]),
    );
    const wanted = packagesFor("test").map(({ name }) => name);
    expect(missingPackages("test").map(({ name }) => name)).toEqual(
      wanted.filter((name) => !installed.has(name)),
    );
  });

  test("each package exists in Debian, as far as this machine knows it", () => {
    const names = packagesFor("test").map(({ name }) => name);
    const known = spawnSync("apt-cache", ["show", "--no-all-versions", ...names], {
      encoding: "utf8",
      maxBuffer: 1 << 24,
    }).stdout;
    // Without package lists apt knows installed packages only.
    const missing = new Set(missingPackages("test").map(({ name }) => name));
    for (const name of names.filter((candidate) => !missing.has(candidate))) {
      expect(known, name).toMatch(new RegExp(`^Package: ${name}$`, "m"));
    }
  });

  test("serving needs nothing", () => {
    expect(() => requirePackages("serve")).not.toThrow();
  });
});
