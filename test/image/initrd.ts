import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeOverlay } from "../../src/image/build/overlay.ts";
import { directoryOf } from "../sidus.ts";

/**
 * Runs commands where a boot script believes itself in an initrd, with real mounts: this machine's own root below a tmpfs
 * is the initrd's, in mount and network namespaces that are gone afterwards. Nothing outside is changed.
 */
export interface InitrdRun {
  /** The kernel's command line. */
  readonly commandLine: string;
  /** Files of the initrd; those below /sbin are executable. */
  readonly files?: Readonly<Record<string, string>>;
  /** Shell commands of the host's side, before: `$ROOT` is the initrd, `$LOWER` what is mounted as NFS root. */
  readonly before?: string;
  /** Shell commands inside. */
  readonly run: string;
}

export interface InitrdResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What the node's console shows. */
  readonly console: string;
}

const functions = 'panic() { echo "PANIC $*" >/dev/console; }\n';

/** `lower`: a directory that stands for the NFS root; it is the tree as it was, or not, afterwards. */
export function inInitrd(
  lower: string,
  { commandLine, files, before, run }: InitrdRun,
): InitrdResult {
  const work = directoryOf({ "new/cmdline": `${commandLine}\n` });
  const upper = join(work, "upper");
  for (const maker of ["initramfs-tools", "dracut"] as const)
    writeOverlay(join(work, "sidus"), maker);
  for (const [path, text] of Object.entries({ "scripts/functions": functions, ...files })) {
    mkdirSync(dirname(join(upper, path)), { recursive: true });
    writeFileSync(join(upper, path), text);
    chmodSync(join(upper, path), 0o755);
  }
  const script = `
set -e
ROOT=${work}/root LOWER=${lower}
mkdir -p "$ROOT" ${work}/memory
mount -t tmpfs tmpfs ${work}/memory
mkdir -p ${work}/memory/upper ${work}/memory/work
cp -a ${upper}/. ${work}/memory/upper/
mount -t overlay -o lowerdir=/,upperdir=${work}/memory/upper,workdir=${work}/memory/work overlay "$ROOT"
mkdir -p "$ROOT/sidus"
cp -a ${work}/sidus/. "$ROOT/sidus/"
mount -t proc proc "$ROOT/proc"
mount --bind ${work}/new/cmdline "$ROOT/proc/cmdline"
mount -t sysfs sysfs "$ROOT/sys"
# How far the machine reads ahead is not the node's to change.
mount -t tmpfs tmpfs "$ROOT/sys/class/bdi"
mount --rbind /dev "$ROOT/dev"
# A console is written to anew by each that opens it: so a pipe, not a file.
mkfifo ${work}/new/pipe
cat ${work}/new/pipe >${work}/new/console &
reader=$!
exec 9>${work}/new/pipe
mount --bind ${work}/new/pipe "$ROOT/dev/console"
mount -t tmpfs tmpfs "$ROOT/run"
mkdir -p "$ROOT/newroot"
mount --bind "$LOWER" "$ROOT/newroot"
mount -o remount,bind,ro "$ROOT/newroot"
ip link set lo up
${before ?? ""}
# As Debian's init has it.
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
export rootmnt=/newroot I=/sidus/usr/lib/sidus/initrd
set +e
chroot "$ROOT" /bin/sh 9>&- <<'INSIDE'
${run}
INSIDE
status=$?
exec 9>&-
wait "$reader"
cat ${work}/new/console >&3
exit $status`;
  const flags = ["--mount", "--propagation=private", "--net", "--pid", "--fork", "--kill-child"];
  const done = spawnSync("unshare", [...flags, "bash", "-c", script], {
    encoding: "utf8",
    timeout: 60_000,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const console = String(done.output[3] ?? "");
  return { status: done.status, stdout: done.stdout, stderr: done.stderr, console };
}
