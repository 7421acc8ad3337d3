import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { installedIn, packagesOf } from "../../../src/image/store/packages.ts";
import { lackingOf, title } from "../../needs.ts";

/** deb822(5), as dpkg writes it: descriptions and conffiles go on over lines that begin with a space. */
const status = `Package: libstdc++6
Status: install ok installed
Priority: optional
Section: libs
Maintainer: Debian GCC Maintainers <debian-gcc@lists.debian.org>
Architecture: amd64
Multi-Arch: same
Source: gcc-12
Version: 12.2.0-14+deb12u1
Description: GNU Standard C++ Library v3
 Version: 9 is not its version.
Homepage: http://gcc.gnu.org/

Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1.21.22
Conffiles:
 /etc/dpkg/dpkg.cfg f4413ffb515f8f753624ae3bb365b81b

Package: libc6
Status: hold ok installed
Architecture: i386
Source: glibc (2.36-9+deb12u13)
Version: 2.36-9+deb12u13+b1

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2025b-0+deb12u2

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: half
Status: install reinstreq half-installed
Architecture: amd64
Version: 1

Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 1:2.36-9
`;

test("packages that are installed, sorted, and foreign ones with their architecture", () => {
  const packages = packagesOf(status);
  expect(Object.entries(packages)).toEqual([
    ["dpkg", "1.21.22"],
    ["libc6", "1:2.36-9"],
    ["libc6:i386", "2.36-9+deb12u13+b1"],
    ["libstdc++6", "12.2.0-14+deb12u1"],
    ["tzdata", "2025b-0+deb12u2"],
  ]);
});

test("a package's source, where it says one, and its version, where that is another", () => {
  expect(installedIn(status).map(({ source }) => source)).toEqual([
    { name: "dpkg", version: "1.21.22" },
    { name: "glibc", version: "1:2.36-9" },
    { name: "glibc", version: "2.36-9+deb12u13" },
    { name: "gcc-12", version: "12.2.0-14+deb12u1" },
    { name: "tzdata", version: "2025b-0+deb12u2" },
  ]);
});

test("what is no list of packages has none", () => {
  for (const text of ["", "\n\n", "no\nfields", "Package: a\nStatus: install ok installed\n"]) {
    expect(packagesOf(text)).toEqual({});
  }
});

const lacking = lackingOf("dpkg-query", "/var/lib/dpkg/status");

test.skipIf(lacking)(title("this machine's are those that dpkg-query tells", lacking), () => {
  const format =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own
    "${db:Status-Status} ${Package} ${Architecture} ${Version} ${source:Package} ${source:Version}\\n";
  const told = execFileSync("dpkg-query", ["--show", "--showformat", format], { encoding: "utf8" });
  const installed = told.split("\n").flatMap((line) => /^installed (.+)/.exec(line)?.[1] ?? []);
  const read = installedIn(
    execFileSync("cat", ["/var/lib/dpkg/status"], { encoding: "utf8", maxBuffer: 1 << 26 }),
  );
  expect(
    read
      .map(
        (one) =>
          `${one.name} ${one.architecture} ${one.version} ${one.source.name} ${one.source.version}`,
      )
      .toSorted(),
  ).toEqual(installed.toSorted());
});
