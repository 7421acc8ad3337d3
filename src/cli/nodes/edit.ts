import { isDeepStrictEqual } from "node:util";
import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type ParsedNode,
  parseDocument,
  type YAMLSeq,
} from "yaml";

/**
 * Changes to the `nodes:` of a sidus.yaml as text, at the places that the parsed document names: all else, comments,
 * order and indentation, stays byte for byte. Undefined: its form is none that this can change without harm.
 */

/** One entry, its values as they are written. */
export type WrittenEntry = Readonly<Record<string, string>>;

interface Place {
  readonly list: YAMLSeq.Parsed | undefined;
  /** Where the key `nodes` ends; undefined: it is not there. */
  readonly keyEnd: number | undefined;
}

export function addEntries(text: string, entries: readonly WrittenEntry[]): string | undefined {
  const place = nodesIn(text);
  const before = rootOf(text);
  if (place === undefined) return undefined;
  const changed = withEntries(text, place, entries.map(flow));
  return hasNodes(changed, before, [...listIn(before), ...entries]) ? changed : undefined;
}

export function removeEntry(text: string, index: number): string | undefined {
  const place = nodesIn(text);
  const before = rootOf(text);
  if (place === undefined) return undefined;
  const changed = withoutItem(text, place, index);
  const rest = listIn(before).filter((_, at) => at !== index);
  return changed !== undefined && hasNodes(changed, before, rest) ? changed : undefined;
}

/** Whether a changed text says what it is to say, and all else as before. */
function hasNodes(text: string, before: ReturnType<typeof rootOf>, nodes: readonly unknown[]) {
  return isDeepStrictEqual(rootOf(text), { ...before, nodes });
}

/** `{ mac: 52:54:00:77:00:01, name: n1 }` */
export function flow(entry: WrittenEntry): string {
  const keys = Object.entries(entry).map(([key, value]) => `${key}: ${value}`);
  return `{ ${keys.join(", ")} }`;
}

function nodesIn(text: string): Place | undefined {
  const { contents, errors } = parsed(text);
  if (!isMap<ParsedNode, ParsedNode | null>(contents) || errors.length > 0) return undefined;
  const pair = contents.items.find(({ key }) => isScalar(key) && key.value === "nodes");
  if (pair === undefined) return { list: undefined, keyEnd: undefined };
  const keyEnd = pair.key.range[1];
  if (isSeq(pair.value)) return { list: pair.value, keyEnd };
  const isNothing = pair.value === null || (isScalar(pair.value) && pair.value.value === "");
  return isNothing ? { list: undefined, keyEnd } : undefined;
}

function withEntries(text: string, { list, keyEnd }: Place, entries: readonly string[]): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = (indent: string): string =>
    entries.map((entry) => `${eol}${indent}- ${entry}`).join("");
  if (keyEnd === undefined) {
    const isEnded = text === "" || text.endsWith("\n");
    return `${text}${isEnded ? "" : eol}nodes:${lines("  ")}${eol}`;
  }
  if (list === undefined) return spliced(text, lineEnd(text, keyEnd), 0, lines("  "));
  const [start, end] = list.range;
  const last = list.items.at(-1);
  if (last === undefined) {
    // No comment would be lost with the brackets.
    const isPlain = /^\s*:\s*\[\s*\]$/.test(text.slice(keyEnd, end));
    return isPlain
      ? spliced(spliced(text, lineEnd(text, end), 0, lines("  ")), keyEnd, end - keyEnd, ":")
      : spliced(text, start + 1, 0, entries.join(", "));
  }
  if (list.flow === true) return spliced(text, last.range[1], 0, `, ${entries.join(", ")}`);
  const dash = dashOf(text, last);
  const indent = text.slice(lineStart(text, dash), dash);
  return spliced(text, lineEnd(text, endOf(last)), 0, lines(indent));
}

function withoutItem(text: string, { list, keyEnd }: Place, index: number): string | undefined {
  const item = list?.items[index];
  if (list === undefined || item === undefined || keyEnd === undefined) return undefined;
  const [before, after] = [list.items[index - 1], list.items[index + 1]];
  if (list.flow === true) {
    const from = after === undefined ? (before?.range[1] ?? item.range[0]) : item.range[0];
    return spliced(text, from, (after?.range[0] ?? item.range[1]) - from, "");
  }
  const from = lineStart(text, dashOf(text, item));
  const end = lineEnd(text, endOf(item));
  const next = text.startsWith("\r", end) ? end + 2 : end + 1;
  const rest = spliced(text, from, next - from, "");
  return list.items.length > 1 ? rest : spliced(rest, rest.indexOf(":", keyEnd) + 1, 0, " []");
}

/** Where what is written of it ends, without the comments that follow. */
function endOf(node: ParsedNode): number {
  if ((isMap(node) || isSeq(node)) && node.flow !== true) {
    const last = node.items.at(-1);
    const inner = isPair<ParsedNode, ParsedNode | null>(last) ? (last.value ?? last.key) : last;
    if (isNode(inner)) return endOf(inner as ParsedNode);
  }
  return node.range[1];
}

function dashOf(text: string, item: ParsedNode): number {
  return text.lastIndexOf("-", item.range[0] - 1);
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

/** Before the line's end; after it where a block of text ends there. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", text[at - 1] === "\n" ? at - 1 : at);
  if (end < 0) return text.length;
  return text[end - 1] === "\r" ? end - 1 : end;
}

function spliced(text: string, at: number, removed: number, added: string): string {
  return text.slice(0, at) + added + text.slice(at + removed);
}

function parsed(text: string) {
  return parseDocument(text, { schema: "failsafe", prettyErrors: false });
}

/** Undefined: it is no YAML of keys, or one with aliases of what is not there. */
function rootOf(text: string): Readonly<Record<string, unknown>> | undefined {
  const document = parsed(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return undefined;
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

function listIn(value: Readonly<Record<string, unknown>> | undefined): readonly unknown[] {
  const nodes = value?.["nodes"];
  return Array.isArray(nodes) ? nodes : [];
}
