import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { changeLine, packageLine } from "../../../src/cli/image/diff.ts";
import { type Compared, type DiffOptions, diffTrees } from "../../../src/image/compare/diff.ts";
import { openCompared } from "../../../src/image/compare/open.ts";
import { diffPackages } from "../../../src/image/compare/packages.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { newStore, seal } from "../store/sealed.ts";

const lacking = lackingOf("mkfs.erofs", "root", "setfattr");
const lackingTools = lackingOf("mkfs.erofs", "diff", "rsync");

const store = newStore();
const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());

async function opened(directory: string): Promise<Compared> {
  return cleanup.use(await openCompared(store, { directory }));
}

async function sealed(directory: string): Promise<Compared> {
  const { digest } = await seal(store, {}, { tree: directory });
  return cleanup.use(await openCompared(store, { name: "room", digest }));
}

async function linesOf(before: Compared, after: Compared, options?: DiffOptions): Promise<string> {
  const changes = await Array.fromAsync(diffTrees(before, after, options));
  return changes.map(changeLine).join("");
}

/** A tree and a copy of it, changed. */
function changed(files: Readonly<Record<string, string>>, change: (at: string) => void) {
  const before = directoryOf(files);
  const after = directoryOf({});
  cpSync(before, after, { recursive: true, preserveTimestamps: true });
  change(after);
  return [before, after] as const;
}

const status = (version: string, more = "") =>
  `Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\n\nPackage: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n${more}`;

describe("the difference between directories", () => {
  test("is told by path, in order, with what differs and how", async () => {
    const [before, after] = changed(
      {
        "a-b/file": "",
        "a/file": "",
        "etc/hostname": "same",
        "etc/motd": "hello world!",
        "etc/same-size": "one",
        gone: "x".repeat(1_234_567),
        turned: "file",
      },
      (at) => {
        writeFileSync(join(at, "etc/motd"), "hello to all of you.");
        writeFileSync(join(at, "etc/same-size"), "two");
        chmodSync(join(at, "etc/hostname"), 0o4755);
        rmSync(join(at, "gone"));
        rmSync(join(at, "turned"));
        mkdirSync(join(at, "turned/below"), { recursive: true });
        symlinkSync("elsewhere", join(at, "new-link"));
        linkSync(join(at, "a/file"), join(at, "a/other"));
      },
    );
    chmodSync(join(before, "etc/hostname"), 0o644);
    chmodSync(join(before, "turned"), 0o755);
    const expected = `~ /a/file  links 1 → 2
+ /a/other  0.0 MB
~ /etc/hostname  mode 0644 → 4755
~ /etc/motd  content, size 12 → 20
~ /etc/same-size  content
- /gone  1.2 MB
+ /new-link  symlink
~ /turned  type file → directory
+ /turned/below  directory
`;
    expect(await linesOf(await opened(before), await opened(after))).toBe(expected);
    expect(await linesOf(await opened(before), await opened(before))).toBe("");
  });

  test("is not their times, unless they are asked for", async () => {
    const [before, after] = changed({ file: "", link: "" }, (at) => {
      utimesSync(join(at, "file"), 0, 1);
      rmSync(join(at, "link"));
      symlinkSync("target", join(at, "link"));
    });
    rmSync(join(before, "link"));
    symlinkSync("target", join(before, "link"));
    for (const at of [before, after]) {
      lutimesSync(join(at, "link"), 0, 5);
      utimesSync(at, 0, 7);
    }
    utimesSync(join(before, "file"), 0, 0);
    expect(await linesOf(await opened(before), await opened(after))).toBe("");
    expect(await linesOf(await opened(before), await opened(after), { times: true })).toBe(
      "~ /file  time 1970-01-01T00:00:00.000000000Z → 1970-01-01T00:00:01.000000000Z\n",
    );
  });

  test("is found in a single byte of a large file, and in holes", async () => {
    const size = 3_000_000;
    const [before, after] = changed({ large: "x".repeat(size), hole: "" }, (at) => {
      writeFileSync(join(at, "large"), `${"x".repeat(size - 1)}y`);
      truncateSync(join(at, "hole"), size);
    });
    writeFileSync(join(before, "hole"), Buffer.alloc(size));
    expect(await linesOf(await opened(before), await opened(after))).toBe("~ /large  content\n");
  });

  test("shows names that are no text, and control characters, as what a terminal may show", async () => {
    const [before, after] = changed({}, (at) => {
      writeFileSync(join(at, "bell\x07\n"), "");
      writeFileSync(Buffer.concat([Buffer.from(`${at}/`), Buffer.from([0xc3, 0xbc])]), "");
    });
    expect(await linesOf(await opened(before), await opened(after))).toBe(
      "+ /bell\\x07\\x0a  0.0 MB\n+ /ü  0.0 MB\n",
    );
  });

  test("in packages is told by name, whatever else the list of them says", async () => {
    const vim =
      "\nPackage: vim\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2:9.0.1378-2\n";
    const nano = vim.replace("vim", "nano").replace("2:9.0.1378-2", "7.2-1");
    const [before, after] = [status("2.36-9", nano), status("2.36-9+deb12u1", vim)].map((text) =>
      directoryOf({ "var/lib/dpkg/status": text }),
    ) as [string, string];
    const changes = await diffPackages(await opened(before), await opened(after));
    expect(changes.map(packageLine).join("")).toBe(
      "~ libc6 2.36-9 → 2.36-9+deb12u1\n- nano 7.2-1\n+ vim 2:9.0.1378-2\n",
    );
    expect(await diffPackages(await opened(before), await opened(before))).toEqual([]);
    expect(
      await diffPackages(await opened(directoryOf({})), await opened(directoryOf({}))),
    ).toEqual([]);
  });

  test("that is stopped asks for nothing more", async () => {
    const [before, after] = changed({ a: "", b: "", c: "" }, (at) => rmSync(join(at, "a")));
    for await (const change of diffTrees(await opened(before), await opened(after))) {
      expect(change.path).toBe("/a");
      break;
    }
    const signal = AbortSignal.abort();
    await expect(linesOf(await opened(before), await opened(after), { signal })).rejects.toThrow(
      "aborted",
    );
  });
});

