import { PATH_BYTES_MAX, TREE_ENTRIES_MAX, TREE_NAMES_MAX } from "../limits.ts";
import type { Content } from "./content.ts";
import { isSame } from "./stats.ts";
import type { Attributes, FileId } from "./tree.ts";

/** Where a file was last seen, and what it was then. */
export interface Place {
  readonly id: FileId;
  /** Undefined: it is the root. */
  parent: Place | undefined;
  name: string;
  attributes: Attributes;
  /** Until when they are believed. */
  goodUntil: number;
  /** Something else is mounted on this directory, and not served. */
  isMountPoint: boolean;
  /** A symbolic link's target, which lasts as long as the inode. */
  link: { readonly target: string } | undefined;
  /** A file's content, as its attributes say. */
  content: Content | undefined;
}

/** What the disk said of a file. */
export interface Seen {
  readonly attributes: Attributes;
  readonly isMountPoint: boolean;
}

/** What a name in a directory was when the disk was last asked; `place` undefined: there was nothing. */
export interface Binding {
  readonly place: Place | undefined;
  readonly goodUntil: number;
}

/** Remembers where files are, so that an id leads to a path. Nothing in it is believed for long. */
export class Places {
  readonly root: Place;
  readonly #byId = new Map<FileId, Place>();
  #names = new Map<Place, Map<string, Binding>>();
  #namesCount = 0;
  /** Told where each file was found. */
  readonly #found: (id: FileId, parent: FileId) => void;

  constructor(root: Place, found: (id: FileId, parent: FileId) => void) {
    this.root = root;
    this.#found = found;
  }

  get(id: FileId): Place | undefined {
    return id === this.root.id ? this.root : this.#byId.get(id);
  }

  binding(directory: Place, name: string): Binding | undefined {
    return this.#names.get(directory)?.get(name);
  }

  /** This file is at that name now. */
  put(parent: Place, name: string, seen: Seen, goodUntil: number): Place {
    const { attributes, isMountPoint } = seen;
    const place = this.#placeOf(parent, name, seen);
    if (place.attributes.generation !== attributes.generation) place.link = undefined;
    if (!isSame(place.attributes, attributes)) place.attributes = attributes;
    place.isMountPoint = isMountPoint;
    place.goodUntil = goodUntil;
    this.#bind(parent, name, { place, goodUntil });
    return place;
  }

  refreshRoot(attributes: Attributes, goodUntil: number): void {
    if (!isSame(this.root.attributes, attributes)) this.root.attributes = attributes;
    this.root.goodUntil = goodUntil;
  }

  /** There is nothing at that name now. */
  putAbsent(parent: Place, name: string, goodUntil: number): void {
    this.#bind(parent, name, { place: undefined, goodUntil });
  }

  forget(id: FileId): void {
    this.#byId.delete(id);
  }

  #placeOf(parent: Place, name: string, { attributes, isMountPoint }: Seen): Place {
    const { id } = attributes;
    const known = this.get(id);
    if (known !== undefined) {
      // The root shows up below itself where an administrator mounted it there once more.
      if (known === this.root) return known;
      if (known.parent !== parent) this.#found(id, parent.id);
      known.parent = parent;
      known.name = name;
      return known;
    }
    const place = {
      id,
      parent,
      name,
      attributes,
      goodUntil: 0,
      isMountPoint,
      link: undefined,
      content: undefined,
    };
    this.#found(id, parent.id);
    this.#byId.set(id, place);
    const [oldest] = this.#byId.keys();
    if (this.#byId.size > TREE_ENTRIES_MAX && oldest !== undefined) this.#byId.delete(oldest);
    return place;
  }

  #bind(directory: Place, name: string, binding: Binding): void {
    if (this.#namesCount >= TREE_NAMES_MAX) {
      this.#names = new Map();
      this.#namesCount = 0;
    }
    let names = this.#names.get(directory);
    if (names === undefined) {
      names = new Map();
      this.#names.set(directory, names);
    }
    const before = names.size;
    names.set(name, binding);
    this.#namesCount += names.size - before;
  }
}

/**
 * `/usr/bin` from the root of the tree, bytes as latin1; undefined where it gets longer than a path may be, as it does
 * for ever where directories that were moved meanwhile seem to lie in each other.
 */
export function pathOf(place: Place): string | undefined {
  let path = "";
  for (let here = place; here.parent !== undefined; here = here.parent) {
    path = `/${here.name}${path}`;
    if (path.length >= PATH_BYTES_MAX) return undefined;
  }
  return path;
}
