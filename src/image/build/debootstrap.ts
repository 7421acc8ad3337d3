import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../user-error.ts";
import { placeFile } from "../place.ts";
import { aptOptions, type BootstrapPlan, bootstrapEnvironment } from "./bootstrap.ts";
import { updatesOf } from "./distribution.ts";
import { dpkgOptions } from "./packages.ts";
import { pruneTree } from "./prune.ts";
import type { BuildWork } from "./work.ts";

/** For as long as packages are installed. */
const SELECTIONS = "var/cache/debconf/sidus-selections";

/** As mmdebstrap does it, with debootstrap: the base system, then apt in the tree. @throws UserError */
export async function debootstrapTree(plan: BootstrapPlan, work: BuildWork): Promise<void> {
  const { tree } = work;
  await work.confined("debootstrap", debootstrapCommand(plan, tree), bootstrapEnvironment(plan));
  pruneTree(tree, plan.pathIncludes);
  const sources = plan.sources.length > 0 ? plan.sources : ownSources(plan, tree);
  placeConfiguration({ ...plan, sources }, tree);
  placeKeys(sources, tree);
  await work.inTree("apt-get update", ["apt-get", "update", "--error-on=any"]);
  if (plan.selections !== undefined) {
    placeFile(join(tree, SELECTIONS), readFileSync(plan.selections), 0o600);
    const script = `debconf-set-selections <'/${SELECTIONS}' && rm '/${SELECTIONS}'`;
    await work.inTree("debconf-set-selections", ["/bin/sh", "-c", script]);
  }
  const environment = bootstrapEnvironment(plan);
  // Of several sources debootstrap knows the first: the base system has no updates yet.
  await work.inTree("apt-get dist-upgrade", ["apt-get", "--yes", "dist-upgrade"], environment);
  const install = ["apt-get", "--yes", "install", ...plan.packages];
  await work.inTree("apt-get install", install, environment);
}

/** The archive that debootstrap chose, and its updates. */
function ownSources(plan: BootstrapPlan, tree: string): string[] {
  const written = readFileSync(join(tree, "etc/apt/sources.list"), "utf8").trim();
  return [written, ...updatesOf(archiveOf([written]).url, plan)];
}

/** The first source is the archive that the base system is from. */
export function debootstrapCommand(plan: BootstrapPlan, target: string): string[] {
  const own = { options: "", url: "", suite: plan.suite, components: plan.components };
  const { url, suite, components, options } =
    plan.sources.length === 0 ? own : archiveOf(plan.sources);
  const keyring = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
  return [
    "debootstrap",
    "--variant=minbase",
    "--merged-usr",
    `--arch=${plan.architecture}`,
    `--components=${components.join(",")}`,
    ...(/(?:^|\s)trusted=yes(?:\s|$)/i.test(options) ? ["--no-check-gpg"] : []),
    ...(keyring === undefined ? [] : [`--keyring=${keyring}`]),
    ...(url.startsWith("https:") ? ["--include=ca-certificates"] : []),
    ...(plan.exclude.length === 0 ? [] : [`--exclude=${plan.exclude.join(",")}`]),
    suite,
    target,
    ...(url === "" ? [] : [url]),
  ];
}

interface Archive {
  readonly options: string;
  readonly url: string;
  readonly suite: string;
  readonly components: readonly string[];
}

/** sources.list(5). @throws UserError where it is not one line. */
function archiveOf([first = ""]: readonly string[]): Archive {
  const [, options = "", url = "", suite = "", among = ""] =
    /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(\S.*)$/.exec(first) ?? [];
  if (url === "") {
    throw new UserError(
      `mirrors: debootstrap needs a URL or a line \`deb URL SUITE COMPONENTS\` first, found "${first}"; mmdebstrap takes files too`,
    );
  }
  return { options, url, suite, components: among.split(/\s+/) };
}

/** What mmdebstrap leaves in a tree as well. */
function placeConfiguration(plan: BootstrapPlan, tree: string): void {
  const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join("");
  const place = (path: string, text: string): void => placeFile(join(tree, path), text, 0o644);
  const files = plan.sources.filter((source) => source.startsWith("/"));
  place("etc/apt/sources.list", lines(plan.sources.filter((source) => !files.includes(source))));
  for (const [at, file] of files.entries()) {
    const text = readFileSync(file, "utf8");
    const kind = /^(?:Types|URIs):/m.test(text) ? "sources" : "list";
    place(`etc/apt/sources.list.d/sidus-${at}.${kind}`, text);
  }
  place("etc/apt/apt.conf.d/99sidus", lines(aptOptions));
  place("etc/dpkg/dpkg.cfg.d/sidus", lines(dpkgOptions(plan.pathIncludes)));
  for (const directory of [plan.configuration, plan.overlay]) {
    execFileSync("cp", ["-a", `${directory}/.`, tree]);
  }
}

/** Keys that sources name, where the tree does not have them: apt in it asks for them too. */
export function placeKeys(sources: readonly string[], tree: string): void {
  for (const source of sources) {
    const file = /^deb\s+\[[^\]]*signed-by=([^\s\],]+)/i.exec(source)?.[1];
    if (file === undefined || !file.startsWith("/") || existsSync(join(tree, file))) continue;
    placeFile(join(tree, file), readFileSync(file), 0o644);
  }
}
