import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type BuildOutput, buildTree } from "../../image/build/build.ts";
import { isRootOfMachine } from "../../image/namespace/user-namespace.ts";
import { defaultRecipe } from "../../image/recipe/default.ts";
import { ImageStore } from "../../image/store/store.ts";
import { CURRENT } from "../../image/store/versions.ts";
import { systemClock } from "../../net/clock.ts";
import { openInterrupt } from "../interrupt.ts";
import { openProgressDisplay } from "../progress.ts";
import { version } from "../version.ts";

const SUITE = "bookworm";
const PREFIX = `demo-${SUITE}-`;

/** What the demonstration's nodes boot: a directory, or the current version of a sealed image. */
export type DemoTree =
  | { readonly source: string }
  | { readonly images: string; readonly image: string };

/** Built once into the cache, again when what builds it has changed. */
export async function demoSource(): Promise<DemoTree> {
  return isRootOfMachine() ? { source: await demoTree() } : await demoImage();
}

/** As a directory, which belongs to the machine's root. */
export async function demoTree(): Promise<string> {
  const cache = cacheDirectory();
  const name = demoName();
  const output = join(cache, name);
  if (existsSync(output)) return output;
  await build({ output }, cache);
  removeOthers(cache, name);
  return output;
}

/** Sealed: a file of one's own, in which owners are right. */
async function demoImage(): Promise<DemoTree> {
  const cache = cacheDirectory();
  const images = join(cache, "images");
  const name = demoName();
  if (!existsSync(join(images, name, CURRENT))) {
    await build({ output: undefined, images: new ImageStore(images) }, cache);
    removeOthers(images, name);
  }
  return { images, image: name };
}

/** Of what can be made again. */
export function cacheDirectory(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "sidus");
}

function demoName(): string {
  return `${PREFIX}${builderDigest()}`;
}

async function build(output: BuildOutput, cache: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  process.stderr.write(`Building the demonstration's tree, once, into ${cache}\n`);
  using interrupt = openInterrupt();
  using display = openProgressDisplay(process.stderr);
  await buildTree(
    {
      name: output.output === undefined ? demoName() : "demo",
      recipe: { ...defaultRecipe, suite: SUITE, rootPassword: { kind: "clear", text: "sidus" } },
      recipeText: undefined,
      ...output,
      logFile: join(cache, "demo-build.log"),
      version,
    },
    { clock: systemClock, signal: interrupt.signal, progress: display.show.bind(display) },
  );
}

/** Trees of earlier versions of sidus. */
function removeOthers(directory: string, name: string): void {
  for (const old of readdirSync(directory)) {
    if (old.startsWith(PREFIX) && old !== name) {
      rmSync(join(directory, old), { recursive: true });
    }
  }
}

const image = fileURLToPath(new URL("../../image/", import.meta.url));

/** What decides what a tree is like; the rest of image/ is about what is done with it. */
const decisive = ["build", "chroot", "overlay", "recipe", "settings"];

function builderDigest(): string {
  const hash = createHash("sha256");
  for (const file of decisive.flatMap(filesBelow).sort()) {
    hash.update(`${relative(image, file)}\0`).update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 12);
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(image, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
