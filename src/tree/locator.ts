import { coreWait } from "../disk/core-wait.ts";
import { Patience } from "../disk/patience.ts";
import {
  DISK_SLOW_MS,
  TREE_AGE_MS,
  TREE_DEPTH_MAX,
  TREE_DIRECTORIES_AT_ONCE,
  TREE_GLANCED_TOGETHER,
  TREE_WARM_MS,
} from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import type { Disk, Moved } from "./disk.ts";
import { type Place, Places } from "./places.ts";
import { Search } from "./search.ts";
import { SharedWork } from "./shared-work.ts";
import type { Answer, Attributes, FileId, TreeError } from "./tree.ts";

/**
 * From ids and names to places that can be believed: from memory while they are fresh, then from the disk. A disk of this
 * machine is asked at once, as the thread pool would take ten times as long, unless its last answers took so long that they
 * did not come from the kernel's memory. What was asked lately is there still, so that others' slow answers do not matter.
 */
export class Locator implements Disposable {
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #places: Places;
  readonly #search: Search;
  readonly #finding = new SharedWork<FileId, Place | TreeError>();
  /** Told of each id that turned out to be no file of this tree any more. */
  readonly #gone: (id: FileId) => Promise<void>;
  readonly #parentOf: (id: FileId) => FileId | undefined;
  readonly #isLocal: boolean;
  /** With what was asked lately, and with the rest. */
  readonly #warm = new Patience(coreWait);
  readonly #cold = new Patience(coreWait);

  constructor(options: {
    /** No other machine or program is asked. */
    readonly isLocal: boolean;
    readonly clock: Clock;
    readonly disk: Disk;
    readonly root: Attributes;
    readonly gone: (id: FileId) => Promise<void>;
    /** Where files were seen, by this thread or another. */
    readonly parentOf: (id: FileId) => FileId | undefined;
    readonly found: (id: FileId, parent: FileId) => void;
  }) {
    const { clock, disk, root, gone } = options;
    this.#clock = clock;
    this.#disk = disk;
    this.#gone = gone;
    this.#isLocal = options.isLocal;
    this.#parentOf = options.parentOf;
    const place = {
      id: root.id,
      parent: undefined,
      name: "",
      attributes: root,
      goodUntil: 0,
      isMountPoint: false,
      link: undefined,
      content: undefined,
    };
    this.#places = new Places(place, options.found);
    this.#search = new Search(clock, (show, isStopped) => this.#walk(show, isStopped));
  }

  [Symbol.dispose](): void {
    this.#search[Symbol.dispose]();
  }

