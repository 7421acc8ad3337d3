import { type GrubWord, statementsOf } from "./grub-words.ts";
import type { BootWords, LoaderSettings } from "./words.ts";

/**
 * grub.cfg (GRUB manual §6, "Writing full configuration files directly"): what the default entry boots. Every command
 * works; nothing is looked for on disks, and no pattern matches.
 */
export function grubWords(text: string, settings: LoaderSettings): BootWords | undefined {
  const variables = new Map(Object.entries(settings));
  const { entries, rest } = entriesOf(statementsOf(text));
  const top = new Run(variables);
  top.all(rest);
  if (entries.length === 0) return top.words;
  const wanted = variables.get("default") ?? "0";
  const numbered = /^\d+$/.test(wanted) ? entries[Number(wanted)] : undefined;
  const heads = entries.map(({ head }) => head.map((word) => expanded(word, variables)));
  const named = entries.find((_, index) => heads[index]?.includes(wanted));
  const entry = new Run(variables);
  entry.all((numbered ?? named ?? entries[0])?.body ?? []);
  return entry.words;
}

type Statement = readonly GrubWord[];

interface Entry {
  /** Title, `--id` and what follows it. */
  readonly head: Statement;
  readonly body: readonly Statement[];
}

/** Functions are not called: what they do is start other systems, and start again. */
function entriesOf(statements: readonly Statement[]): { entries: Entry[]; rest: Statement[] } {
  const entries: Entry[] = [];
  const rest: Statement[] = [];
  let at = 0;
  while (at < statements.length) {
    const statement = statements[at] ?? [];
    const name = literal(statement[0]);
    if (name !== "menuentry" && name !== "submenu" && name !== "function") {
      rest.push(statement);
      at += 1;
      continue;
    }
    const end = endOfBlock(statements, at);
    if (name === "menuentry") {
      entries.push({ head: statement.slice(1, -1), body: statements.slice(at + 1, end) });
    }
    at = end + 1;
  }
  return { entries, rest };
}

/** Index of the statement `}` that ends what begins with one that ends in `{`. */
function endOfBlock(statements: readonly Statement[], start: number): number {
  let depth = 0;
  for (let at = start; at < statements.length; at += 1) {
    const statement = statements[at] ?? [];
    if (literal(statement.at(-1)) === "{") depth += 1;
    if (literal(statement[0]) === "}") depth -= 1;
    if (depth <= 0) return at;
  }
  return statements.length;
}

/** The text of a word without quotes and variables. */
function literal(word: GrubWord | undefined): string | undefined {
  const [part, ...others] = word?.parts ?? [];
  return others.length === 0 && typeof part === "string" && word?.isQuoted === false
    ? part
    : undefined;
}

function expanded(word: GrubWord, variables: ReadonlyMap<string, string>): string {
  return word.parts
    .map((part) => (typeof part === "string" ? part : (variables.get(part.name) ?? "")))
    .join("");
}

/** Where an `if` stands: only one of its branches runs. */
interface Branch {
  readonly outer: boolean;
  wasTaken: boolean;
}

class Run {
  readonly #variables: Map<string, string>;
  readonly #branches: Branch[] = [];
  #isActive = true;
  #isOver = false;
  words: BootWords | undefined;

  constructor(variables: Map<string, string>) {
    this.#variables = variables;
  }

  all(statements: readonly Statement[]): void {
    for (const statement of statements) {
      if (this.#isOver) return;
      this.#statement(statement);
    }
  }

  #statement(statement: Statement): void {
    const rest = statement.slice(1);
    switch (literal(statement[0])) {
      case "if":
        this.#branches.push({ outer: this.#isActive, wasTaken: false });
        this.#condition(rest);
        break;
      case "elif":
        this.#condition(rest);
        break;
      case "else":
        this.#take(true);
        this.#statement(rest);
        break;
      case "for":
      case "while":
      case "until":
        this.#branches.push({ outer: this.#isActive, wasTaken: true });
        this.#isActive = false;
        break;
      case "then":
      case "do":
        this.#statement(rest);
        break;
      case "fi":
      case "done":
        this.#isActive = this.#branches.pop()?.outer ?? true;
        break;
      default:
        if (this.#isActive && statement.length > 0) this.#command(statement);
    }
  }

  #condition(command: Statement): void {
    const branch = this.#branches.at(-1);
    const mayRun = branch?.outer === true && !branch.wasTaken;
    this.#take(mayRun && this.#command(command));
  }

  #take(isTrue: boolean): void {
    const branch = this.#branches.at(-1);
    if (branch === undefined) return;
    this.#isActive = isTrue && branch.outer && !branch.wasTaken;
    branch.wasTaken ||= this.#isActive;
  }

  #command(statement: Statement): boolean {
    const all = statement.flatMap((word) => this.#argument(word));
    const [name = "", ...words] = all;
    const [, variable, value] =
      /^(\w+)=(.*)$/s.exec(name === "set" ? (words[0] ?? "") : name) ?? [];
    if (variable !== undefined) {
      this.#variables.set(variable, value ?? "");
      return true;
    }
    switch (name) {
      case "linux":
      case "linuxefi":
      case "linux16":
        this.words = { kernel: words[0] ?? "", commandLine: words.slice(1).map(asOne).join(" ") };
        return true;
      case "initrd":
      case "initrdefi":
      case "initrd16":
        if (this.words !== undefined) this.words = { ...this.words, initrd: words[0] ?? "" };
        return true;
      case "[":
      case "test":
        return holds(words.filter((word) => word !== "]"));
      case "boot":
      case "chainloader":
      case "exit":
      case "return":
        this.#isOver = true;
        return true;
      default:
        // `configfile` of another file, too, as if that were missing: GRUB goes on here then.
        return name !== "regexp" && name !== "false";
    }
  }

  /** A variable that is not quoted and empty is no word at all. */
  #argument(word: GrubWord): string[] {
    const text = expanded(word, this.#variables);
    return text === "" && !word.isQuoted ? [] : [text];
  }
}

/** What a kernel takes for one word. */
function asOne(word: string): string {
  return /\s/.test(word) ? `"${word}"` : word;
}

/** `-n text`, `-z text`, `a = b`, `a != b`. What asks for files finds none. */
function holds(words: readonly string[]): boolean {
  const [first, second, third] = words;
  if (words.length === 2) return first === "-z" ? second === "" : first === "-n" && second !== "";
  if (words.length !== 3) return words.length === 1 && first !== "";
  return second === "!=" ? first !== third : /^==?$/.test(second ?? "") && first === third;
}
