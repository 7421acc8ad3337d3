import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isMalformed, type Malformed, malformed } from "../../bytes/malformed.ts";
import { manifestFile, versionFile } from "./versions.ts";

/** What is written down of a version when it is sealed, as JSON beside it. */
export interface Manifest {
  readonly name: string;
  readonly digest: string;
  readonly bytes: number;
  /** ISO 8601, UTC. */
  readonly sealed: string;
  /** The version of sidus that sealed it. */
  readonly sidus: string;
  /** Undefined where the tree boots no kernel of its own. */
  readonly kernel: string | undefined;
  /** How it came to be: `build`, `edit: apt-get install vim`, `update`, `commit of n1`, `capture of host`, `seal of /srv/…`. */
  readonly made: string;
  /** Digest of the version that it was made from. */
  readonly parent: string | undefined;
  /** The recipe as it was read; undefined where there was none. */
  readonly recipe: string | undefined;
  /** Installed packages and their versions, by name (`name:architecture` for foreign ones), sorted. */
  readonly packages: Readonly<Record<string, string>>;
  /** SHA-256 of its bill of materials, hexadecimal; undefined: what is said there, nobody vouches for. */
  readonly sbom: string | undefined;
}

/** How a version comes to be: what its manifest says that the tree does not. */
export type Origin = Pick<Manifest, "made" | "parent" | "recipe">;

/** It is shown on a terminal. */
const line = z.string().regex(/^\P{Cc}*$/u);
const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Older ones have less. */
const shape = z.object({
  name: line,
  digest,
  bytes: z.int().nonnegative(),
  sealed: z.iso.datetime(),
  sidus: line,
  kernel: line.optional(),
  made: line.default("?"),
  parent: digest.optional(),
  recipe: z.string().optional(),
  packages: z.record(line, line).default({}),
  sbom: digest.optional(),
});

/** The JSON text of one. */
export function decodeManifest(text: string): Manifest | Malformed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return malformed("it is no JSON");
  }
  const { success, data, error } = shape.safeParse(value);
  if (!success) return malformed(`${error.issues[0]?.path.join(".")}: ${error.issues[0]?.message}`);
  const { kernel, parent, recipe, sbom, ...others } = data;
  return { ...others, kernel, parent, recipe, sbom };
}

/** A version whose manifest is lost or damaged is a version all the same. */
export async function manifestOf(
  directory: string,
  name: string,
  digest: string,
): Promise<Manifest> {
  const file = await stat(join(directory, versionFile(digest)));
  const text = await readFile(join(directory, manifestFile(digest)), "utf8").catch(() => "");
  const written = decodeManifest(text);
  const known = isMalformed(written) ? unknownBut(file.mtime) : written;
  return { ...known, name, digest, bytes: file.size };
}

function unknownBut(sealed: Date): Omit<Manifest, "name" | "digest" | "bytes"> {
  const nothing = { kernel: undefined, parent: undefined, recipe: undefined, sbom: undefined };
  return { ...nothing, packages: {}, sealed: sealed.toISOString(), sidus: "?", made: "?" };
}
