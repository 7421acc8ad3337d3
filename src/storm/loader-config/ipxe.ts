import { STORM_SCRIPT_COMMANDS_MAX } from "../../limits.ts";
import type { BootWords, LoaderSettings } from "./words.ts";

/** iPXE's script, https://ipxe.org/scripting: every command works, but for comparisons, and nobody chooses in a menu. */
export function ipxeWords(text: string, settings: LoaderSettings): BootWords | undefined {
  return run(text, settings).words;
}

/** Where it says that another script is, or another loader (`chain`, or `imgfetch` and `imgexec`): each, until one is there. */
export function ipxeChain(text: string, settings: LoaderSettings): readonly string[] {
  return run(text, settings).chain;
}

function run(text: string, settings: LoaderSettings): Script {
  const lines = text.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/);
  const script = new Script(lines, settings);
  for (let count = 0; count < STORM_SCRIPT_COMMANDS_MAX && !script.isOver; count += 1)
    script.step();
  return script;
}

class Script {
  readonly #lines: readonly string[];
  readonly #settings: Map<string, string>;
  #at = 0;
  /** Of the menu that is being made. */
  #firstItem: string | undefined;
  #kernel: string | undefined;
  #commandLine = "";
  #initrd: string | undefined;
  /** Of `imgfetch`: image → where to try to get it. */
  readonly #fetched = new Map<string, string[]>();
  chain: readonly string[] = [];
  isOver = false;

  constructor(lines: readonly string[], settings: LoaderSettings) {
    this.#lines = lines;
    this.#settings = new Map(Object.entries(settings));
  }

  get words(): BootWords | undefined {
    if (this.#kernel === undefined) return undefined;
    const initrd = this.#initrd === undefined ? {} : { initrd: this.#initrd };
    return { kernel: this.#kernel, ...initrd, commandLine: this.#commandLine };
  }

  step(): void {
    const line = this.#lines[this.#at];
    this.#at += 1;
    if (line === undefined) {
      this.isOver = true;
      return;
    }
    if (/^\s*(?:#|:|$)/.test(line)) return;
    let isWell = true;
    // As iPXE does it: settings first, then the line is taken apart at blanks.
    for (const part of this.#expanded(line).split(/(?<=\s)(?=(?:&&|\|\|)(?:\s|$))/)) {
      const [first = "", ...others] = part.trim().split(/\s+/);
      const isJoined = first === "&&" || first === "||";
      const [command = "", ...words] = isJoined ? others : [first, ...others];
      // What is fetched if another is not there may be what is there.
      const isInstead = command === "imgfetch" && first === "||";
      if (isJoined && isWell === (first === "||") && !isInstead) continue;
      isWell = command === "" || this.#run(command, words);
      if (this.isOver) return;
    }
  }

  #run(command: string, words: readonly string[]): boolean {
    switch (command) {
      case "imgfetch":
        this.#fetch(words);
        return true;
      case "kernel":
      case "imgselect":
      case "imgexec":
      case "boot":
        this.#image(command, words);
        return true;
      case "initrd":
      case "module":
        this.#initrd ??= plainWords(words)[0];
        return true;
      case "set":
        this.#settings.set(words[0] ?? "", words.slice(1).join(" "));
        return true;
      case "isset":
        return (words[0] ?? "") !== "";
      case "iseq":
        return words[0] === words[1];
      case "item":
        this.#firstItem ??= plainWords(words)[0];
        return true;
      case "menu":
        this.#firstItem = undefined;
        return true;
      case "choose":
        this.#choose(words);
        return true;
      case "goto":
        return this.#goto(words[0] ?? "");
      case "chain":
        this.#lead(plainWords(words)[0]);
        return true;
      case "exit":
      case "reboot":
      case "poweroff":
      case "shell":
      case "sanboot":
        this.isOver = true;
        return true;
      default:
        return true;
    }
  }

  /** `boot` alone boots what `kernel` named. */
  #image(command: string, words: readonly string[]): void {
    const [name, ...rest] = plainWords(words);
    if (name !== undefined && this.#fetched.has(name)) this.#lead(name);
    else if (name !== undefined && (command !== "boot" || this.#kernel === undefined)) {
      this.#kernel = name;
      this.#commandLine = rest.join(" ");
    }
    if (command === "boot" || command === "imgexec") this.isOver = true;
  }

  #fetch(words: readonly string[]): void {
    const [url] = plainWords(words);
    if (url === undefined) return;
    const option = words.findIndex((word) => word === "--name" || word === "-n");
    const name = option < 0 ? url.slice(url.lastIndexOf("/") + 1) : (words[option + 1] ?? "");
    this.#fetched.set(name, [...(this.#fetched.get(name) ?? []), url]);
  }

  /** Another script, or another loader; whichever it is, this one ends. */
  #lead(name: string | undefined): void {
    if (name !== undefined) this.chain = this.#fetched.get(name) ?? [name];
    this.isOver = true;
  }

  #choose(words: readonly string[]): void {
    const asked = words.findIndex((word) => word === "--default" || word === "-d");
    const joined = words.find((word) => word.startsWith("--default="))?.slice("--default=".length);
    const chosen = joined ?? (asked < 0 ? this.#firstItem : words[asked + 1]);
    const name = words.at(-1);
    if (name !== undefined && chosen !== undefined) this.#settings.set(name, chosen);
    this.#firstItem = undefined;
  }

  #goto(label: string): boolean {
    const at = this.#lines.findIndex((line) => line.trim() === `:${label}`);
    if (at >= 0) this.#at = at + 1;
    return at >= 0;
  }

  #expanded(line: string): string {
    return line.replaceAll(/\$\{(?:net[0-9X]\/)?([^}:]*)(?::(\w+))?\}/g, (_, name, type) => {
      const value = this.#settings.get(name) ?? "";
      if (type === "hexhyp") return value.replaceAll(":", "-");
      return type === "hexraw" ? value.replaceAll(":", "") : value;
    });
  }
}

/** Without options and their values: `--name initrd0`, `-n initrd0`, `--key x`, `--timeout 5`. */
function plainWords(words: readonly string[]): readonly string[] {
  let at = 0;
  while (words[at]?.startsWith("-") === true) {
    const takesValue = /^(?:-[ntdkm]|--(?:name|timeout|default|key|menu))$/.test(words[at] ?? "");
    at += takesValue ? 2 : 1;
  }
  return words.slice(at);
}
