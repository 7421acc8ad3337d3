import { expect, test } from "vitest";
import type { InstalledPackage } from "../../../src/image/store/packages.ts";
import { spdxOf } from "../../../src/image/store/spdx.ts";

const digest = "0123456789abcdef".repeat(4);

const cpp: InstalledPackage = {
  name: "libstdc++6",
  version: "1:12.2.0-14+deb12u1~rc1",
  architecture: "amd64",
  isForeign: false,
  source: { name: "gcc-12", version: "12.2.0-14" },
  homepage: "http://gcc.gnu.org/",
};

const subject = {
  name: "room",
  digest,
  version: "1.2.3",
  created: 1_767_225_601,
  packages: [cpp, { ...cpp, architecture: "i386", isForeign: true, homepage: undefined }],
  distribution: { id: "debian", release: "12" },
};

const nobodyLooked = {
  downloadLocation: "NOASSERTION",
  filesAnalyzed: false,
  licenseConcluded: "NOASSERTION",
  licenseDeclared: "NOASSERTION",
  copyrightText: "NOASSERTION",
};

const purl = "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1~rc1";

const reference = (arch: string) => [
  {
    referenceCategory: "PACKAGE-MANAGER",
    referenceType: "purl",
    referenceLocator: `${purl}?arch=${arch}&distro=debian-12`,
  },
];

test("a bill of materials: the document, the image, its packages, and what contains what (SPDX 2.3)", () => {
  expect(JSON.parse(spdxOf(subject))).toEqual({
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `room@${digest}`,
    documentNamespace: `https://spdx.org/spdxdocs/sidus-room-${digest}`,
    creationInfo: { created: "2026-01-01T00:00:01Z", creators: ["Tool: sidus-1.2.3"] },
    packages: [
      {
        SPDXID: "SPDXRef-Image",
        name: "room",
        versionInfo: digest,
        packageFileName: `${digest}.erofs`,
        checksums: [{ algorithm: "SHA256", checksumValue: digest }],
        ...nobodyLooked,
      },
      {
        SPDXID: "SPDXRef-deb-libstdc.plus..plus.6-amd64",
        name: "libstdc++6",
        versionInfo: "1:12.2.0-14+deb12u1~rc1",
        sourceInfo: "built from the source package gcc-12 12.2.0-14",
        homepage: "http://gcc.gnu.org/",
        ...nobodyLooked,
        externalRefs: reference("amd64"),
      },
      {
        SPDXID: "SPDXRef-deb-libstdc.plus..plus.6-i386",
        name: "libstdc++6",
        versionInfo: "1:12.2.0-14+deb12u1~rc1",
        sourceInfo: "built from the source package gcc-12 12.2.0-14",
        ...nobodyLooked,
        externalRefs: reference("i386"),
      },
    ],
    relationships: [
      ["SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"],
      ["SPDXRef-Image", "CONTAINS", "SPDXRef-deb-libstdc.plus..plus.6-amd64"],
      ["SPDXRef-Image", "CONTAINS", "SPDXRef-deb-libstdc.plus..plus.6-i386"],
    ].map(([spdxElementId, relationshipType, relatedSpdxElement]) => ({
      spdxElementId,
      relationshipType,
      relatedSpdxElement,
    })),
  });
});

test("the same image gives the same text; an image without packages is described as well", () => {
  expect(spdxOf(subject)).toBe(spdxOf({ ...subject }));
  const none = JSON.parse(
    spdxOf({ ...subject, packages: [], distribution: { id: "debian", release: undefined } }),
  );
  expect(none.packages).toHaveLength(1);
  expect(none.relationships).toHaveLength(1);
});

test("without a release, testing's say, a purl names none", () => {
  const distribution = { id: "debian", release: undefined };
  const text = spdxOf({ ...subject, packages: [cpp], distribution });
  expect(JSON.parse(text).packages[1].externalRefs[0].referenceLocator).toBe(`${purl}?arch=amd64`);
});
