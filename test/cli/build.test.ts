import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type BuildArguments, buildOptions } from "../../src/cli/build.ts";
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
      images: undefined,
      rootPassword: undefined,
      logFile: "/var/log/sidus/build-room.log",
      version,
    });
  });

  test("an image stays no directory, unless both are asked for", () => {
    const output = (given: Partial<BuildArguments>) => {
      const { output, images } = buildOptions("room", { ...plain, ...given });
      return { output, images: images?.directory };
    };
    const images = "/var/lib/sidus/images";
    expect(output({ dir: true, output: "/x/y" })).toEqual({ output: "/x/y", images: undefined });
    expect(output({ image: true })).toEqual({ output: undefined, images });
    expect(output({ image: true, images: "/i" })).toEqual({ output: undefined, images: "/i" });
    expect(output({ image: true, dir: true })).toEqual({ output: "/srv/nfsroot/room", images });
    const both = { image: true, dir: true, output: "/x/y", images: "/i" };
    expect(output(both)).toEqual({ output: "/x/y", images: "/i" });
    expect(() => output({ image: true, output: "/x/y" })).toThrow(/^--output: with --image no/);
    expect(() => output({ images: "/i" })).toThrow(/^--images: only with --image/);
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
