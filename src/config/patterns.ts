import { type Ipv4, ipv4, parseIpv4, parseIpv4Range } from "../bytes/ipv4.ts";

/** Values that one text stands for: `n[1-40]`, or one alone. */
export interface Pattern<T> {
  readonly text: string;
  /** 1 for what has no brackets. */
  readonly count: number;
  /** Numbered from 0. */
  at(index: number): T;
}

/** What stands before a bracket's numbers, the numbers, what follows: `n`, `1-40`, nothing. */
const brackets = /^([^[\]]*)\[([0-9a-f,-]+)\]([^[\]]*)$/i;

interface Run {
  readonly first: number;
  readonly count: number;
  /** Digits at least: `01-40` keeps its zero. */
  readonly width: number;
}

/**
 * Reads one pair of brackets with numbers and ranges of them, `n[01-12,14]`, or a text without. Nothing is expanded: that
 * all are values is known from the first and the last of each range, as longer and larger ones are in between.
 */
export function parsePattern<T>(
  text: string,
  parse: (text: string) => T | undefined,
  radix: 10 | 16 = 10,
): Pattern<T> | undefined {
  const [, before = "", list = "", after = ""] = brackets.exec(text) ?? [];
  if (list === "") {
    const value = parse(text);
    return value === undefined ? undefined : { text, count: 1, at: () => value };
  }
  const runs = list.split(",").map((part) => runIn(part, radix));
  const all = runs.filter((run) => run !== undefined);
  const numberToValue = (number: number, { width }: Run): T | undefined =>
    parse(`${before}${number.toString(radix).padStart(width, "0")}${after}`);
  const isWhole =
    all.length === runs.length &&
    all.every((run) =>
      [run.first, run.first + run.count - 1].every(
        (number) => numberToValue(number, run) !== undefined,
      ),
    );
  if (!isWhole) return undefined;
  return {
    text,
    count: all.reduce((sum, run) => sum + run.count, 0),
    at: (index) => valueAt(index, all, numberToValue),
  };
}

/** As parsePattern; or the addresses `10.13.20.11-10.13.20.50`. */
export function parseAddressPattern(text: string): Pattern<Ipv4> | undefined {
  const range = parseIpv4Range(text);
  if (range === undefined) return parsePattern(text, parseIpv4);
  const { first, last } = range;
  return { text, count: last - first + 1, at: (index) => ipv4(first + index) };
}

function runIn(part: string, radix: 10 | 16): Run | undefined {
  const [firstText = "", lastText = firstText, ...rest] = part.split("-");
  const digits = radix === 10 ? /^\d{1,9}$/ : /^[0-9a-f]{1,6}$/i;
  if (rest.length > 0 || !digits.test(firstText) || !digits.test(lastText)) return undefined;
  const first = Number.parseInt(firstText, radix);
  const count = Number.parseInt(lastText, radix) - first + 1;
  return count < 1 ? undefined : { first, count, width: firstText.length };
}

function valueAt<T>(
  index: number,
  runs: readonly Run[],
  numberToValue: (number: number, run: Run) => T | undefined,
): T {
  let left = index;
  for (const run of runs) {
    if (left < run.count) {
      const value = numberToValue(run.first + left, run);
      if (value !== undefined) return value;
      break;
    }
    left -= run.count;
  }
  throw new RangeError(`a pattern has no value number ${index}`);
}
