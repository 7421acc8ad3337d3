/** What a tree is to be like: a recipe file, or the options of the command line, with all defaults filled in. */
export interface Recipe {
  /** bookworm, trixie, noble, … */
  readonly suite: string;
  /** Debian's name of it (amd64, arm64, i386); undefined: this machine's. */
  readonly architecture: string | undefined;
  readonly bootstrap: "mmdebstrap" | "debootstrap";
  /** URLs, `deb …` lines or sources files; none: what fits the suite. */
  readonly mirrors: readonly string[];
  /** main, contrib, …; none: main (Ubuntu: main and universe). */
  readonly components: readonly string[];
  readonly include: readonly string[];
  /** Packages that are never installed, though others recommend or ask for them. */
  readonly exclude: readonly string[];
  /** Packages that are removed, with their configuration, when everything else is done. */
  readonly purge: readonly string[];
  readonly initramfs: "initramfs-tools" | "dracut";
  /** Its package; undefined: the suite's own for the architecture. */
  readonly kernel: string | undefined;
  readonly locale: LocaleRecipe;
  /** `Europe/Paris` */
  readonly timezone: string;
  readonly keyboard: KeyboardRecipe | undefined;
  /** As crypt(3) has it, or in clear text; undefined: no password of root's fits. */
  readonly rootPassword: Password | undefined;
  readonly rootKeys: readonly string[];
  readonly users: readonly UserRecipe[];
  /** What nodes ask, whatever DHCP says; undefined: what DHCP says. */
  readonly resolver:
    | { readonly servers: readonly string[]; readonly search: readonly string[] }
    | undefined;
  /** Lines of limits.conf(5). */
  readonly limits: readonly string[];
  readonly directory: DirectoryService | undefined;
  /** File systems that nodes mount from elsewhere, `/home` above all. */
  readonly homes: readonly HomeRecipe[];
  /** Domain of NFSv4's names; undefined: that of the node's name. */
  readonly idmapDomain: string | undefined;
  /** The package of a display manager, which starts after the name service cache. */
  readonly displayManager: string | undefined;
  readonly infiniband: InfinibandRecipe | undefined;
  readonly gpu: readonly GpuDriver[];
  readonly files: readonly FileRecipe[];
  /** Shell commands, run in the tree as root when all packages are there. */
  readonly commands: readonly string[];
  readonly services: {
    readonly enable: readonly string[];
    readonly disable: readonly string[];
    readonly mask: readonly string[];
  };
}

export type Password = { readonly kind: "hash" | "clear"; readonly text: string };

export interface LocaleRecipe {
  /** `fr_FR.UTF-8` or `C.UTF-8` */
  readonly default: string;
  /** Besides the default. */
  readonly also: readonly string[];
}

/** As keyboard(5) has it. */
export interface KeyboardRecipe {
  readonly layout: string;
  readonly model: string;
  readonly variant: string;
  readonly options: string;
}

export interface UserRecipe {
  readonly name: string;
  readonly uid: number | undefined;
  readonly gecos: string;
  readonly groups: readonly string[];
  readonly shell: string;
  readonly home: string;
  readonly password: Password | undefined;
  /** Lines of authorized_keys(5). */
  readonly keys: readonly string[];
}

/** Where users come from that are not in the tree. `libnss-ldap` is what the paper names; sssd is what does it today. */
export interface DirectoryService {
  readonly with: "sssd" | "nslcd" | "libnss-ldap";
  /** `ldap://ldap.example.org` */
  readonly uris: readonly string[];
  /** `dc=example,dc=org` */
  readonly base: string;
  /** Path of a certificate in the tree; undefined: no TLS is asked for but that of ldaps://. */
  readonly certificate: string | undefined;
  readonly startTls: boolean;
}

export interface HomeRecipe {
  /** `/home` */
  readonly mount: string;
  /** `server:/path` */
  readonly from: string;
  readonly version: 3 | 4;
  /** As mount(8) takes them. */
  readonly options: string;
}

export interface InfinibandRecipe {
  /** Network of IPoIB: a node's last octets are those of its Ethernet address. `10.14.0.0/16` */
  readonly network: string;
  /** Besides those that IPoIB and verbs need. */
  readonly modules: readonly string[];
}

export type GpuDriver = "nvidia" | "nvidia-open" | "amd" | "intel";

export interface FileRecipe {
  /** Absolute, in the tree. A directory is copied with what is in it. */
  readonly path: string;
  readonly content:
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "from"; readonly source: string };
  /** Undefined: 0644, or what the source has. */
  readonly mode: number | undefined;
  /** `user:group`, as the tree knows them. */
  readonly owner: string;
}
