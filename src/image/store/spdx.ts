import type { InstalledPackage } from "./packages.ts";

/** What a bill of materials is of. */
export interface SpdxSubject {
  /** Of the image. */
  readonly name: string;
  readonly digest: string;
  /** Of sidus. */
  readonly version: string;
  /** Seconds since 1970, of what is in the image: not of its sealing, so that the same image gives the same text. */
  readonly created: number;
  readonly packages: readonly InstalledPackage[];
  /** ID and VERSION_ID of os-release(5): `debian`, `12`. */
  readonly distribution: { readonly id: string; readonly release: string | undefined };
}

const IMAGE = "SPDXRef-Image";

/** All packages of an image, as SPDX 2.3 in JSON. Licences are not looked for: SPDX has a word for that. */
export function spdxOf(subject: SpdxSubject): string {
  const { name, digest, packages } = subject;
  const ids = packages.map(idOf);
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `${name}@${digest}`,
    documentNamespace: `https://spdx.org/spdxdocs/sidus-${encodeURIComponent(name)}-${digest}`,
    creationInfo: {
      // §6.9: no fractions of seconds.
      created: new Date(subject.created * 1000).toISOString().replace(".000Z", "Z"),
      creators: [`Tool: sidus-${subject.version}`],
    },
    packages: [imageOf(subject), ...packages.map((one) => packageOf(one, subject.distribution))],
    relationships: [
      relationship("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE),
      ...ids.map((id) => relationship(IMAGE, "CONTAINS", id)),
    ],
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

const unknown = {
  downloadLocation: "NOASSERTION",
  filesAnalyzed: false,
  licenseConcluded: "NOASSERTION",
  licenseDeclared: "NOASSERTION",
  copyrightText: "NOASSERTION",
};

function imageOf({ name, digest }: SpdxSubject) {
  return {
    SPDXID: IMAGE,
    name,
    versionInfo: digest,
    packageFileName: `${digest}.erofs`,
    checksums: [{ algorithm: "SHA256", checksumValue: digest }],
    ...unknown,
  };
}

function packageOf(one: InstalledPackage, distribution: SpdxSubject["distribution"]) {
  return {
    SPDXID: idOf(one),
    name: one.name,
    versionInfo: one.version,
    sourceInfo: `built from the source package ${one.source.name} ${one.source.version}`,
    ...(one.homepage === undefined ? {} : { homepage: one.homepage }),
    ...unknown,
    externalRefs: [
      {
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: purlOf(one, distribution),
      },
    ],
  };
}

/** `pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12`, as purl-spec has the type `deb`. */
function purlOf(one: InstalledPackage, { id, release }: SpdxSubject["distribution"]): string {
  const distro = release === undefined ? "" : `&distro=${encode(`${id}-${release}`)}`;
  return `pkg:deb/${encode(id)}/${encode(one.name)}@${encode(one.version)}?arch=${encode(one.architecture)}${distro}`;
}

/** A purl's colons stay as they are. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":");
}

/** §7.2: letters, digits, `.` and `-`. Names have `+` besides. */
function idOf({ name, architecture }: InstalledPackage): string {
  return `SPDXRef-deb-${`${name}-${architecture}`.replaceAll("+", ".plus.")}`;
}

function relationship(from: string, type: "DESCRIBES" | "CONTAINS", to: string) {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
}
