import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { UserError } from "../../user-error.ts";
import { isInUserNamespace } from "../namespace/user-namespace.ts";

/** The golden client: another machine, by ssh, or where its root is mounted here. */
export type Golden =
  | { readonly kind: "directory"; readonly path: string }
  | {
      readonly kind: "host";
      readonly user: string;
      /** A name, or an address; IPv6 in brackets. */
      readonly host: string;
      readonly port: number | undefined;
      /** Program and options. */
      readonly ssh: readonly [string, ...string[]];
      readonly isSudo: boolean;
    };

type Host = Extract<Golden, { kind: "host" }>;

/** As people name it. */
export function goldenName(golden: Golden): string {
  return golden.kind === "directory" ? golden.path : golden.host;
}

/** Up to the name of the host; nobody is there to be asked for passwords. */
export function sshCommand({ ssh, port, user }: Host): [string, ...string[]] {
  return [
    ...ssh,
    ...["-o", "BatchMode=yes"],
    ...(isInUserNamespace() ? ownFiles() : []),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...["-l", user],
  ];
}

/** Root of a user namespace is at home elsewhere: ssh asks the system, not the environment. */
function ownFiles(): string[] {
  const own = join(process.env["HOME"] ?? homedir(), ".ssh");
  const keys = ["id_ed25519", "id_ecdsa", "id_rsa"].map((name) => join(own, name));
  return [
    ...(existsSync(join(own, "config")) ? ["-F", join(own, "config")] : []),
    ...["-o", `UserKnownHostsFile=${join(own, "known_hosts")}`],
    ...keys.filter((file) => existsSync(file)).flatMap((file) => ["-i", file]),
  ];
}

/** ssh's name of the host has no brackets. */
export function plainHost({ host }: Host): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/** What went wrong, by what ssh, sudo and rsync complained, and what to do. */
export function explain(golden: Golden, complaints: readonly string[]): UserError {
  const all = complaints.join("\n");
  const found = causes.find(({ sign }) => sign.test(all));
  // rsync's last lines only say that the first are true; ssh's first ones may be a banner.
  const line =
    complaints.find((text) => found?.sign.test(text) === true) ??
    complaints.find((text) => /^(?:rsync|ssh|sudo):/.test(text)) ??
    complaints.at(-1) ??
    "it said nothing";
  const todo = found === undefined ? "" : `; ${found.todo(golden)}`;
  return new UserError(`${goldenName(golden)} cannot be captured: ${line.trim()}${todo}`, {
    exitCode: 1,
  });
}

const causes: readonly { readonly sign: RegExp; readonly todo: (golden: Golden) => string }[] = [
  {
    sign: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    todo: (golden) =>
      `it is another machine than before, or was installed anew: when you know which, ssh-keygen -R ${goldenName(golden)}`,
  },
  {
    sign: /Host key verification failed/,
    todo: (golden) => `its key is not known here yet: log in once by hand, ssh ${login(golden)}`,
  },
  {
    sign: /Permission denied \(/,
    todo: (golden) => `nobody is asked for a password: let a key in, ssh-copy-id ${login(golden)}`,
  },
  {
    sign: /sudo: .*(?:password is required|terminal is required|may not run)/,
    todo: () =>
      "let sudo run rsync without a password there: `USER ALL=(root) NOPASSWD: /usr/bin/rsync`",
  },
  {
    sign: /(?:rsync|sudo): (?:command )?not found|remote command not found/,
    todo: () => "install rsync there (and sudo, for --sudo): apt-get install rsync",
  },
  {
    sign: /No space left on device|Disk quota exceeded/,
    todo: () => "make room where the image is to be, or leave more out (--exclude)",
  },
  {
    sign: /Permission denied \(13\)|Operation not permitted \(1\)/,
    todo: (golden) =>
      golden.kind === "host"
        ? "not all of it may be read so: log in as root, or as one who may become root (--sudo)"
        : "read it as root",
  },
];

function login(golden: Golden): string {
  if (golden.kind === "directory") return golden.path;
  const port = golden.port === undefined ? "" : `-p ${golden.port} `;
  return `${port}${golden.user}@${plainHost(golden)}`;
}
