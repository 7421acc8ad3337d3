import { Bounded } from "../bytes/bounded.ts";
import type { Instant } from "../bytes/instant.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import { LOADER_FAILURES_MAX, LOADER_FAILURES_MS, LOADERS_REMEMBERED_MAX } from "../limits.ts";
import { resolve } from "../tree/resolve.ts";
import type { Tree } from "../tree/tree.ts";
import type { NodeFacts } from "./facts.ts";
import { isFetchedByHttp, type LoaderChoice, loadersFor, partsOf } from "./loader.ts";
import { loaderNames, loaderPath } from "./loader-files.ts";
import { httpUrl } from "./menu.ts";
import { isRaspberryPi, RASPBERRY_LOADER, raspberryPath } from "./raspberry.ts";

export interface LoaderSettings {
  readonly serverAddress: Ipv4;
  readonly httpPort: number;
  /** Names of `availableLoaders`. */
  readonly available: ReadonlySet<string>;
  readonly choiceOf: (facts: NodeFacts) => LoaderChoice;
  /** Nodes get their addresses from another DHCP server. */
  readonly proxied: boolean;
}

export interface LoadersDeps {
  readonly now: () => Instant;
  readonly settings: () => LoaderSettings;
  readonly warn: (text: string) => void;
}

/** Which loaders are in one of the trees, or in the overlay: asked once whenever these change. */
export async function availableLoaders(
  trees: readonly Tree[],
  overlay?: Tree,
): Promise<ReadonlySet<string>> {
  const available = new Set<string>();
  const look = async (tree: Tree, path: string, name: string): Promise<void> => {
    const found = await resolve(tree, path);
    if (typeof found !== "string" && found.type === "file") available.add(name);
  };
  for (const name of [...loaderNames, RASPBERRY_LOADER]) {
    if (overlay !== undefined) await look(overlay, name, name);
    const paths = [loaderPath(name) ?? [], raspberryPath(name) ?? []].flat();
    for (const tree of trees) for (const path of paths) await look(tree, path, name);
  }
  return available;
}

/** Loaders that bring their own or the firmware's driver: on some machines one works where the other does not. */
const ipxeLoaders: ReadonlySet<string> = new Set([
  "undionly.kpxe",
  "ipxe.pxe",
  "snponly.efi",
  "ipxe.efi",
]);

/** How a node fares that was told to load iPXE. */
interface Chain {
  readonly told: string;
  /** It has fetched what it was told, and nothing was heard of it since. */
  readonly fetched: boolean;
  /** How often it came back as what it was before, in a row. */
  readonly failures: number;
  readonly failedAt: Instant;
  /** Loaders that it is not told again. */
  readonly given: readonly string[];
}

/** Tells firmware what to load, and remembers what it did load. */
export class Loaders {
  readonly #deps: LoadersDeps;
  readonly #last = new Bounded<Ipv4, string>(LOADERS_REMEMBERED_MAX);
  readonly #chains = new Bounded<MacAddress, Chain>(LOADERS_REMEMBERED_MAX);

  constructor(deps: LoadersDeps) {
    this.#deps = deps;
  }

  /** What firmware is told to fetch: a path for TFTP, or a URL where it wants one; undefined: there is nothing for it. */
  bootFile(facts: NodeFacts): string | undefined {
    const settings = this.#deps.settings();
    const { serverAddress: server, httpPort } = settings;
    const file = this.#fileFor(facts, settings);
    if (file === undefined || !isFetchedByHttp(facts, file)) return file;
    return httpUrl(file, { server, httpPort, http: true });
  }

  /** A requester began to fetch a file that firmware or a loader can be told to start. */
  fetched(address: Ipv4, name: string, mac: MacAddress | undefined): void {
    this.#last.put(address, name);
    const chain = mac === undefined ? undefined : this.#chains.get(mac);
    if (mac === undefined || chain?.told !== name) return;
    this.#chains.put(mac, { ...chain, fetched: true });
  }

  /** What a requester last fetched of such: whoever asks from its address for a configuration is that loader. */
  loaderAt(address: Ipv4): string | undefined {
    return this.#last.get(address);
  }

  /** The node came further than its loader: it stays with this one. */
  cameFurther(mac: MacAddress): void {
    const chain = this.#chains.get(mac);
    if (chain !== undefined) this.#chains.put(mac, { ...chain, fetched: false, failures: 0 });
  }

  #fileFor(facts: NodeFacts, settings: LoaderSettings): string | undefined {
    const { available } = settings;
    if (isRaspberryPi(facts)) return available.has(RASPBERRY_LOADER) ? RASPBERRY_LOADER : undefined;
    if (facts.isIpxe) this.cameFurther(facts.mac);
    const candidates = loadersFor(facts, settings.choiceOf(facts), settings.proxied).filter(
      (name) => partsOf(name).every((part) => available.has(part)),
    );
    return facts.isIpxe ? candidates[0] : this.#chained(facts.mac, candidates);
  }

  /**
   * Breaks the loop of firmware whose iPXE finds no network card or gets no answer with it: each time it comes back
   * as the firmware that it was, not as iPXE. After a few times it gets the next loader.
   */
  #chained(mac: MacAddress, candidates: readonly string[]): string | undefined {
    const chain = this.#afterFailure(mac, candidates);
    const given = chain?.given ?? [];
    const file = candidates.find((name) => !given.includes(name)) ?? candidates.at(-1);
    if (file !== undefined && ipxeLoaders.has(file) && chain?.told !== file) {
      const none = { fetched: false, failures: 0, failedAt: this.#deps.now() };
      this.#chains.put(mac, { ...none, told: file, given });
    }
    return file;
  }

  #afterFailure(mac: MacAddress, candidates: readonly string[]): Chain | undefined {
    const chain = this.#chains.get(mac);
    if (chain === undefined || !chain.fetched) return chain;
    const failedAt = this.#deps.now();
    const isInRow = failedAt - chain.failedAt <= LOADER_FAILURES_MS;
    const failures = isInRow ? chain.failures + 1 : 1;
    const gaveUp = failures >= LOADER_FAILURES_MAX && candidates.at(-1) !== chain.told;
    const given = gaveUp ? [...chain.given, chain.told] : chain.given;
    const next = { ...chain, fetched: false, failures, failedAt, given };
    this.#chains.put(mac, next);
    if (gaveUp) {
      const instead = candidates.find((name) => !given.includes(name)) ?? chain.told;
      this.#deps.warn(
        `${formatMac(mac)} loaded ${chain.told} ${failures} times and came back each time: it gets ${instead} now (quirk ${LOOP_QUIRK})`,
      );
    }
    return next;
  }
}

const LOOP_QUIRK = "ipxe-driver-fails";
