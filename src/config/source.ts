import { readFileSync } from "node:fs";
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
} from "yaml";
import { CONFIG_BYTES_MAX } from "../limits.ts";
import { UserError } from "../user-error.ts";

export type Path = readonly PropertyKey[];

/** What the user is told to do of a kind of file. */
export interface Advice {
  /** Where there is no such file. */
  readonly absent: string;
  /** After a key that nobody knows. */
  readonly keys: string;
}

/** From `start`, counted in UTF-16 code units, up to `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A YAML file with its lines, so that every complaint can name one. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly value: unknown;
  readonly advice: Advice;
  /** Where the value stands in the text; undefined where there is none. */
  rangeOf(path: Path): Range | undefined;
  /** One line: file, line, key and the complaint. */
  complain(path: Path, complaint: string): UserError;
}

export function readSource(file: string, advice: Advice): Source {
  const text = readText(file, advice);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Every value is the text that was written: 007 is no number.
    schema: "failsafe",
  });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line } = lines.linePos(problem.pos[0]);
    const hint = patternHint(text.split("\n")[line - 1] ?? "");
    throw new UserError(
      `${file}:${line}: not valid YAML: ${problem.message.split("\n")[0]}${hint}`,
    );
  }
  return {
    file,
    text,
    advice,
    value: plainValue(file, () => document.toJS({ maxAliasCount: 100 })),
    rangeOf(path) {
      const found = document.getIn(path, true);
      const node = isAlias(found) ? found.resolve(document) : found;
      if (!isNode(node) || !node.range) return undefined;
      return { start: node.range[0], end: node.range[1] };
    },
    complain(path, complaint) {
      const { line } = lines.linePos(offsetOf(document.contents, path));
      return new UserError(`${file}:${line}: ${keyText(path)}${complaint}`);
    },
  };
}

/** Where YAML reads `{ name: n[1-40] }`, it finds a list within a name. */
function patternHint(line: string): string {
  return /\{.*\w:?\[[\da-f,-]+\]/i.test(line)
    ? '; within { } a pattern needs quotes, as "n[1-40]"'
    : "";
}

/** Aliases that name nothing, or too much, show only now. */
function plainValue(file: string, read: () => unknown): unknown {
  try {
    const value = read();
    return value === "" || value === null || value === undefined ? {} : value;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new UserError(`${file}: not valid YAML: ${why}`, { cause });
  }
}

function readText(file: string, advice: Advice): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > CONFIG_BYTES_MAX) {
      throw new UserError(`${file}: larger than ${CONFIG_BYTES_MAX} bytes; is it the right file?`);
    }
    return bytes.toString("utf8");
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT") {
      throw new UserError(`${file}: no such file; ${advice.absent}`, { cause });
    }
    throw new UserError(`${file}: cannot be read: ${String(cause)}`, { cause });
  }
}

/** Where the key of the deepest existing part of the path stands. */
function offsetOf(root: Node | null, path: Path): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key),
      );
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isCollection(node)) {
      node = node.items[Number(key)];
      if (!isScalar(node) && !isCollection(node)) break;
      offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

/** `nodes[2].mac: `, or nothing for the whole file. */
function keyText(path: Path): string {
  if (path.length === 0) return "";
  const text = path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("");
  return `${text.replace(/^\./, "")}: `;
}
