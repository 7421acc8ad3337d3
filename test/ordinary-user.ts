import { chmodSync, chownSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { directoryOf, type Outcome, outcome } from "./sidus.ts";

export const ordinaryUser = { name: "sidus-tester", uid: 54_321, firstNumber: 500_000 } as const;

const checkout = fileURLToPath(new URL("..", import.meta.url));

export interface OrdinaryUser {
  readonly home: string;
  /** Node and a program of ours, where this user may read them: a checkout may be where nobody else may look. */
  node(...path: readonly string[]): readonly string[];
  /** A command line that runs another as this user. */
  readonly command: readonly string[];
  run(...command: readonly string[]): Promise<Outcome>;
}

/**
 * Somebody who is not root, and has numbers for a user namespace: known only in a mount namespace, where files of /etc
 * are covered by others. `numbers` is the text of /etc/subuid and /etc/subgid.
 */
export function openOrdinaryUser(
  numbers = `${ordinaryUser.name}:${ordinaryUser.firstNumber}:65536\n`,
): OrdinaryUser {
  const { name, uid } = ordinaryUser;
  const directory = directoryOf({
    subuid: numbers,
    subgid: numbers,
    passwd: `${readFileSync("/etc/passwd", "utf8")}${name}:x:${uid}:${uid}::/nonexistent:/bin/sh\n`,
    group: `${readFileSync("/etc/group", "utf8")}${name}:x:${uid}:\n`,
  });
  chmodSync(directory, 0o755);
  const home = join(directory, "home");
  mkdirSync(home);
  const clone = join(directory, "clone");
  mkdirSync(clone);
  chownSync(home, uid, uid);
  const script = `
    for file in passwd group subuid subgid; do
      [ -e "/etc/$file" ] || : >"/etc/$file"
      mount --bind "$0/$file" "/etc/$file"
    done
    mount --bind "$1" "$0/clone"
    shift
    cd "$0/home"
    exec setpriv --reuid ${uid} --regid ${uid} --init-groups env HOME="$PWD" USER=${name} TMPDIR="$PWD" "$@"`;
  const command = ["unshare", "--mount", "sh", "-e", "-c", script, directory, checkout];
  const [program = "", ...flags] = command;
  const node = (...path: readonly string[]): string[] => [
    join(clone, "node_modules/.bin/node"),
    join(clone, ...path),
  ];
  return { home, node, command, run: (...given) => outcome(program, [...flags, ...given]) };
}
