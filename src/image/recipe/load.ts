import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { formatCidr, formatIpv4 } from "../../bytes/ipv4.ts";
import { complaintOf } from "../../config/complaint.ts";
import { type Advice, type Path, readSource, type Source } from "../../config/source.ts";
import { defaultRecipe } from "./default.ts";
import { refuseMisfits } from "./misfits.ts";
import type { FileRecipe, HomeRecipe, Password, Recipe, UserRecipe } from "./recipe.ts";
import { schema, type WrittenPasswords, type WrittenRecipe } from "./schema.ts";
import { password as passwordValue } from "./values.ts";

const advice: Advice = {
  absent: "`sidus build --example` prints a recipe to begin with",
  keys: "`sidus build --example` shows those there are",
};

/**
 * Reads a recipe. `text` is the file's, without the passwords that are in it in clear: it may be kept and shown.
 * @throws UserError naming file, line, key, what was expected and what was found.
 */
export function loadRecipe(file: string): { recipe: Recipe; text: string } {
  const source = readSource(file, advice);
  const result = schema.safeParse(source.value);
  if (!result.success) throw complaintOf(source, result.error.issues);
  const recipe = recipeOf(result.data, source);
  refuseMisfits(recipe, source);
  return { recipe, text: withoutPasswords(result.data, source) };
}

function recipeOf(written: WrittenRecipe, source: Source): Recipe {
  return {
    ...defaultRecipe,
    ...plainParts(written),
    locale: {
      default: written.locale?.default ?? defaultRecipe.locale.default,
      also: written.locale?.also ?? [],
    },
    rootPassword: passwordOf(written.root, ["root"], source),
    rootKeys: written.root?.keys ?? [],
    users: Object.entries(written.users ?? {}).map(([name, user]) => userOf(name, user, source)),
    resolver: written.resolver && {
      servers: written.resolver.servers.map(formatIpv4),
      search: written.resolver.search ?? [],
    },
    directory: directoryOf(written.ldap),
    homes: Object.entries(written.homes ?? {}).map(([mount, home]) => homeOf(mount, home)),
    infiniband: written.infiniband && {
      network: formatCidr(written.infiniband.network),
      modules: written.infiniband.modules ?? [],
    },
    files: Object.entries(written.files ?? {}).map(([path, one]) => fileOf(path, one, source)),
  };
}

/** Those that are in the recipe as they are written. */
function plainParts(written: WrittenRecipe) {
  const { keyboard, services } = written;
  return {
    suite: written.suite ?? defaultRecipe.suite,
    architecture: written.architecture,
    bootstrap: written.bootstrap ?? defaultRecipe.bootstrap,
    mirrors: written.mirrors ?? [],
    components: written.components ?? [],
    include: written.include ?? [],
    exclude: written.exclude ?? [],
    purge: written.purge ?? [],
    initramfs: written.initramfs ?? defaultRecipe.initramfs,
    kernel: written.kernel,
    timezone: written.timezone ?? defaultRecipe.timezone,
    keyboard: keyboard && { model: "pc105", variant: "", options: "", ...defined(keyboard) },
    limits: written.limits ?? [],
    idmapDomain: written["idmap-domain"],
    displayManager: written["display-manager"],
    gpu: written.gpu ?? [],
    commands: written.run ?? [],
    services: {
      enable: services?.enable ?? [],
      disable: services?.disable ?? [],
      mask: services?.mask ?? [],
    },
  };
}

/** Without the keys that are there and undefined: they would hide a default. */
function defined(keyboard: NonNullable<WrittenRecipe["keyboard"]>) {
  const { layout, model, variant, options } = keyboard;
  return {
    layout,
    ...(model === undefined ? {} : { model }),
    ...(variant === undefined ? {} : { variant }),
    ...(options === undefined ? {} : { options }),
  };
}

function userOf(
  name: string,
  written: NonNullable<WrittenRecipe["users"]>[string],
  source: Source,
): UserRecipe {
  return {
    name,
    uid: written.uid,
    gecos: written.name ?? "",
    groups: written.groups ?? [],
    shell: written.shell ?? "/bin/bash",
    home: written.home ?? `/home/${name}`,
    password: passwordOf(written, ["users", name], source),
    keys: written.keys ?? [],
  };
}

