/** What a recipe asks of a tree, in terms of what a build does; one part an item of the recipe, put together in order. */
export interface Settings {
  /** Packages that it needs besides those of the recipe. */
  readonly packages: readonly string[];
  /** Components of the archive that those are in. */
  readonly components: readonly string[];
  /** dpkg's path-include patterns: what a tree is else built without, translations of its languages. */
  readonly pathIncludes: readonly string[];
  /** Answers for debconf, as debconf-set-selections(1) takes them, before packages are configured. */
  readonly selections: readonly string[];
  /** Written when all packages are there. Paths are absolute, in the tree. */
  readonly files: readonly SettingsFile[];
  /** Run in the tree after that, as root, by /bin/sh -e. */
  readonly commands: readonly string[];
  /** In the same way, when the recipe's own files are there too: units may be among them. */
  readonly lastCommands: readonly string[];
}

export interface SettingsFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}
