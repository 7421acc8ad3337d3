import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { adminVolumeOf } from "../../bytes/admin-volume.ts";
import { formatIpv4, parseIpv4 } from "../../bytes/ipv4.ts";
import type { Config } from "../../config/config.ts";
import { loadConfig } from "../../config/load.ts";
import { commitVolume } from "../../image/change/commit.ts";
import { systemClock } from "../../net/clock.ts";
import { interfaceAddresses } from "../../net/interfaces.ts";
import { localSockets } from "../../net/local.ts";
import { UserError } from "../../user-error.ts";
import { type Claim, claimVolume } from "../../volume/claim.ts";
import { copyVolume } from "../../volume/copy.ts";
import { fileOf } from "../../volume/names.ts";
import { VolumeStore } from "../../volume/store.ts";
import { CONFIG } from "../ask.ts";
import { checkName } from "../check.ts";
import { openInterrupt } from "../interrupt.ts";
import { logFileOf } from "../log-file.ts";
import { mendable } from "../mendable.ts";
import { openProgressDisplay } from "../progress.ts";
import { version } from "../version.ts";
import { VOLUMES } from "../volume.ts";
import { renderChanged } from "./edit.ts";
import { type ImageArguments, print, remedies, storeOf, subcommand } from "./shared.ts";

interface CommitArguments extends ImageArguments {
  readonly fromVolume: string;
  readonly base?: string;
  readonly force?: true;
  readonly reset?: true;
  readonly config: string;
  readonly volumes?: string;
  readonly log?: string;
}

export function commitCommand(): Command {
  const help = `
Boot a node with \`label: admin\` (in sidus.yaml), change there what you like, shut it down: what was written is on
the volume NODE-admin, and this makes the next version of it. What belongs to that node alone stays out: its name, what
DHCP and iSCSI told it, its keys, logs and caches. The volume is only read; --reset makes it blank when its content is sealed,
so that the next work there begins on the new version.

Example:
  sudo sidus image commit room --from-volume n1 --reset`;
  return subcommand("commit", help)
    .description("Make what was changed on a node, booted for administration, the next version.")
    .argument("<name>", "the image")
    .requiredOption(
      "--from-volume <node>",
      "the node by name or address, or another volume by name",
    )
    .option("--base <version>", "what the volume was begun on, where it does not say so")
    .option("--force", "though it was begun on a version that is not current any more")
    .option("--reset", "make the volume blank afterwards")
    .option("-c, --config <file>", "the configuration of the server", CONFIG)
    .option("--volumes <directory>", `where the volumes are (default: ${VOLUMES})`)
    .option("--log <file>", "what hooks print goes there")
    .action((name: string, given: CommitArguments) =>
      mendable(remedies, () => commit(name, given)),
    );
}

async function commit(name: string, given: CommitArguments): Promise<void> {
  checkName(name);
  const config = configIn(given);
  const volumes = new VolumeStore(resolve(given.volumes ?? config?.iscsi.volumes ?? VOLUMES));
  const volume = volumeOf(given.fromVolume, config, volumes);
  await volumes.find(volume);
  using claim = await claimVolume(volume, {
    directory: volumes.directory,
    sockets: localSockets,
    clock: systemClock,
  });
  const store = storeOf(given);
  const base = given.base === undefined ? undefined : await store.find(name, given.base);
  using interrupt = openInterrupt();
  using display = openProgressDisplay(process.stderr);
  const manifest = await commitVolume({
    ...{ store, name, base, version },
    volume: { name: volume, copy: (to) => copyOf(volumes, volume, to, claim, interrupt.signal) },
    isForced: given.force === true,
    made: `commit of ${given.fromVolume}`,
    logFile: resolve(given.log ?? logFileOf("commit", name)),
    deps: {
      clock: systemClock,
      progress: (progress) => display.show(progress),
      signal: interrupt.signal,
    },
  });
  const isReset = given.reset === true;
  if (isReset) await volumes.reset(volume, claim);
  const after = isReset
    ? `${volume}: blank again\n`
    : `${volume}: still holds what was changed, and would hide later versions: sidus volume reset ${volume}, before a node writes to it again\n`;
  print(
    given,
    { ...(manifest ?? { name, changed: false }), volume, reset: isReset },
    `${renderChanged(name, manifest)}${after}`,
  );
}

/** Undefined where nobody wrote one. */
function configIn({ config }: CommitArguments): Config | undefined {
  if (config === CONFIG && !existsSync(config)) return undefined;
  return loadConfig(config, interfaceAddresses());
}

/** A node's is the one for administration: what its users wrote is on another. */
function volumeOf(given: string, config: Config | undefined, { directory }: VolumeStore): string {
  const node = config?.nodes.find(
    (one) => one.name === given || (one.address !== undefined && formatIpv4(one.address) === given),
  );
  if (node === undefined && parseIpv4(given) === undefined) return given;
  const own = node?.volume.name ?? (node?.address === undefined ? given : formatIpv4(node.address));
  const volume = adminVolumeOf(own);
  if (existsSync(join(directory, fileOf(volume)))) return volume;
  const isByAddress = node?.volume.name === undefined && node?.address === undefined;
  const todo =
    node !== undefined && isByAddress
      ? `${given} has neither a volume nor an address of its own in the configuration: name the address that it booted with`
      : `boot ${given} with the label admin first, and change there what you like`;
  throw new UserError(`there is no volume ${volume} in ${directory}: ${todo}`);
}

async function copyOf(
  { directory }: VolumeStore,
  volume: string,
  to: string,
  claim: Claim,
  signal: AbortSignal,
): Promise<void> {
  await copyVolume(join(directory, fileOf(volume)), to, () => signal.throwIfAborted());
  if (claim.isHeld) return;
  throw new UserError("the server ended meanwhile, and nothing was changed: try again", {
    exitCode: 1,
  });
}
