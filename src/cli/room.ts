import { type Inventory, inventoryOf } from "../boot/inventory.ts";
import { findKernel } from "../boot/kernel.ts";
import { loaderFor } from "../boot/loader.ts";
import type { Label } from "../boot/plan.ts";
import { type ServedSettings, servedFiles } from "../boot/served.ts";
import { contains, formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { formatMac } from "../bytes/mac.ts";
import type { Config } from "../config/config.ts";
import { type DhcpServer, serveDhcp } from "../dhcp/server.ts";
import { serveHttp } from "../http/server.ts";
import { ARCHITECTURES_WARNED_MAX } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import { type Export, serveNfs } from "../nfs/server.ts";
import { servePortmap } from "../rpc/server.ts";
import { openState } from "../state/state.ts";
import { serveTftp } from "../tftp/server.ts";
import { openDirectory } from "../tree/directory.ts";
import { resolve } from "../tree/resolve.ts";
import type { Tree } from "../tree/tree.ts";
import { UserError } from "../user-error.ts";
import type { BootEvent } from "../watch/events.ts";
import { Refusals } from "../watch/refusals.ts";
import { type NodeBoot, type StageReached, Timeline } from "../watch/timeline.ts";

/** All servers of one configuration, in this process. */
export interface Room extends AsyncDisposable {
  /** Takes on what can change while it runs. @throws UserError for what cannot; the old configuration then stays. */
  reload(config: Config): Promise<void>;
  boots(): readonly NodeBoot[];
  refused(): Record<string, Record<string, number>>;
}

export interface RoomDeps {
  readonly clock: Clock;
  readonly report: (what: string, error: unknown) => void;
  readonly warn: (text: string) => void;
  readonly tell: (event: BootEvent) => void;
  readonly reached: StageReached;
}

type LinuxLabel = Extract<Label, { kind: "linux" }>;

/** What the servers ask for at each request: replaced as a whole by a reload. */
interface Current {
  readonly config: Config;
  readonly inventory: Inventory;
  readonly exports: readonly Export[];
  readonly overlay: Tree | undefined;
  readonly labels: ReadonlyMap<string, Label>;
}

export async function openRoom(config: Config, deps: RoomDeps): Promise<Room> {
  await using opened = new AsyncDisposableStack();
  const { clock, report } = deps;
  const timeline = new Timeline(clock, deps.reached);
  const refusals = new Refusals();
  const tell = (event: BootEvent): void => {
    timeline.tell(event);
    refusals.tell(event);
    deps.tell(event);
  };

  const trees = opened.use(new Trees(clock));
  let current = await currentOf(config, trees);
  await warnOfKernels(current, deps.warn);

  const loader = warnedLoader(deps.warn);
  let dhcp: DhcpServer | undefined;
  const nodeAt = (address: Ipv4) => dhcp?.nodeAt(address);
  const files = servedFiles(() => servedSettings(current, nodeAt));
  const { address, ports } = config;
  const at = (port: number) => ({ address, port });

  opened.use(await serveTftp({ local: at(ports.tftp), files, clock, tell, report }));
  opened.use(
    await serveHttp({
      local: at(ports.http),
      files,
      up: (from, body) => tell({ kind: "up", address: from, tree: treeOf(body) }),
      status: () => statusOf(timeline.boots(), refusals.counts()),
      tell,
      report,
    }),
  );
  opened.use(
    await serveNfs({ local: at(ports.nfs), exports: () => current.exports, tell, report }),
  );
  opened.use(
    await servePortmap({
      local: at(ports.portmap),
      mappings: () => [
        { program: 100_003, version: 3, port: ports.nfs },
        { program: 100_005, version: 3, port: ports.nfs },
      ],
      tell,
      report,
    }),
  );

  // Last, so that no firmware is sent to what does not listen yet, or not any more.
  if (config.dhcp.mode === "server") {
    const store = opened.use(openState(config.state)).leases;
    dhcp = opened.use(
      await serveDhcp({
        settings: () => dhcpSettings(current, loader),
        clock,
        store,
        tell,
        report,
        ports: { server: ports.dhcp, client: ports.dhcp + 1 },
      }),
    );
  }
  const stack = opened.move();
  return {
    async reload(next) {
      refuseFixedChanges(current.config, next);
      const reloaded = await currentOf(next, trees);
      await warnOfKernels(reloaded, deps.warn);
      current = reloaded;
    },
    boots: () => timeline.boots(),
    refused: () => refusals.counts(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Opened trees by directory: a reload keeps those that stay, and so their handles. */
class Trees implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #open = new Map<string, Tree>();
  /** Also those whose directory was replaced: calls may still be about them. An unused one costs nothing. */
  readonly #all = new AsyncDisposableStack();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async at(directory: string): Promise<Tree> {
    const tree = this.#all.use(await openDirectory(directory, { clock: this.#clock }));
    const known = this.#open.get(directory);
    if (known?.identity === tree.identity) return known;
    this.#open.set(directory, tree);
    return tree;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#all.disposeAsync();
  }
}

async function currentOf(config: Config, trees: Trees): Promise<Current> {
  const exports: Export[] = [];
  for (const { name, path, source, clients } of config.exports) {
    exports.push({ name, path, clients, tree: await trees.at(source) });
  }
  const byName = new Map(exports.map((entry) => [entry.name, entry]));
  const labels = new Map<string, Label>();
  for (const [name, label] of config.boot.labels) {
    if (label.kind === "local") labels.set(name, label);
    else {
      const from = byName.get(label.export);
      if (from === undefined) throw new Error(`label ${name} without its export`);
      labels.set(name, { ...label, export: from });
    }
  }
  const { overlay } = config.boot;
  return {
    config,
    inventory: inventoryOf(config.nodes),
    exports,
    overlay: overlay === undefined ? undefined : await trees.at(overlay),
    labels,
  };
}

/** What it boots is there, or what is missing. */
async function bootable(label: LinuxLabel): Promise<object | { readonly missing: string }> {
  const { export: from, kernel, initrd } = label;
  if (kernel === undefined || initrd === undefined) return findKernel(from.tree);
  for (const path of [kernel, initrd]) {
    const file = await resolve(from.tree, path);
    if (typeof file === "string" || file.type !== "file") return { missing: `has no file ${path}` };
  }
  return label;
}

/** A label that cannot boot is worth a line before the first node shows it. */
async function warnOfKernels({ labels }: Current, warn: (text: string) => void): Promise<void> {
  for (const [name, label] of labels) {
    if (label.kind === "local") continue;
    const found = await bootable(label);
    if ("missing" in found)
      warn(`label ${name} cannot boot: the tree ${label.export.name} ${found.missing}`);
  }
}

function refuseFixedChanges(old: Config, next: Config): void {
  const fixed = ["interface", "address", "state", "ports"] as const;
  for (const key of fixed) {
    if (JSON.stringify(old[key]) !== JSON.stringify(next[key])) {
      throw new UserError(`${next.file}: ${key}: changes only at a restart; nothing was reloaded`);
    }
  }
  if (old.dhcp.mode !== next.dhcp.mode) {
    throw new UserError(`${next.file}: dhcp.mode: changes only at a restart; nothing was reloaded`);
  }
}

/** Firmware that gets no loader is named, once an architecture: its own screen seldom says more than a number. */
function warnedLoader(warn: (text: string) => void): typeof loaderFor {
  const warned = new Set<number>();
  return (facts) => {
    const { architecture, mac } = facts;
    const file = loaderFor(facts);
    const isNews = architecture !== undefined && !warned.has(architecture);
    if (file === undefined && isNews && warned.size < ARCHITECTURES_WARNED_MAX) {
      warned.add(architecture);
      warn(
        `${formatMac(mac)} has firmware of PXE architecture ${architecture}: only BIOS (0) has a loader yet`,
      );
    }
    return file;
  };
}

function dhcpSettings({ config, inventory, exports, labels }: Current, bootFile: typeof loaderFor) {
  const { address, subnet, dhcp, boot } = config;
  return {
    serverAddress: address,
    subnet,
    ranges: dhcp.ranges,
    leaseSeconds: dhcp.leaseSeconds,
    router: dhcp.router,
    dns: dhcp.dns,
    domain: dhcp.domain,
    denyUnknown: dhcp.denyUnknown,
    inventory,
    bootFile,
    rootPath: (facts: { mac: Parameters<Inventory["byMac"]>[0] }) => {
      const label = labels.get(inventory.byMac(facts.mac)?.label ?? boot.default);
      const from = label?.kind === "linux" ? label.export : exports[0];
      return from === undefined ? undefined : `${formatIpv4(address)}:${from.path}`;
    },
  };
}

function servedSettings(current: Current, nodeAt: ServedSettings["nodeAt"]): ServedSettings {
  const { config, inventory, exports, overlay, labels } = current;
  return {
    boot: {
      serverAddress: config.address,
      httpPort: config.ports.http,
      nfsPort: config.ports.nfs,
      default: config.boot.default,
      labels,
    },
    inventory,
    exports: exports.map((entry) => ({
      ...entry,
      admits: (address: Ipv4) => entry.clients.some((network) => contains(network, address)),
    })),
    overlay,
    nodeAt,
  };
}

/** Out of the `key: value` lines that a node posts when it is up: `sidus, built 2026-01-31T12:00:00Z`. Printable only: it is logged. */
function treeOf(body: string): string {
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}: *([\\x20-\\x7e]{1,100})$`, "m").exec(body)?.[1]?.trim();
  return [value("tree") ?? "?", value("built")].filter((part) => part).join(", built ");
}

/** What /status.json answers. */
function statusOf(
  boots: readonly NodeBoot[],
  refused: Record<string, Record<string, number>>,
): object {
  return {
    nodes: boots.map((boot) => ({
      mac: formatMac(boot.mac),
      name: boot.name,
      address: boot.address === undefined ? undefined : formatIpv4(boot.address),
      stage: boot.stage,
      seconds: Object.fromEntries(
        [...boot.reached].map(([stage, at]) => [stage, Math.round(at - boot.startedAt) / 1000]),
      ),
      tree: boot.tree,
    })),
    refused,
  };
}