describe.skipIf(lacking)(title("the difference between images", lacking), () => {
  test("has owners, devices, targets and extended attributes in it", async () => {
    const [before, after] = changed({ owned: "", named: "", file: "" }, (at) => {
      chownSync(join(at, "owned"), 1000, 65534);
      execFileSync("setfattr", ["-n", "user.name", "-v", "value", join(at, "named")]);
    });
    execFileSync("setfattr", ["-n", "user.name", "-v", "other", join(before, "named")]);
    for (const [at, minor] of [
      [before, "3"],
      [after, "5"],
    ] as const) {
      execFileSync("mknod", ["-m", "666", join(at, "device"), "c", "1", minor]);
      symlinkSync(`to-${minor}`, join(at, "link"));
    }
    const expected = [
      "~ /device  device 1:3 → 1:5\n",
      "~ /link  target to-3 → to-5\n",
      "~ /owned  owner 0:0 → 1000:65534\n",
    ];
    const images = await linesOf(await sealed(before), await sealed(after));
    expect(images).toBe(expected.toSpliced(2, 0, "~ /named  xattrs\n").join(""));
    expect(await linesOf(await sealed(before), await opened(after))).toBe(expected.join(""));
    expect(await linesOf(await sealed(before), await opened(before))).toBe("");
  });
});

/** A small tree: names are few, so that two of them often meet. */
const smallTree = fc.dictionary(
  fc.constantFrom("a", "b", "c/d", "c/e", "f/g/h", "f-g", "i"),
  fc.constantFrom("", "one", "two", "three", "x".repeat(5000), `${"x".repeat(4999)}y`),
  { maxKeys: 6 },
);

describe.skipIf(lackingTools)(title("diff -r and rsync", lackingTools), () => {
  test("find the same files added, removed and changed, in directories and in images", async () => {
    await fc.assert(
      fc.asyncProperty(smallTree, smallTree, async (one, other) => {
        const [before, after] = [directoryOf(one), directoryOf(other)];
        const expected = changesByTools(before, after);
        expect(await changesByUs(await opened(before), await opened(after))).toEqual(expected);
        expect(await changesByUs(await sealed(before), await opened(after))).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });
});

async function changesByUs(before: Compared, after: Compared): Promise<string[]> {
  const found: string[] = [];
  for await (const { kind, path, type } of diffTrees(before, after)) {
    if (type === "file") found.push(`${kind} ${path}`);
  }
  return found.sort();
}

/** rsync names what it would send and delete; diff judges the contents of what both have. */
function changesByTools(before: string, after: string): string[] {
  const rsync = execFileSync("rsync", [
    "-nrc",
    "--delete",
    "--out-format=%o %n",
    `${after}/`,
    `${before}/`,
  ]);
  const lines = rsync.toString().split("\n");
  const all = new Set(filesIn(before));
  const sent = lines.flatMap((line) => /^send (.*[^/])$/.exec(line)?.[1] ?? []);
  const deleted = lines.flatMap((line) => /^del\. (.*[^/])$/.exec(line)?.[1] ?? []);
  const { stdout } = spawnSync("diff", ["-rq", before, after], { encoding: "utf8" });
  const differing = [...stdout.matchAll(/^Files (\S+) and \S+ differ$/gm)].map(([, file = ""]) =>
    file.slice(before.length + 1),
  );
  expect(sent.filter((file) => all.has(file)).sort()).toEqual(differing.sort());
  return [
    ...sent.map((file) => `${all.has(file) ? "changed" : "added"} /${file}`),
    ...deleted.map((file) => `removed /${file}`),
  ].sort();
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true }).map(String);
}
