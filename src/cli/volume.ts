import { resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { parseSizeBytes } from "../config/units.ts";
import { systemClock } from "../net/clock.ts";
import { localSockets } from "../net/local.ts";
import { UserError } from "../user-error.ts";
import { chapKey, secretsOf } from "../volume/chap.ts";
import { type Claim, claimVolume, usersIn } from "../volume/claim.ts";
import { makeDirectory } from "../volume/durable.ts";
import { type Copying, VolumeStore } from "../volume/store.ts";
import { openInterrupt } from "./interrupt.ts";
import { mendable, type Remedies } from "./mendable.ts";
import { nowAsName } from "./now-as-name.ts";
import { formatBytes, renderSnapshots, renderVolume, renderVolumes, volumesIn } from "./volumes.ts";

export const VOLUMES = "/var/lib/sidus/volumes";

interface VolumeArguments {
  readonly volumes: string;
  readonly json?: true;
}

export function volumeCommand(): Command {
  return new Command("volume")
    .description("The nodes' volumes: list, make, blank, grow, snapshot, remove; their secrets.")
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(createCommand())
    .addCommand(resetCommand())
    .addCommand(resizeCommand())
    .addCommand(snapshotCommand())
    .addCommand(snapshotsCommand())
    .addCommand(restoreCommand())
    .addCommand(removeCommand())
    .addCommand(secretCommand())
    .addHelpText(
      "after",
      `
A volume bears its node's address. The server makes it, blank, when the node first logs in. While a node uses it,
nothing here changes it.

Example:
  sidus volume list`,
    );
}

function subcommand(name: string, help: string): Command {
  return new Command(name)
    .option("--volumes <directory>", "where the volumes are", VOLUMES)
    .option("--json", "print the result as JSON")
    .addHelpText("after", help);
}

function listCommand(): Command {
  return subcommand("list", "\nExample:\n  sidus volume list --json")
    .description("List volumes: their size, what they take of the disk, who uses them.")
    .action((given: VolumeArguments) => mended(() => list(given)));
}

function showCommand(): Command {
  return subcommand("show", "\nExample:\n  sidus volume show 192.168.1.11")
    .description("Show one volume, with its snapshots.")
    .argument("<name>", "the volume")
    .action((name: string, given: VolumeArguments) => mended(() => show(name, given)));
}

function createCommand(): Command {
  const help = `
A sparse file: it takes room as the node fills it. Sizes are powers of 1024: 512M, 20G, 1T.

Example:
  sidus volume create 192.168.1.11 --size 20G`;
  return subcommand("create", help)
    .description("Make a blank volume before its node first logs in.")
    .argument("<name>", "the volume: its node's address")
    .requiredOption("--size <size>", "how much fits")
    .action((name: string, given: VolumeArguments & { size: string }) =>
      mended(() => create(name, given)),
    );
}

function resetCommand(): Command {
  const help = `
All that the node kept on it is gone; its snapshots stay. The node formats it when it boots again.

Example:
  sidus volume reset 192.168.1.11`;
  return subcommand("reset", help)
    .description("Make a volume blank again.")
    .argument("<name>", "the volume")
    .action((name: string, given: VolumeArguments) =>
      mended(() =>
        changed(name, given, `${name}: is blank again`, (store, claim) => store.reset(name, claim)),
      ),
    );
}

function resizeCommand(): Command {
  const help = `
The file system on it does not grow by itself: resize2fs in the node does that.

Example:
  sidus volume resize 192.168.1.11 40G`;
  return subcommand("resize", help)
    .description("Make a volume larger.")
    .argument("<name>", "the volume")
    .argument("<size>", "its new size: 512M, 20G, 1T")
    .option("--force", "smaller, too: what is beyond is lost, and mostly the file system with it")
    .action((name: string, size: string, given: VolumeArguments & { force?: true }) =>
      mended(() => {
        const bytes = sizeIn(size);
        const options = { isForced: given.force === true };
        return changed(name, given, `${name}: has ${formatBytes(bytes)} now`, (store, claim) =>
          store.resize(name, bytes, options, claim),
        );
      }),
    );
}

function snapshotCommand(): Command {
  const help = `
At once, and without room of its own, where the file system shares blocks (btrfs, XFS); elsewhere it is a copy of what
was written.

Example:
  sidus volume snapshot 192.168.1.11 before-upgrade`;
  return subcommand("snapshot", help)
    .description("Keep what a volume holds now.")
    .argument("<name>", "the volume")
    .argument("[snapshot]", "what it is called; the time, unless said")
    .action((name: string, snapshot: string | undefined, given: VolumeArguments) =>
      mended(() => snapshotVolume(name, snapshot ?? nowAsName(), given)),
    );
}

function snapshotsCommand(): Command {
  return subcommand("snapshots", "\nExample:\n  sidus volume snapshots 192.168.1.11")
    .description("List what was kept of a volume.")
    .argument("<name>", "the volume")
    .action((name: string, given: VolumeArguments) => mended(() => snapshots(name, given)));
}

function restoreCommand(): Command {
  const help = `
What the volume holds now is gone, unless a snapshot has it. The snapshot stays.

Example:
  sidus volume restore 192.168.1.11 before-upgrade`;
  return subcommand("restore", help)
    .description("Bring a volume back to a snapshot.")
    .argument("<name>", "the volume")
    .argument("<snapshot>", "as snapshots shows it")
    .action((name: string, snapshot: string, given: VolumeArguments) =>
      mended(() =>
        changed(name, given, `${name}: is what ${snapshot} is`, (store, claim) =>
          copying(claim, (how) => store.restore(name, snapshot, how)),
        ),
      ),
    );
}

function removeCommand(): Command {
  const help = `
The snapshots of a removed volume stay, and it can be restored from them.

Example:
  sidus volume rm 192.168.1.11@before-upgrade`;
  return subcommand("rm", help)
    .description("Remove a volume, or one snapshot of it.")
    .argument("<name>", "the volume, or VOLUME@SNAPSHOT")
    .action((name: string, given: VolumeArguments) => mended(() => remove(name, given)));
}

function secretCommand(): Command {
  const help = `
They come from DIRECTORY/chap.key, which is made when it is first needed; whoever reads it knows all of them.

Example:
  sudo sidus volume secret 192.168.1.11`;
  return subcommand("secret", help)
    .description("Print the secrets that a node and its target prove themselves by (CHAP).")
    .argument("<name>", "the volume")
    .action((name: string, given: VolumeArguments) => mended(() => secret(name, given)));
}

async function list(given: VolumeArguments): Promise<void> {
  const { directory } = storeOf(given);
  const volumes = volumesIn(await storeOf(given).list(), await users(given));
  print(given, volumes, renderVolumes(volumes, directory));
}

async function show(name: string, given: VolumeArguments): Promise<void> {
  const [volume] = volumesIn(await storeOf(given).find(name), await users(given));
  if (volume !== undefined) print(given, volume, renderVolume(volume));
}

async function snapshots(name: string, given: VolumeArguments): Promise<void> {
  const [volume] = volumesIn(await storeOf(given).find(name), new Map());
  print(given, volume?.snapshots, renderSnapshots(name, volume?.snapshots ?? []));
}

async function create(name: string, given: VolumeArguments & { size: string }): Promise<void> {
  const bytes = sizeIn(given.size);
  const store = storeOf(given);
  store.check(name);
  await makeDirectory(store.directory);
  using claim = await claimVolume(name, claiming(given));
  await store.create(name, bytes, claim);
  print(given, { name, bytes }, `${name}: blank, ${formatBytes(bytes)}\n`);
}

function snapshotVolume(name: string, snapshot: string, given: VolumeArguments): Promise<void> {
  return changed(name, given, `${name}: kept as ${snapshot}`, (store, claim) =>
    copying(claim, (how) => store.snapshot(name, snapshot, how)),
  );
}

function remove(text: string, given: VolumeArguments): Promise<void> {
  const at = text.indexOf("@");
  const name = at < 0 ? text : text.slice(0, at);
  const snapshot = at < 0 ? undefined : text.slice(at + 1);
  return changed(name, given, `${text}: is removed`, (store, claim) =>
    snapshot === undefined
      ? store.remove(name, claim)
      : store.removeSnapshot(name, snapshot, claim),
  );
}

async function secret(name: string, given: VolumeArguments): Promise<void> {
  const store = storeOf(given);
  store.check(name);
  const { secret, mutual } = secretsOf(await chapKey(store.directory), name);
  print(given, { name, secret, mutual }, `node    ${secret}\ntarget  ${mutual}\n`);
}

/** With the volume to itself. */
async function changed(
  name: string,
  given: VolumeArguments,
  outcome: string,
  work: (store: VolumeStore, claim: Claim) => Promise<void>,
): Promise<void> {
  const store = storeOf(given);
  await store.find(name);
  using claim = await claimVolume(name, claiming(given));
  await work(store, claim);
  const [volume] = volumesIn(await store.list(), new Map()).filter((one) => one.name === name);
  print(given, volume ?? { name }, `${outcome}\n`);
}

/** A copy that Ctrl-C ends with nothing half done left behind, and that a terminal shows. */
async function copying(claim: Claim, copy: (how: Copying) => Promise<void>): Promise<void> {
  using interrupt = openInterrupt();
  const isShown = process.stderr.isTTY;
  const progress = (done: number, all: number): void => {
    if (interrupt.signal.aborted) {
      throw new UserError("interrupted; nothing was changed", { exitCode: 1 });
    }
    if (isShown) process.stderr.write(`\rcopying ${Math.floor((done / all) * 100)} % `);
  };
  try {
    await copy({ claim, progress });
  } finally {
    if (isShown) process.stderr.write("\r\x1b[2K");
  }
}

function users(given: VolumeArguments): ReturnType<typeof usersIn> {
  return usersIn(claiming(given));
}

function claiming(given: VolumeArguments): Parameters<typeof claimVolume>[1] {
  return { directory: resolve(given.volumes), sockets: localSockets, clock: systemClock };
}

function storeOf({ volumes }: VolumeArguments): VolumeStore {
  return new VolumeStore(resolve(volumes));
}

function sizeIn(text: string): number {
  const bytes = parseSizeBytes(text);
  if (bytes !== undefined) return bytes;
  throw new UserError(`SIZE: expected a size as 512M, 20G or 1T, found "${text}"`);
}

function print({ json }: VolumeArguments, data: unknown, text: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(data)}\n` : text);
}

function mended(work: () => Promise<void>): Promise<void> {
  return mendable(remedies, work);
}

const remedies: Remedies = {
  EACCES: "run as root, or choose other --volumes",
  EPERM: "run as root, or choose other --volumes",
  EROFS: "choose other --volumes",
  ENOENT: "nothing may change there meanwhile",
  ENOTDIR: "choose other --volumes",
  ENOSPC: "make room there, or remove snapshots (sidus volume rm)",
  EDQUOT: "make room there, or remove snapshots (sidus volume rm)",
  EFBIG: "its file system holds no file of that size: choose a smaller one",
  EIO: "the disk failed; `dmesg` says more",
};
