import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { loadRecipe } from "../../../src/image/recipe/load.ts";
import { settingsOf } from "../../../src/image/settings/compose.ts";
import type { Settings } from "../../../src/image/settings/settings.ts";
import { UserError } from "../../../src/user-error.ts";

/** src/image/settings/compose.ts: what holds for the settings of every recipe. */

const directory = mkdtempSync(join(tmpdir(), "sidus-settings-"));
const file = join(directory, "room.yaml");
afterAll(() => rmSync(directory, { recursive: true }));

const key =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUrsLnTdIQ9uK8pRqN9bCjvS9vDfQLd2wOIXDSUe ann@example.org";

/** A recipe in which every text that reaches a file or a command is a leaf. */
const whole = {
  locale: { default: "fr_FR.UTF-8", also: ["de_DE.UTF-8"] },
  timezone: "Europe/Paris",
  keyboard: { layout: "fr", model: "pc105", variant: "oss", options: "compose:menu" },
  kernel: "linux-image-amd64",
  root: { "password-hash": "$6$abcdefgh$abcdefgh", keys: [key] },
  users: {
    ann: {
      name: "Ann O'Hara",
      uid: "1001",
      groups: ["video"],
      shell: "/bin/bash",
      home: "/var/lib/ann",
      "password-hash": "$6$abcdefgh$abcdefgh",
      keys: [key],
    },
  },
  resolver: { servers: ["10.13.20.1"], search: ["lab.example.org"] },
  limits: ["* hard nofile 65536"],
  ldap: {
    with: "nslcd",
    uri: ["ldap://ldap.example.org"],
    base: "dc=example,dc=org",
    certificate: "/etc/ssl/certs/x.pem",
  },
  homes: { "/home": { from: "nas:/home", version: "4", options: "_netdev" } },
  "idmap-domain": "example.org",
  "display-manager": "lightdm",
  infiniband: { network: "10.14.0.0/16", modules: ["mlx4_ib"] },
  gpu: ["nvidia"],
  services: { enable: ["ssh"], disable: ["cron"], mask: ["a.timer"] },
};

type Tree = string | readonly Tree[] | { readonly [key: string]: Tree };

/** Every text in it, keys too, by a path to itself; `#` marks a key. */
function leaves(tree: Tree, path: readonly string[] = []): string[][] {
  if (typeof tree === "string") return [[...path]];
  return Object.entries(tree).flatMap(([name, value]) => [
    ...(name.startsWith("/") || name === "ann" ? [[...path, name, "#"]] : []),
    ...leaves(value, [...path, name]),
  ]);
}

function replaced(tree: Tree, [first, ...rest]: readonly string[], text: string): Tree {
  if (first === undefined || typeof tree === "string") return text;
  if (Array.isArray(tree)) {
    return tree.map((item, at) => (String(at) === first ? replaced(item, rest, text) : item));
  }
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]) => {
      if (name !== first) return [name, value];
      return rest[0] === "#" ? [text, value] : [name, replaced(value, rest, text)];
    }),
  );
}

function settings(tree: Tree): Settings {
  writeFileSync(file, stringify(tree, { defaultStringType: "QUOTE_DOUBLE" }));
  return settingsOf(loadRecipe(file).recipe, { architecture: "amd64", distribution: "debian" });
}

function commandsOf({ commands, lastCommands }: Settings): readonly string[] {
  return [...commands, ...lastCommands];
}

/** What gives a text a structure: lines, and what a shell acts upon outside of quotes. */
function structure(text: string): string {
  const outside = text.replaceAll("'\\''", "").replaceAll(/'[^']*'/g, "");
  return `${text.split("\n").length} ${outside.replaceAll(/[^;&|<>$`"'\\()*?~#\n]/g, "")}`;
}

const evil = [
  "\n",
  "\r",
  "\0",
  "\u0085",
  "\u2028",
  "'",
  '"',
  "$(id)",
  "`id`",
  ";id;",
  "|",
  "&",
  "..",
  "/../",
  " ",
  ":",
  "#",
  "%",
  "\\",
  "<",
  ">",
  "*",
  "=",
  ",",
];

describe("whatever a recipe says", () => {
  const clean = settings(whole);

  test("no text of it makes a line, a word of a shell or a path of its own", () => {
    const mutation = fc.record({
      leaf: fc.constantFrom(...leaves(whole)),
      at: fc.nat(12),
      part: fc.oneof(fc.constantFrom(...evil), fc.string({ unit: "binary", maxLength: 4 })),
    });
    let accepted = 0;
    fc.assert(
      fc.property(mutation, ({ leaf, at, part }) => {
        const isKey = leaf.at(-1) === "#";
        const old = isKey ? (leaf.at(-2) ?? "") : textAt(whole, leaf);
        const text = old.slice(0, at) + part + old.slice(at);
        const changed = accept(replaced(whole, leaf, text));
        if (changed === undefined) return;
        accepted += 1;
        expect(changed.files.map(({ content }) => content.split("\n").length)).toEqual(
          clean.files.map(({ content }) => content.split("\n").length),
        );
        expect(changed.selections.join()).not.toContain("\n");
        expect(commandsOf(changed).map(structure)).toEqual(commandsOf(clean).map(structure));
        for (const { path, content } of changed.files) {
          expect(path).toMatch(/^(?:\/[A-Za-z0-9@._-]+)+$/);
          expect(path).not.toMatch(/\/\.\.?(?:\/|$)/);
          expect(content).toMatch(/^[^\p{Cc}]*$|^[\n\t\P{Cc}]*$/u);
          expect(content === "" || content.endsWith("\n")).toBe(true);
        }
      }),
      { numRuns: 250 },
    );
    expect(accepted).toBeGreaterThan(10);
  });

  test("its answers are such as debconf takes", () => {
    const text = clean.selections.map((line) => `${line}\n`).join("");
    const { status, stderr } = spawnSync("debconf-set-selections", ["--checkonly"], {
      input: text,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  test("its commands are such as a shell takes", () => {
    const text = commandsOf(clean).join("\n");
    expect(spawnSync("sh", ["-n", "-c", text], { encoding: "utf8" }).stderr).toBe("");
  });

  test("each package is asked for once", () => {
    expect(clean.packages).toEqual([...new Set(clean.packages)]);
  });
});

function accept(tree: Tree): Settings | undefined {
  try {
    return settings(tree);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return undefined;
  }
}

function textAt(tree: Tree, path: readonly string[]): string {
  const found = path.reduce<unknown>((value, name) => Reflect.get(Object(value), name), tree);
  return typeof found === "string" ? found : "";
}
