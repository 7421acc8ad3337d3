import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { openNamespace } from "../../namespace.ts";
import { directoryOf } from "../../sidus.ts";

/** A machine with an ssh server, in a private network: its root is a directory. */
export interface GoldenClient extends AsyncDisposable {
  readonly root: string;
  /** Its address, and a command that reaches it with a key that it knows. */
  readonly host: string;
  readonly ssh: readonly [string, ...string[]];
  /** The same without the key, and without what is known of the host. */
  readonly stranger: readonly [string, ...string[]];
  /** Runs where its root is /mnt, among its mounts; throws on failure. */
  run(command: string, ...args: string[]): string;
}

/** What ssh's sessions run. A client without rsync is one, too. */
const programs = ["/bin/bash", "/bin/sh", "/bin/cat", "/usr/bin/rsync"];

/** As root. sshd wants a path to its root that nobody else writes to: /mnt, in mounts of its own. */
export async function openGoldenClient(): Promise<GoldenClient> {
  const namespace = await openNamespace();
  const root = directoryOf({});
  chmodSync(root, 0o755);
  for (const program of programs) install(program, root);
  // As sudo is told by us: `sudo -n PROGRAM …`
  writeFileSync(join(root, "usr/bin/sudo"), '#!/bin/sh\nshift\nexec "$@"\n', { mode: 0o755 });
  for (const point of ["proc", "run", "boot"]) mkdirSync(join(root, point));

  const keys = directoryOf({});
  for (const key of ["host", "user"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, key)]);
  }
  const [type, key] = readFileSync(join(keys, "host.pub"), "utf8").split(" ");
  writeFileSync(join(keys, "known"), `127.0.0.1 ${type} ${key}\n`);
  writeFileSync(join(keys, "config"), configuration(keys));
  const script = [
    'mount --bind "$1" /mnt && mount -t proc proc /mnt/proc && mount -t tmpfs tmpfs /run && mkdir /run/sshd',
    'exec /usr/sbin/sshd -D -e -f "$2"',
  ].join("\n");
  const flags = ["--mount", "--propagation=private", "--", "sh", "-c", script, "sh"];
  const sshd = namespace.spawn("unshare", [...flags, root, join(keys, "config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  sshd.stderr?.on("data", (bytes: Buffer) => {
    log += bytes.toString();
  });
  while (!log.includes("Server listening")) {
    if (sshd.exitCode !== null) throw new Error(`sshd ended: ${log}`);
    await setTimeout(20);
  }
  const [enter = "", ...flagsOfEnter] = namespace.enter;
  const ssh = [enter, ...flagsOfEnter, "ssh", "-F", "none", "-o", "IdentitiesOnly=yes"] as const;
  const known = ["-o", `UserKnownHostsFile=${join(keys, "known")}`];
  return {
    root,
    host: "127.0.0.1",
    ssh: [...ssh, "-i", join(keys, "user"), ...known],
    stranger: ssh,
    run: (command, ...args) =>
      execFileSync("nsenter", ["--target", String(sshd.pid), "--mount", "--", command, ...args], {
        encoding: "utf8",
        stdio: "pipe",
      }),
    async [Symbol.asyncDispose]() {
      const ended = once(sshd, "exit");
      sshd.kill("SIGKILL");
      await ended;
      await namespace[Symbol.asyncDispose]();
    },
  };
}

function configuration(keys: string): string {
  return [
    "ListenAddress 127.0.0.1",
    "Port 22",
    `HostKey ${join(keys, "host")}`,
    `AuthorizedKeysFile ${join(keys, "user.pub")}`,
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "PidFile none",
    "ChrootDirectory /mnt",
    "",
  ].join("\n");
}

/** With the libraries that it is linked with. */
function install(program: string, root: string): void {
  const libraries = execFileSync("ldd", [program], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g);
  for (const file of [program, ...[...libraries].map((line) => line[1] ?? "")]) {
    const place = join(root, file);
    mkdirSync(dirname(place), { recursive: true });
    copyFileSync(file, place);
    chmodSync(place, 0o755);
  }
}
