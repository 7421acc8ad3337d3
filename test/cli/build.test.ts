import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildOptions } from "../../src/cli/build.ts";
import { version } from "../../src/cli/version.ts";
import { directoryOf, sidus } from "../sidus.ts";

const plain = { suite: "bookworm", include: [], mirror: [] };

describe("sidus build", () => {
  test("a name is enough", () => {
    expect(buildOptions("room", plain)).toEqual({
      name: "room",
      suite: "bookworm",
      include: [],
      mirrors: [],
      output: "/srv/nfsroot/room",
      rootPassword: undefined,
      logFile: "/var/log/sidus/build-room.log",
      version,
    });
  });

  test("packages come in lists, as often as one likes", () => {
    const include = ["vim,openssh-server", "libc6:i386", "g++,"];
    expect(buildOptions("room", { ...plain, include }).include).toEqual([
      ...["vim", "openssh-server", "libc6:i386", "g++"],
    ]);
  });

  test("root's password is the first line of its file", () => {
    const files = directoryOf({ password: "correct horse:battery\nsecond\n", empty: "\nlate\n" });
    const from = (name: string) =>
      buildOptions("room", { ...plain, rootPasswordFile: join(files, name) }).rootPassword;
    expect(from("password")).toBe("correct horse:battery");
    expect(() => from("empty")).toThrow(/first line of .* is empty/);
    expect(() => from("missing")).toThrow(/--root-password-file: cannot read/);
  });

  test.each([
    ["../room", plain, /^NAME: expected/],
    ["-room", plain, /^NAME: expected/],
    [".room", plain, /^NAME: expected/],
    ["a".repeat(64), plain, /^NAME: expected/],
    ["room", { ...plain, suite: "--mode=fakeroot" }, /^--suite: expected/],
    ["room", { ...plain, include: ["vim --reinstall"] }, /^--include: expected/],
    ["room", { ...plain, include: ["vim,$(id)"] }, /^--include: expected/],
    ["room", { ...plain, mirror: ["--setup-hook=id"] }, /^--mirror: expected/],
  ])("what mmdebstrap would misunderstand is refused: %s", (name, given, message) => {
    expect(() => buildOptions(name, given)).toThrow(message);
  });

  test("wrong usage is one line and exit code 2", async () => {
    const { code, stderr, stdout } = await sidus("build", "room", "--suite", "Book worm");
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toBe(
      'sidus: --suite: expected a release\'s name, such as bookworm, found "Book worm"\n',
    );
  });
});
