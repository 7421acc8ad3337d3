import { execFileSync } from "node:child_process";

/**
 * What find, stat and sha256sum say of all that is below the current directory, as text that any POSIX shell runs, here
 * and inside a node. Records end in NUL. Sizes of directories are their file system's own.
 */
export const LIST_ALL = [
  `find . -xdev -type d -printf "%y %m %n %U %G - %T@ %i %p\\0" -o -printf "%y %m %n %U %G %s %T@ %i %p -> %l\\0"`,
  `find . -xdev "(" -type b -o -type c ")" -print0 | xargs -0r stat --printf="device %t:%T %n\\0"`,
  "find . -xdev -type f -print0 | xargs -0r sha256sum --zero",
].join("\n");

export function listDirectory(path: string): string[] {
  const output = execFileSync("sh", ["-c", LIST_ALL], { cwd: path, maxBuffer: 64 << 20 });
  return recordsOf(output);
}

/**
 * Sorted; up to the first empty record. Instead of the number of an inode, which is each file system's own: how its
 * first name begins, so that names of one file, and only those, still have it in common.
 */
export function recordsOf(output: Buffer): string[] {
  const end = output.indexOf("\0\0");
  const text = output.toString("latin1", 0, end === -1 ? output.length : end);
  const records = text.split("\0").filter((record) => record !== "");
  const parsed = records.map((record) => /^(\w( \S+){6}) (\d+) (\..*)$/s.exec(record) ?? record);
  const first = new Map<string, string>();
  for (const [, , , inode = "", name = ""] of parsed.filter((one) => typeof one !== "string")) {
    const known = first.get(inode);
    if (known === undefined || name < known) first.set(inode, name);
  }
  return parsed
    .map((one) => {
      if (typeof one === "string") return one;
      const [, attributes, , inode = "", name = ""] = one;
      const firstName = first.get(inode);
      return `${attributes} ${name}${firstName === name ? "" : ` = ${firstName}`}`;
    })
    .sort();
}

/** Records that only one of two lists has. */
export function differences(is: readonly string[], should: readonly string[]): string[] {
  const there = new Set(is);
  const here = new Set(should);
  return [
    ...is.filter((record) => !here.has(record)).map((record) => `+ ${record}`),
    ...should.filter((record) => !there.has(record)).map((record) => `- ${record}`),
  ];
}
