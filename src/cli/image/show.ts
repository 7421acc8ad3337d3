import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { type Manifest, manifestOf } from "../../image/store/manifest.ts";
import { type ImageStore, someOf, type Version } from "../../image/store/store.ts";
import { sbomFile, shortOf } from "../../image/store/versions.ts";
import { systemClock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import { checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { renderTable } from "../table.ts";
import {
  type ImageArguments,
  megabytes,
  print,
  remedies,
  storeOf,
  subcommand,
  versionOf,
} from "./shared.ts";

interface ShowArguments extends ImageArguments {
  readonly packages?: true;
  readonly recipe?: true;
  readonly sbom?: true;
}

export function showCommand(): Command {
  const help = `
Example:
  sidus image show room
  sidus image show room 3f9a6c02 --packages`;
  return subcommand("show", help)
    .description("Show what is known of a version.")
    .argument("<name>", "the image")
    .argument("[version]", "the beginning of its digest (default: the current one)")
    .option("--packages", "print its packages and their versions")
    .option("--recipe", "print the recipe that it was built from")
    .option("--sbom", "print its bill of materials, SPDX as JSON")
    .action((name: string, prefix: string | undefined, given: ShowArguments) =>
      mendable(remedies, () => show(name, prefix, given)),
    );
}

async function show(name: string, prefix: string | undefined, given: ShowArguments): Promise<void> {
  checkName(name);
  if ([given.packages, given.recipe, given.sbom].filter((one) => one === true).length > 1) {
    throw new UserError("show: expected one of --packages, --recipe and --sbom");
  }
  const store = storeOf(given);
  const digest = await versionOf(store, name, prefix);
  const manifest = await manifestOf(store.directoryOf(name), name, digest);
  if (given.sbom === true) return showSbom(store, name, digest);
  if (given.recipe === true) return showRecipe(manifest, given);
  if (given.packages === true) {
    const rows = Object.entries(manifest.packages);
    return print(given, manifest.packages, renderTable(rows));
  }
  const version = await knownOf(store, name, digest);
  print(given, { ...manifest, ...version }, renderVersion(manifest, version));
}

async function knownOf(store: ImageStore, name: string, digest: string): Promise<Version> {
  const versions = await store.versions(name, systemClock.epochMs());
  const version = versions.find((one) => one.digest === digest);
  if (version !== undefined) return version;
  throw new UserError(`${shortOf(digest)} of ${name} was removed meanwhile`, { exitCode: 1 });
}

function showSbom(store: ImageStore, name: string, digest: string): void {
  const file = join(store.directoryOf(name), sbomFile(digest));
  if (!existsSync(file)) {
    const message = `${shortOf(digest)} of ${name} has no bill of materials`;
    throw new UserError(message, { exitCode: 1 });
  }
  process.stdout.write(readFileSync(file, "utf8"));
}

function showRecipe({ name, digest, recipe }: Manifest, given: ShowArguments): void {
  if (recipe === undefined) {
    throw new UserError(`${shortOf(digest)} of ${name} has no recipe`, { exitCode: 1 });
  }
  print(given, { recipe }, recipe);
}

function renderVersion(manifest: Manifest, version: Version): string {
  const { digest, bytes, sealed, sidus, kernel, made, parent, recipe, packages } = manifest;
  const count = Object.keys(packages).length;
  return renderTable([
    ["image", manifest.name],
    ["digest", digest],
    ["current", version.isCurrent ? "yes" : "no"],
    ["size", megabytes(bytes)],
    ["made", made],
    ["parent", parent === undefined ? "-" : shortOf(parent)],
    ["sealed", `${sealed.slice(0, 19).replace("T", " ")} UTC, by sidus ${sidus}`],
    ["kernel", kernel ?? "-"],
    ["packages", count === 0 ? "-" : `${count} (--packages)`],
    ["recipe", recipe === undefined ? "-" : `${recipe.split("\n").length - 1} lines (--recipe)`],
    ["signed by", version.signer ?? "-"],
    ["nodes", version.nodes.length === 0 ? "-" : someOf(version.nodes, 10)],
  ]);
}
