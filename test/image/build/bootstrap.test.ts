import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  type BootstrapPlan,
  bootstrapEnvironment,
  DPKG_OF_BUILD,
  MERGED_USR_HOOKS,
  mmdebstrapCommand,
  writeConfiguration,
} from "../../../src/image/build/bootstrap.ts";
import { debootstrapCommand, placeKeys } from "../../../src/image/build/debootstrap.ts";
import { directoryOf } from "../../sidus.ts";

const plan: BootstrapPlan = {
  suite: "bookworm",
  architecture: "amd64",
  components: ["main"],
  sources: ["deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib"],
  packages: ["systemd-sysv", "vim"],
  pathIncludes: ["/usr/share/locale/fr/*"],
  exclude: [],
  selections: undefined,
  configuration: "/srv/.x/configuration",
  overlay: "/srv/.x/overlay",
  isRootOfMachine: true,
};

test("mmdebstrap does it in one run, with apt's lists left in the tree", () => {
  const command = mmdebstrapCommand(plan, true, "/srv/.x/tree");
  expect(command[0]).toBe("mmdebstrap");
  expect(command).toContain("--mode=root");
  expect(command).toContain("--architectures=amd64");
  expect(command).toContain("--include=systemd-sysv,vim");
  expect(command).toContain("--skip=cleanup/apt/lists");
  expect(command).toContain("--dpkgopt=path-include=/usr/share/locale/fr/*");
  expect(command.slice(-3)).toEqual(["bookworm", "/srv/.x/tree", ...plan.sources]);
  expect(command.slice(0, -1).join(" ")).not.toContain("://");
});

test("who is not root of the machine builds in mmdebstrap's unshare mode", () => {
  const command = mmdebstrapCommand({ ...plan, isRootOfMachine: false }, true, "/t");
  expect(command).toContain("--mode=unshare");
});

test("/usr is merged by mmdebstrap only where the suite needs it", () => {
  const hook = `--hook-dir=${MERGED_USR_HOOKS}`;
  expect(mmdebstrapCommand(plan, true, "/t")).toContain(hook);
  expect(mmdebstrapCommand(plan, false, "/t")).not.toContain(hook);
});

test("the kernel's scripts make no initrd: it is made once, later", () => {
  expect(bootstrapEnvironment(plan)).toMatchObject({
    INITRD: "No",
    DEBIAN_FRONTEND: "noninteractive",
  });
});

test("our files are there before the packages whose scripts read them", () => {
  const command = mmdebstrapCommand(plan, true, "/t");
  expect(command).toContain('--essential-hook=cp -a "$SIDUS_OVERLAY/." "$1/"');
  expect(bootstrapEnvironment(plan)["SIDUS_OVERLAY"]).toBe("/srv/.x/overlay");
});

test("answers for debconf are there before packages ask, and only where there are some", () => {
  const selections = "/srv/.x/selections";
  const command = mmdebstrapCommand({ ...plan, selections }, true, "/t");
  expect(command.filter((word) => word.includes("debconf-set-selections"))).toHaveLength(1);
  expect(bootstrapEnvironment({ ...plan, selections })["SIDUS_SELECTIONS"]).toBe(selections);
  const without = mmdebstrapCommand(plan, true, "/t");
  expect(without.filter((word) => word.includes("debconf-set-selections"))).toEqual([]);
});

test("what is excluded is pinned below 0 (apt_preferences(5)); dpkg does not wait for the disk", () => {
  const directory = directoryOf({});
  writeConfiguration(directory, ["nano", "vim-tiny"]);
  expect(readFileSync(join(directory, "etc/apt/preferences.d/sidus"), "utf8")).toBe(
    "Package: nano\nPin: release *\nPin-Priority: -1\n\nPackage: vim-tiny\nPin: release *\nPin-Priority: -1\n",
  );
  expect(readFileSync(join(directory, DPKG_OF_BUILD), "utf8")).toBe("force-unsafe-io\n");
  const nothing = directoryOf({});
  writeConfiguration(nothing, []);
  expect(existsSync(join(nothing, "etc/apt"))).toBe(false);
});

test("debootstrap takes its archive, key and components from the first source", () => {
  expect(debootstrapCommand({ ...plan, exclude: ["nano", "ed"] }, "/t")).toEqual([
    "debootstrap",
    "--variant=minbase",
    "--merged-usr",
    "--arch=amd64",
    "--components=main,contrib",
    "--keyring=/k.gpg",
    "--exclude=nano,ed",
    "bookworm",
    "/t",
    "http://mirror.example/debian",
  ]);
});

test.each([
  ["deb [trusted=yes] http://m.example/u noble main universe", "--no-check-gpg"],
  ["deb [arch=amd64 trusted=yes] http://m.example/u noble main", "--no-check-gpg"],
  ["deb https://m.example/u noble main", "--include=ca-certificates"],
])("debootstrap from %s", (source, option) => {
  const command = debootstrapCommand({ ...plan, sources: [source] }, "/t");
  expect(command).toContain(option);
  expect(command).toContain("noble");
});

test.each([
  "/etc/apt/sources.list",
  "deb-src http://m.example/d bookworm main",
  "deb http://m",
  "",
])("debootstrap cannot begin from %j, and says what it takes", (source) => {
  expect(() => debootstrapCommand({ ...plan, sources: [source] }, "/t")).toThrow(
    /^mirrors: debootstrap needs a URL or a line/,
  );
});

test("keys that sources name are in the tree, where its own apt looks for them", () => {
  const here = directoryOf({ "our.gpg": "key", "other.gpg": "ours" });
  const [our, other] = [join(here, "our.gpg"), join(here, "other.gpg")];
  const tree = directoryOf({ [other]: "its own" });
  placeKeys(
    [
      `deb [arch=amd64 signed-by=${our}] http://m.example/d x main`,
      `deb [signed-by=${other}] u x y`,
    ],
    tree,
  );
  expect(readFileSync(join(tree, our), "utf8")).toBe("key");
  expect(readFileSync(join(tree, other), "utf8")).toBe("its own");
});
