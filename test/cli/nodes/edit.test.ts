import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { addEntries, removeEntry } from "../../../src/cli/nodes/edit.ts";

const n9 = { mac: "52:54:00:77:00:09", name: "n9" };
const written = "{ mac: 52:54:00:77:00:09, name: n9 }";

/** What a configuration was, what it becomes. */
const added: readonly (readonly [title: string, before: string, after: string])[] = [
  [
    "after the last entry, with its indentation, before the comments that follow",
    "a: 1 # one\n\nnodes: # room\n    # first\n    - { mac: 1, name: x } # x\n    # no more\n\n# log\nlog: { level: info }\n",
    `a: 1 # one\n\nnodes: # room\n    # first\n    - { mac: 1, name: x } # x\n    - ${written}\n    # no more\n\n# log\nlog: { level: info }\n`,
  ],
  [
    "after an entry of several lines",
    "nodes:\n- mac: 1\n  volume:\n    size: 8G # big\n\n  # end\nlog: x\n",
    `nodes:\n- mac: 1\n  volume:\n    size: 8G # big\n- ${written}\n\n  # end\nlog: x\n`,
  ],
  [
    "after an entry whose last value is a block of text",
    "nodes:\n  - append: |\n      a\n      b\nlog: x\n",
    `nodes:\n  - append: |\n      a\n      b\n  - ${written}\nlog: x\n`,
  ],
  [
    "at the end of a file without a line feed",
    "nodes:\n  - mac: 1",
    `nodes:\n  - mac: 1\n  - ${written}`,
  ],
  ["where there is no list yet", "a: 1\n", `a: 1\nnodes:\n  - ${written}\n`],
  ["where nothing ends the last line", "a: 1", `a: 1\nnodes:\n  - ${written}\n`],
  ["below a key without a value", "nodes: # none\nb: 1\n", `nodes: # none\n  - ${written}\nb: 1\n`],
  [
    "in the place of an empty list",
    "nodes: [] # none\nb: 1\n",
    `nodes: # none\n  - ${written}\nb: 1\n`,
  ],
  [
    "in an empty list with a comment in its brackets",
    "nodes: [\n  # none yet\n]\nb: 1\n",
    `nodes: [${written}\n  # none yet\n]\nb: 1\n`,
  ],
  [
    "in a list in brackets",
    "nodes: [{mac: 1}, {mac: 2}]\n",
    `nodes: [{mac: 1}, {mac: 2}, ${written}]\n`,
  ],
  [
    "in brackets over several lines",
    "nodes: [\n  {mac: 1}, # one\n]\n",
    `nodes: [\n  {mac: 1}, ${written}, # one\n]\n`,
  ],
  ["in a file of JSON", '{"nodes": [{"mac": "1"}]}\n', `{"nodes": [{"mac": "1"}, ${written}]}\n`],
  [
    "with the line ends that are there",
    "nodes:\r\n  - mac: 1 # x\r\nb: 1\r\n",
    `nodes:\r\n  - mac: 1 # x\r\n  - ${written}\r\nb: 1\r\n`,
  ],
];

const removed: readonly (readonly [title: string, index: number, before: string, after: string])[] =
  [
    [
      "with its own line, and nothing else",
      1,
      "nodes:\n  # a\n  - mac: 1\n  - mac: 2 # b\n    name: x # c\n  # d\n  - mac: 3\n",
      "nodes:\n  # a\n  - mac: 1\n  # d\n  - mac: 3\n",
    ],
    ["as the last of several", 1, "nodes:\n- mac: 1\n- mac: 2", "nodes:\n- mac: 1\n"],
    ["as the only one", 0, "nodes: # room\n  - mac: 1\nb: 2\n", "nodes: [] # room\nb: 2\n"],
    ["as the first in brackets", 0, "nodes: [{mac: 1}, {mac: 2}]\n", "nodes: [{mac: 2}]\n"],
    ["as the last in brackets", 1, "nodes: [{mac: 1}, {mac: 2}]\n", "nodes: [{mac: 1}]\n"],
    ["as the only one in brackets", 0, "nodes: [ {mac: 1} ]\n", "nodes: [  ]\n"],
    [
      "with the line ends that are there",
      0,
      "nodes:\r\n  - mac: 1\r\n  - mac: 2\r\n",
      "nodes:\r\n  - mac: 2\r\n",
    ],
  ];

describe("a node is added", () => {
  test.each(added)("%s", (_, before, after) => {
    expect(addEntries(before, [n9])).toBe(after);
  });

  test("several at once", () => {
    expect(addEntries("nodes:\n - mac: 1\n", [{ mac: "2" }, { mac: "3" }])).toBe(
      "nodes:\n - mac: 1\n - { mac: 2 }\n - { mac: 3 }\n",
    );
  });
});

describe("a node is removed", () => {
  test.each(removed)("%s", (_, index, before, after) => {
    expect(removeEntry(before, index)).toBe(after);
  });

  test("not the one that others are aliases of", () => {
    expect(removeEntry("nodes:\n  - &first { mac: 1 }\n  - *first\n", 0)).toBeUndefined();
  });

  test("one that is not there", () => {
    expect(removeEntry("nodes: [{mac: 1}]\n", 1)).toBeUndefined();
    expect(removeEntry("a: 1\n", 0)).toBeUndefined();
  });
});

describe("what cannot be changed without harm is left alone", () => {
  test.each([
    ["an alias", "a: &x [{mac: 1}]\nnodes: *x\n"],
    ["a text", "nodes: none\n"],
    ["a file that ends before its end", "a: 1\n...\n"],
    ["broken YAML", "nodes: [\n"],
    ["keys in braces without nodes", "{ a: 1 }\n"],
    ["no keys at all", "- 1\n"],
    ["nothing", ""],
  ])("%s", (_, text) => {
    expect(addEntries(text, [n9])).toBeUndefined();
  });

  test("a value that would mean something else in braces", () => {
    expect(addEntries("nodes: []\n", [{ mac: "1, name: x }" }])).toBeUndefined();
  });
});

test("whatever it looks like: all else stays, and removing what was added brings the text back", () => {
  const entry = fc.constantFrom(
    "- { mac: 1, name: a } # x",
    "- mac: 2 # y\n    name: b",
    "-\n    mac: 3",
    "# between",
    "",
  );
  const text = fc
    .tuple(fc.array(entry, { maxLength: 6 }), fc.constantFrom("", "log: x # y\n", "# end"))
    .map(([entries, end]) => `a: 1\nnodes:\n${entries.map((one) => `  ${one}\n`).join("")}${end}`);
  fc.assert(
    fc.property(text, (before) => {
      const after = addEntries(before, [n9]);
      if (after === undefined) throw new Error(`not changed: ${before}`);
      const nodes: unknown[] = parse(after).nodes;
      expect(nodes.at(-1)).toEqual(n9);
      const back = removeEntry(after, nodes.length - 1);
      expect(nodes.length > 1 ? back : back?.replace("nodes: []", "nodes:")).toBe(before);
    }),
    { numRuns: 150 },
  );
});

test("any text at all is changed rightly or not at all", () => {
  const part = fc.constantFrom(
    "nodes:",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "a: 1",
    ",",
    "#",
    "'",
    "|",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 16 }), (parts) => {
      const text = parts.join("");
      addEntries(text, [n9]);
      removeEntry(text, 0);
    }),
    { numRuns: 500 },
  );
});
