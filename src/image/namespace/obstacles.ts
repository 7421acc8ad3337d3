import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";

/** What keeps an ordinary user from being root of a namespace, and the command that mends it. */
export interface Obstacle {
  readonly what: string;
  readonly todo: string;
}

/** What a machine says about it; files as they are, "" where there is none. */
export interface NamespaceFacts {
  readonly user: string;
  readonly uid: number;
  readonly hasNewuidmap: boolean;
  readonly subuid: string;
  readonly subgid: string;
  /** By name; undefined where the kernel has no such setting. */
  readonly setting: (name: string) => string | undefined;
}

/** util-linux 2.38 has `--map-auto`. */
export const namespaceFlags = [
  ...["--map-root-user", "--map-auto", "--mount", "--pid", "--fork"],
] as const;

/** A system's users go up to nobody, 65534. */
const NUMBERS = 65_536;
/** Where shadow's tools begin to give numbers to users (login.defs(5)). */
const FIRST_NUMBER = 100_000;

/** None where it works; what is known to be in the way otherwise. */
export function obstaclesToNamespace(): readonly Obstacle[] {
  const script = "mount -t tmpfs tmpfs /tmp";
  const tried = spawnSync("unshare", [...namespaceFlags, "sh", "-c", script], { encoding: "utf8" });
  if (tried.status === 0) return [];
  const { username, uid } = userInfo();
  const known = obstaclesIn({
    user: username,
    uid,
    hasNewuidmap: spawnSync("newuidmap").error === undefined,
    subuid: textOf("/etc/subuid") ?? "",
    subgid: textOf("/etc/subgid") ?? "",
    setting: (name) => textOf(`/proc/sys/${name.replaceAll(".", "/")}`)?.trim(),
  });
  if (known.length > 0) return known;
  const why = tried.error?.message ?? tried.stderr.trim().split("\n")[0];
  return [{ what: `a user namespace (${why})`, todo: "run it as root" }];
}

export function obstaclesIn(facts: NamespaceFacts): Obstacle[] {
  const { user, hasNewuidmap, setting } = facts;
  const found: Obstacle[] = [];
  if (!hasNewuidmap) {
    found.push({ what: "newuidmap", todo: "sudo apt-get install --no-install-recommends uidmap" });
  }
  const flags = (["subuid", "subgid"] as const)
    .filter((file) => !hasNumbers(facts[file], facts))
    .map((file) => `--add-${file}s ${freeNumbers(facts)}`);
  if (flags.length > 0) {
    found.push({
      what: `a range of ${NUMBERS} numbers for ${user} in /etc/subuid and /etc/subgid`,
      todo: `sudo usermod ${flags.join(" ")} ${user}`,
    });
  }
  for (const { name, hinders, mended } of settings) {
    const value = setting(name);
    if (value !== hinders) continue;
    found.push({ what: `${name}=${mended}`, todo: `sudo sysctl -w ${name}=${mended}` });
  }
  return found;
}

const settings = [
  // Debian's own.
  { name: "kernel.unprivileged_userns_clone", hinders: "0", mended: "1" },
  // Ubuntu's: namespaces without rights in them.
  { name: "kernel.apparmor_restrict_unprivileged_userns", hinders: "1", mended: "0" },
  { name: "user.max_user_namespaces", hinders: "0", mended: "10000" },
] as const;

interface Numbers {
  readonly owner: string;
  readonly first: number;
  readonly count: number;
}

/** subuid(5): `owner:first:count`, the owner by name or number. */
function numbersIn(text: string): Numbers[] {
  return text.split("\n").flatMap((line) => {
    const found = /^([^:#]+):(\d{1,10}):(\d{1,10})$/.exec(line.trim());
    if (found === null) return [];
    return [{ owner: found[1] ?? "", first: Number(found[2]), count: Number(found[3]) }];
  });
}

/** unshare takes the user's first range, and no other. */
function hasNumbers(text: string, { user, uid }: NamespaceFacts): boolean {
  const own = numbersIn(text).find(({ owner }) => owner === user || owner === String(uid));
  return own !== undefined && own.count >= NUMBERS;
}

/** After all that are given. */
function freeNumbers({ subuid, subgid }: NamespaceFacts): string {
  const ends = numbersIn(`${subuid}\n${subgid}`).map(({ first, count }) => first + count);
  const first = Math.max(FIRST_NUMBER, ...ends);
  return `${first}-${first + NUMBERS - 1}`;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
