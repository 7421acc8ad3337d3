import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type BuildArguments, buildOptions } from "../../src/cli/build.ts";
import { version } from "../../src/cli/version.ts";
import { defaultRecipe } from "../../src/image/recipe/default.ts";
import { directoryOf, sidus } from "../sidus.ts";

const plain = { include: [], mirror: [] };
const options = (given: Partial<BuildArguments>, isRoot = true) =>
  buildOptions("room", { ...plain, ...given }, isRoot);

describe("sidus build", () => {
  test("a name is enough", () => {
    expect(options({})).toEqual({
      name: "room",
      recipe: defaultRecipe,
      recipeText: undefined,
      output: "/srv/nfsroot/room",
      images: undefined,
      logFile: "/var/log/sidus/build-room.log",
      version,
    });
  });

  test("an image stays no directory, unless both are asked for", () => {
    const output = (given: Partial<BuildArguments>) => {
      const { output, images } = options(given);
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

  test("who is not root builds an image; a directory is refused, with why", () => {
    const { output, images } = options({ images: "/i" }, false);
    expect({ output, images: images?.directory }).toEqual({ output: undefined, images: "/i" });
    const why =
      /: only root builds a directory: in yours its files would belong to your subordinate/;
    expect(() => options({ dir: true }, false)).toThrow(why);
    expect(() => options({ output: "/x/y" }, false)).toThrow(why);
  });

  test("packages come in lists, as often as one likes", () => {
    const include = ["vim,openssh-server", "libc6:i386", "g++,"];
    expect(options({ include }).recipe.include).toEqual([
      ...["vim", "openssh-server", "libc6:i386", "g++"],
    ]);
  });

  test("the command line comes before the recipe; packages come besides", () => {
    const files = directoryOf({
      "room.yaml": "suite: noble\ninclude: [vim]\nmirrors: [http://m.example/u]\n",
    });
    const recipe = join(files, "room.yaml");
    const plainly = options({ recipe });
    expect(plainly.recipe).toMatchObject({ suite: "noble", include: ["vim"] });
    expect(plainly.recipeText).toContain("suite: noble");
    const given = { suite: "jammy", include: ["ed"], mirror: ["http://m.example/v"] };
    const more = { architecture: "i386", bootstrap: "debootstrap" } as const;
    expect(options({ recipe, ...given, ...more }).recipe).toMatchObject({
      suite: "jammy",
      include: ["vim", "ed"],
      mirrors: ["http://m.example/v"],
      ...more,
    });
  });

  test("a package that the command line names is not what the recipe leaves out", () => {
    const files = directoryOf({ "room.yaml": "exclude: [nano, ed]\npurge: [ed]\n" });
    const given = { recipe: join(files, "room.yaml"), include: ["ed"] };
    expect(options(given).recipe).toMatchObject({ include: ["ed"], exclude: ["nano"], purge: [] });
  });

  test("root's password is the first line of its file", () => {
    const files = directoryOf({
      password: "correct horse:battery\nsecond\n",
      ofWindows: "correct\r\n",
      empty: "\nlate\n",
    });
    const from = (name: string) =>
      options({ rootPasswordFile: join(files, name) }).recipe.rootPassword;
    expect(from("password")).toEqual({ kind: "clear", text: "correct horse:battery" });
    expect(from("ofWindows")).toEqual({ kind: "clear", text: "correct" });
    expect(() => from("empty")).toThrow(/first line of .* is empty/);
    expect(() => from("missing")).toThrow(/--root-password-file: cannot read/);
  });

  test("--example prints a recipe that can be built from", async () => {
    const { code, stdout } = await sidus("build", "--example");
    expect(code).toBe(0);
    const files = directoryOf({ "room.yaml": stdout });
    // Its clear passwords are not kept.
    const kept = options({ recipe: join(files, "room.yaml") }).recipeText?.split("\n") ?? [];
    const lines = stdout.split("\n");
    expect(kept).toHaveLength(lines.length);
    const changed = lines.filter((line, at) => line !== kept[at]);
    expect(changed.every((line) => line.includes("password: "))).toBe(true);
  });

  test("without a name it says how", async () => {
    const { code, stderr } = await sidus("build");
    expect(code).toBe(2);
    expect(stderr).toBe("sidus: NAME is missing: sidus build NAME\n");
  });

  test.each([
    ["../room", plain, /^NAME: expected/],
    ["-room", plain, /^NAME: expected/],
    [".room", plain, /^NAME: expected/],
    ["a".repeat(64), plain, /^NAME: expected/],
    ["room", { ...plain, suite: "--mode=fakeroot" }, /^--suite: expected/],
    ["room", { ...plain, architecture: "AMD 64" }, /^--architecture: expected/],
    ["room", { ...plain, include: ["vim --reinstall"] }, /^--include: expected/],
    ["room", { ...plain, include: ["vim,$(id)"] }, /^--include: expected/],
    ["room", { ...plain, mirror: ["--setup-hook=id"] }, /^--mirror: expected/],
  ])("what would be misunderstood is refused: %s", (name, given, message) => {
    expect(() => buildOptions(name, given, true)).toThrow(message);
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