  place(id: FileId): Answer<Place> {
    return this.known(id, this.#clock.now()) ?? this.#finding.do(id, () => this.#find(id));
  }

  async directory(id: FileId): Promise<Place | TreeError> {
    const place = await this.place(id);
    if (typeof place === "string") return place;
    return place.attributes.type === "directory" ? place : "not-directory";
  }

  /** From our memory, or from a disk that is asked at once. */
  known(id: FileId, now: number): Place | undefined {
    const place = this.#places.get(id);
    return place !== undefined && this.#isFresh(place, now) ? place : undefined;
  }

  /** What is at a name of a directory, from our memory or from a disk that is asked at once. */
  knownAt(directory: FileId, name: string, now: number): Place | "absent" | undefined {
    const parent = this.#places.get(directory);
    if (parent === undefined) return undefined;
    const remembered = this.rememberedAt(parent, name, now);
    if (remembered !== undefined || !this.glance(parent, [name], now)) return remembered;
    return this.rememberedAt(parent, name, now);
  }

  /** Only from our own memory. */
  rememberedAt(directory: Place, name: string, now: number): Place | "absent" | undefined {
    const binding = this.#places.binding(directory, name);
    if (binding === undefined || now >= binding.goodUntil) return undefined;
    if (binding.place === undefined) return "absent";
    return now < binding.place.goodUntil ? binding.place : undefined;
  }

  /** Asks at once what is at these names. False: they must be asked about at length. */
  glance(directory: Place, names: readonly string[], now: number): boolean {
    if (!this.#isReached(directory, now)) return false;
    const until = this.#clock.now() + DISK_SLOW_MS;
    for (let at = 0; at < names.length; at += TREE_GLANCED_TOGETHER) {
      const some = names.slice(at, at + TREE_GLANCED_TOGETHER);
      const isInTime = at === 0 || this.#clock.now() < until;
      if (!isInTime || !this.#glance(directory, some, now)) return false;
    }
    return true;
  }

  /** Asks the disk about a place at once; undefined: it must be asked at length. */
  askOf<T>(place: Place, now: number, question: () => T): T | undefined {
    return this.#isReached(place, now) ? this.#ask(question, this.#cold) : undefined;
  }

  /** It was not where it was last seen: it, or any directory above it, is somewhere else. */
  distrust(place: Place): void {
    let here: Place | undefined = place;
    for (let depth = 0; here !== undefined && depth <= TREE_DEPTH_MAX; depth += 1) {
      here.goodUntil = 0;
      here = here.parent;
    }
  }

  /** What is at these names on disk. `moved`: the directory itself was; ask for its place again. */
  async look(
    directory: Place,
    names: readonly string[],
  ): Promise<readonly (Place | TreeError | undefined)[] | Moved> {
    const goodUntil = this.#clock.now() + TREE_AGE_MS;
    const found = await this.#disk.look(directory, names);
    if (found === "moved") {
      this.distrust(directory);
      return found;
    }
    return names.map((name, at) => {
      const seen = found[at];
      if (typeof seen === "string") return seen;
      if (seen !== undefined) return this.#places.put(directory, name, seen, goodUntil);
      this.#places.putAbsent(directory, name, goodUntil);
      return undefined;
    });
  }

  #isFresh(place: Place, now: number): boolean {
    return now < place.goodUntil || this.#isReached(place, now);
  }

  /** With all directories above it: none of them was moved away, as far as is known or the disk says at once. */
  #isReached(place: Place, now: number, depth = 0): boolean {
    // Directories that were moved meanwhile can seem to lie in each other.
    if (depth > TREE_DEPTH_MAX) return false;
    const { parent, name } = place;
    if (parent !== undefined && !this.#isReached(parent, now, depth + 1)) return false;
    if (now < place.goodUntil) return true;
    if (parent === undefined) return this.#glanceAtRoot(place, now);
    return this.#glance(parent, [name], now) && now < place.goodUntil;
  }

  #ask<T>(question: () => T, patience: Patience): T | undefined {
    const began = this.#clock.now();
    if (!this.#isLocal || !patience.begin(began)) return undefined;
    const answer = question();
    patience.took(began, this.#clock.now());
    return answer;
  }

  #glance(parent: Place, names: readonly string[], now: number): boolean {
    // Nothing below what is mounted on it is the tree's, nor below what a link points to.
    if (parent.isMountPoint || parent.attributes.type !== "directory") return false;
    const isWarm = names.every((name) =>
      isRecent(this.#places.binding(parent, name)?.goodUntil ?? 0, now),
    );
    const glance = () => this.#disk.glance(parent, names);
    const found = this.#ask(glance, isWarm ? this.#warm : this.#cold);
    if (typeof found !== "object") return false;
    const goodUntil = now + TREE_AGE_MS;
    for (const [at, name] of names.entries()) {
      const seen = found[at];
      if (seen === undefined) this.#places.putAbsent(parent, name, goodUntil);
      else this.#places.put(parent, name, seen, goodUntil);
    }
    return true;
  }

  #glanceAtRoot(root: Place, now: number): boolean {
    const attributes = this.#ask(() => this.#disk.glanceAtRoot(root), this.#warm);
    if (typeof attributes !== "object") return false;
    this.#places.refreshRoot(attributes, now + TREE_AGE_MS);
    return true;
  }

  async #find(id: FileId): Promise<Place | TreeError> {
    const known = this.#places.get(id);
    if (known !== undefined) {
      const seen = await this.#lookAgain(known);
      if (seen !== "moved") return seen;
      // Another directory is where the root was: nothing of this tree is left.
      if (known === this.#places.root) return "stale";
    }
    const found = (await this.#descend(id)) ?? (await this.#search.find(id));
    if (found !== undefined) return found;
    this.#places.forget(id);
    await this.#gone(id);
    return "stale";
  }

  /** Down from the root, through the directories in which the file and those above it were last seen. */
  async #descend(id: FileId): Promise<Place | undefined> {
    const ids = [id];
    for (let above = this.#parentOf(id); above !== this.#places.root.id; ) {
      if (above === undefined || ids.length > TREE_DEPTH_MAX) return undefined;
      ids.push(above);
      above = this.#parentOf(above);
    }
    let here = this.#places.root;
    for (const next of ids.reverse()) {
      const known = this.known(next, this.#clock.now());
      const found = known ?? (await this.#all(here)).find((place) => place.id === next);
      if (found === undefined) return undefined;
      here = found;
    }
    return here;
  }

  async #lookAgain(place: Place): Promise<Place | TreeError | Moved> {
    const { parent, name } = place;
    if (parent !== undefined) {
      const looked = await this.look(parent, [name]);
      if (looked === "moved") return looked;
      const [found] = looked;
      if (typeof found === "string") return found;
      return found !== undefined && found.id === place.id ? found : "moved";
    }
    const goodUntil = this.#clock.now() + TREE_AGE_MS;
    const attributes = await this.#disk.root(place);
    if (typeof attributes === "string") return attributes;
    this.#places.refreshRoot(attributes, goodUntil);
    return place;
  }

  /** Through all directories but those where something else is mounted. */
  async #walk(show: (place: Place) => void, isStopped: () => boolean): Promise<void> {
    const pending = [this.#places.root];
    const visited = new Set<FileId>();
    while (pending.length > 0 && !isStopped()) {
      const batch = pending.splice(-TREE_DIRECTORIES_AT_ONCE);
      const found = await Promise.all(batch.map((directory) => this.#all(directory)));
      for (const place of found.flat()) {
        show(place);
        if (place.attributes.type !== "directory" || place.isMountPoint) continue;
        // A directory can show up again below itself where it was mounted there.
        if (visited.has(place.id)) continue;
        visited.add(place.id);
        pending.push(place);
      }
    }
  }

  /** Everything in a directory that can be looked at. */
  async #all(directory: Place): Promise<Place[]> {
    const names = await this.#disk.list(directory);
    const looked = typeof names === "string" ? [] : await this.look(directory, names);
    return looked === "moved" ? [] : looked.filter((place) => typeof place === "object");
  }
}

function isRecent(goodUntil: number, now: number): boolean {
  return goodUntil > 0 && now - goodUntil < TREE_WARM_MS;
}
