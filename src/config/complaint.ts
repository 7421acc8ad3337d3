import type { z } from "zod";
import type { UserError } from "../user-error.ts";
import type { Path, Source } from "./source.ts";

/** What zod found wrong in a file, as one line that names file, line and key, what was expected and what was found. */
export function complaintOf(source: Source, issues: readonly z.core.$ZodIssue[]): UserError {
  const issue = deepest(issues);
  const path = writtenPath(source, issue.path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const [key = ""] = issue.keys;
      return source.complain([...path, key], `unknown key; ${source.advice.keys}`);
    }
    case "invalid_type":
      return source.complain(path, `expected ${typeText(issue.expected)}, ${found(source, path)}`);
    case "invalid_key":
      return source.complain(
        path,
        `${issue.issues[0]?.message ?? "expected another key"} as the key`,
      );
    default:
      return source.complain(path, `${issue.message}, ${found(source, path)}`);
  }
}

/** A union's own message says less than the one branch that got further. */
function deepest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  const [first] = issues;
  if (first === undefined) throw new Error("zod failed without an issue");
  if (first.code !== "invalid_union") return first;
  const inner = first.errors
    .flat()
    .find((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys");
  return inner === undefined ? first : { ...inner, path: [...first.path, ...inner.path] };
}

function typeText(expected: string): string {
  switch (expected) {
    case "object":
    case "record":
      return "keys and values, indented below";
    case "array":
      return "a list, one `- …` a line";
    default:
      return `a ${expected}`;
  }
}

/** Where a list or keys may be one plain value, the schema sees a list of one, or that value's key. */
function writtenPath(source: Source, path: Path): Path {
  const index = path.findIndex((key, at) => {
    const parent = valueAt(source, path.slice(0, at));
    return typeof key === "number" ? !Array.isArray(parent) : typeof parent === "string";
  });
  return index < 0 ? path : path.slice(0, index);
}

function found(source: Source, path: Path): string {
  const value = valueAt(source, path);
  if (value === undefined || value === null || value === "") return "found nothing";
  const text = JSON.stringify(value);
  return `found ${text.length > 60 ? `${text.slice(0, 57)}…` : text}`;
}

function valueAt(source: Source, path: Path): unknown {
  let value: unknown = source.value;
  for (const key of path) {
    value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  }
  return value;
}