const passwordKeys = ["password", "password-hash", "password-file"] as const;

function passwordOf(
  written: WrittenPasswords | undefined,
  path: Path,
  source: Source,
): Password | undefined {
  const [first, second] = passwordKeys.filter((key) => written?.[key] !== undefined);
  if (first === undefined) return undefined;
  if (second !== undefined) {
    throw source.complain([...path, second], `there is ${first} already; one of them is enough`);
  }
  const text = written?.[first] ?? "";
  if (first !== "password-file") {
    return { kind: first === "password" ? "clear" : "hash", text };
  }
  return { kind: "clear", text: passwordIn(text, [...path, first], source) };
}

/** The first line of a file beside the recipe. */
function passwordIn(file: string, path: Path, source: Source): string {
  const [line] = readBeside(file, path, source).split(/\r?\n/);
  const parsed = passwordValue.safeParse(line);
  if (!parsed.success) {
    throw source.complain(path, `expected a password in the first line of ${file}, found none`);
  }
  return parsed.data;
}

function readBeside(file: string, path: Path, source: Source): string {
  const resolved = beside(source, file);
  try {
    return readFileSync(resolved, "utf8");
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? cause.code : cause;
    throw source.complain(path, `cannot read ${resolved}: ${String(why)}`);
  }
}

function beside(source: Source, file: string): string {
  return resolve(dirname(source.file), file);
}

/** TLS is what a directory should have: it is asked for where something in the recipe lets it. */
function directoryOf(written: WrittenRecipe["ldap"]): Recipe["directory"] {
  if (written === undefined) return undefined;
  const service = written.with ?? "sssd";
  const isPlain = written.uri.every((uri) => uri.startsWith("ldap://"));
  const isTlsMeant = service === "sssd" || written.certificate !== undefined;
  return {
    with: service,
    uris: written.uri,
    base: written.base,
    certificate: written.certificate,
    startTls: written["start-tls"] ?? (isPlain && isTlsMeant),
  };
}

/** A node boots without its homes' server, and asks it when somebody wants in. */
const homeOptions = "_netdev,nofail,hard,x-systemd.automount,x-systemd.mount-timeout=60";

function homeOf(mount: string, written: NonNullable<WrittenRecipe["homes"]>[string]): HomeRecipe {
  return {
    mount,
    from: written.from,
    version: written.version === "3" ? 3 : 4,
    options: written.options ?? homeOptions,
  };
}

function fileOf(
  path: string,
  written: NonNullable<WrittenRecipe["files"]>[string],
  source: Source,
): FileRecipe {
  const { content, from, mode, owner = "root:root" } = written;
  if (content !== undefined && from !== undefined) {
    throw source.complain(["files", path, "from"], "there is content already; one is enough");
  }
  if (content !== undefined) {
    return { path, content: { kind: "text", text: content }, mode, owner };
  }
  if (from === undefined) {
    throw source.complain(["files", path], "expected content: TEXT or from: FILE, found neither");
  }
  const resolved = beside(source, from);
  if (!existsSync(resolved)) {
    throw source.complain(["files", path, "from"], `there is no ${resolved}`);
  }
  return { path, content: { kind: "from", source: resolved }, mode, owner };
}

function withoutPasswords(written: WrittenRecipe, source: Source): string {
  const users = Object.keys(written.users ?? {}).map((name) => ["users", name]);
  const found = [["root"], ...users].flatMap((path) => source.rangeOf([...path, "password"]) ?? []);
  // Aliases stand where the first does.
  const ends = new Map(found.map(({ start, end }) => [start, end]));
  return [...ends]
    .sort(([a], [b]) => b - a)
    .reduce((text, [start, end]) => {
      const lineEnd = text.slice(start, end).endsWith("\n") ? "\n" : "";
      return `${text.slice(0, start)}(not shown)${lineEnd}${text.slice(end)}`;
    }, source.text);
}
