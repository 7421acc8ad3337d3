import { scryptSync } from "node:crypto";
import type { Password, Recipe, UserRecipe } from "../recipe/recipe.ts";
import { lines, type Part, quoted } from "./part.ts";
import { sha512Crypt } from "./sha512-crypt.ts";

/** Root's alone, and gone when users are there: passwords' hashes never stand on a command line or in a log. */
const desk = "/root/.sidus";

/** Accounts of the tree itself: root, and those that no directory has. */
export function usersSettings({ rootPassword, rootKeys, users }: Recipe): Part {
  const root = { name: "root", password: rootPassword, keys: rootKeys, home: "/root" };
  const accounts = [root, ...users];
  const passwords = accounts.flatMap(({ name, password }) =>
    password === undefined ? [] : [`${name}:${hashOf(name, password)}`],
  );
  const logins = accounts.filter(({ keys }) => keys.length > 0);
  const commands = [
    ...users.map(userAdd),
    ...(passwords.length === 0 ? [] : [`chpasswd --encrypted <${desk}/passwords`]),
    ...logins.flatMap(placeKeys),
  ];
  const files = [
    ...(passwords.length === 0 ? [] : [secret("passwords", passwords)]),
    ...logins.map(({ name, keys }) => secret(`keys-${name}`, keys)),
  ];
  return {
    packages: logins.length === 0 ? [] : ["openssh-server"],
    files,
    commands: files.length === 0 ? commands : [...commands, `rm -r ${desk}`],
  };
}

function secret(name: string, content: readonly string[]) {
  return { path: `${desk}/${name}`, mode: 0o600, content: lines(...content) };
}

/** useradd(8). Numbers are given in the recipe's order: the same recipe, the same owners. */
function userAdd({ name, uid, gecos, groups, shell, home }: UserRecipe): string {
  return [
    "useradd --create-home",
    `--home-dir ${home}`,
    `--shell ${shell}`,
    ...(uid === undefined ? [] : [`--uid ${uid}`]),
    ...(gecos === "" ? [] : [`--comment ${quoted(gecos)}`]),
    ...(groups.length === 0 ? [] : [`--groups ${groups.join(",")}`]),
    name,
  ].join(" ");
}

function placeKeys({ name, home }: { readonly name: string; readonly home: string }): string[] {
  const own = `-o ${name} -g "$(id -g ${name})"`;
  return [
    `install -d -m 0700 ${own} ${home}/.ssh`,
    `install -m 0600 ${own} ${desk}/keys-${name} ${home}/.ssh/authorized_keys`,
  ];
}

/**
 * The same password gives the same hash, else no two builds were alike. The salt comes from the password by a function
 * that costs more than the hash itself: it tells nobody anything faster.
 */
function hashOf(name: string, { kind, text }: Password): string {
  if (kind === "hash") return text;
  const salt = scryptSync(text, `sidus ${name}`, 12).toString("base64").replaceAll("+", ".");
  return sha512Crypt(text, salt);
}
