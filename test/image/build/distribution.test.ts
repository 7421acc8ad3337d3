import { expect, test } from "vitest";
import {
  comesUnmerged,
  distributionOf,
  type Source,
  sourcesOf,
  updatesOf,
} from "../../../src/image/build/distribution.ts";

const source: Source = {
  suite: "bookworm",
  components: ["main", "contrib"],
  mirrors: [],
};

const keyed = (suite: string, mirrors: readonly string[] = []) => {
  const own = distributionOf(suite, mirrors);
  // Present on every machine: which keyrings are installed is not the matter here.
  return { ...own, keyring: { file: "/etc/passwd", package: "some-keyring" } };
};

test.each([
  ["bookworm", "debian", ["main"]],
  ["trixie", "debian", ["main"]],
  ["noble", "ubuntu", ["main", "universe"]],
  ["jammy", "ubuntu", ["main", "universe"]],
])("%s is of %s", (suite, name, components) => {
  expect(distributionOf(suite, [])).toMatchObject({ name, components });
});

test("a suite that nobody knows needs mirrors, which say whose it is", () => {
  expect(() => distributionOf("bookwurm", [])).toThrow(/^suite bookwurm is not known \(.*trixie/);
  expect(distributionOf("daedalus", ["http://m.example/merged"]).name).toBe("debian");
  expect(distributionOf("zesty", ["http://m.example/ubuntu"]).name).toBe("ubuntu");
});

test("without mirrors, the bootstrap chooses the archive", () => {
  expect(sourcesOf(keyed("bookworm"), source)).toEqual([]);
});

test.each([
  ["bookworm", "http://m.example/debian", "http://m.example/debian-security"],
  ["bookworm", "http://m.example/debian/", "http://m.example/debian-security"],
  ["noble", "http://m.example/ubuntu", "http://m.example/ubuntu"],
])("updates of %s from %s, those of security from %s", (suite, archive, security) => {
  expect(updatesOf(archive, { ...source, suite })).toEqual([
    `deb ${archive} ${suite}-updates main contrib`,
    `deb ${security} ${suite}-security main contrib`,
  ]);
});

test("what rolls on has none", () => {
  expect(updatesOf("http://m.example/debian", { ...source, suite: "sid" })).toEqual([]);
});

test("a URL becomes a line; lines and files stay as they are", () => {
  const mirrors = [
    "http://m.example/debian",
    "file:///srv/debian",
    "deb [trusted=yes] http://m.example/x y z",
    "/etc/apt/sources.list",
  ];
  expect(sourcesOf(keyed("bookworm"), { ...source, mirrors })).toEqual([
    "deb [signed-by=/etc/passwd] http://m.example/debian bookworm main contrib",
    "deb [signed-by=/etc/passwd] file:///srv/debian bookworm main contrib",
    "deb [trusted=yes] http://m.example/x y z",
    "/etc/apt/sources.list",
  ]);
});

test("an archive whose key is missing is refused, with how to get it; lines bring their own", () => {
  const noble = keyed("noble");
  const keyless = { ...noble, keyring: { file: "/no/such.gpg", package: "ubuntu-keyring" } };
  expect(() => sourcesOf(keyless, { ...source, suite: "noble" })).toThrow(
    /^noble: \/no\/such\.gpg is missing.*apt-get install ubuntu-keyring.*signed-by=FILE/,
  );
  const mirrors = ["deb [signed-by=/x] http://m.example/u noble main"];
  expect(sourcesOf(keyless, { ...source, mirrors })).toEqual(mirrors);
});

test.each([
  ["bookworm", "amd64", "linux-image-amd64"],
  ["bookworm", "arm64", "linux-image-arm64"],
  ["bookworm", "i386", "linux-image-686-pae"],
  ["bookworm", "armhf", "linux-image-armmp"],
  ["noble", "amd64", "linux-image-generic"],
])("the kernel of %s for %s is %s", (suite, architecture, name) => {
  expect(distributionOf(suite, []).kernel(architecture)).toBe(name);
});

test("only bookworm is merged from outside: others are by themselves, or are not", () => {
  const suites = ["bullseye", "bookworm", "trixie", "sid", "noble"];
  expect(suites.filter(comesUnmerged)).toEqual(["bookworm"]);
});
