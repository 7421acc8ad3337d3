/** An installed package, as /var/lib/dpkg/status tells of it. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Of the system: `amd64`; others, but for `all`, are foreign. */
  readonly isForeign: boolean;
  readonly source: { readonly name: string; readonly version: string };
  /** Undefined where it has none. */
  readonly homepage: string | undefined;
}

/** Installed packages and their versions, by name (`name:architecture` for foreign ones), sorted. */
export function packagesOf(dpkgStatus: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    installedIn(dpkgStatus).map((one) => [
      one.isForeign ? `${one.name}:${one.architecture}` : one.name,
      one.version,
    ]),
  );
}

/** Sorted by name. What is half installed, or removed but for its configuration, is not there. */
export function installedIn(dpkgStatus: string): readonly InstalledPackage[] {
  const stanzas = dpkgStatus.split(/\n{2,}/).map(fieldsOf);
  const installed = stanzas.filter((fields) => fields["Status"]?.endsWith(" installed"));
  const own = installed.find((fields) => fields["Package"] === "dpkg")?.["Architecture"];
  return installed
    .flatMap((fields) => packageOf(fields, own) ?? [])
    .sort((a, b) => compare(a.name, b.name) || compare(a.architecture, b.architecture));
}

type Fields = Readonly<Record<string, string>>;

/** deb822(5), without the lines that continue a field: nothing of interest has any. */
function fieldsOf(stanza: string): Fields {
  return Object.fromEntries(
    [...stanza.matchAll(/^([A-Za-z-]+): *(.*)$/gm)].map((found) => [
      found[1] ?? "",
      found[2] ?? "",
    ]),
  );
}

function packageOf(fields: Fields, own: string | undefined): InstalledPackage | undefined {
  const { Package: name, Version: version, Architecture: architecture } = fields;
  if (name === undefined || version === undefined || architecture === undefined) return undefined;
  // `Source: glibc (2.36-9)`; the version is said where it is another than the package's.
  const [, source, sourceVersion] = /^(\S+)(?: \((.+)\))?$/.exec(fields["Source"] ?? "") ?? [];
  return {
    name,
    version,
    architecture,
    isForeign: architecture !== own && architecture !== "all" && own !== undefined,
    source: { name: source ?? name, version: sourceVersion ?? version },
    homepage: fields["Homepage"],
  };
}

/** By code units: the same in every locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
