/** What is to be booted: names as the configuration has them, a path or a URL, or GRUB's `(http,10.13.0.1)/path`. */
export interface BootWords {
  readonly kernel: string;
  /** The first, where there are several. */
  readonly initrd?: string;
  readonly commandLine: string;
}

/** By the loader's own names. */
export type LoaderSettings = Readonly<Record<string, string>>;
