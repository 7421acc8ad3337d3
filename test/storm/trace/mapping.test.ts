import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mapFiles, type TreeEntry } from "../../../src/storm/trace/mapping.ts";
import type { Trace, TraceFile } from "../../../src/storm/trace/trace.ts";

/** Which file of the served tree stands for a trace's. */

const KERNEL = "6.1.0-56-amd64";

function traceOf(files: readonly TraceFile[], kernel = KERNEL): Trace {
  return {
    about: {
      title: "made",
      firmware: "bios",
      layer: "none",
      recordedAt: "2026-11-21T20:15:27.588Z",
      kernel,
      mac: "52:54:00:13:20:01",
      address: "10.13.20.11",
    },
    files,
    steps: [],
  };
}

const file = (path: string, size = 100): TreeEntry => ({ path, type: "file", size });
const folder = (path: string): TreeEntry => ({ path, type: "directory", size: 4096 });
const link = (path: string, size = 9): TreeEntry => ({ path, type: "link", size });
const missing = (path: string): TreeEntry => ({ path, type: "missing", size: 0 });

function placeOf(wanted: TraceFile, entries: readonly TreeEntry[]): string | undefined {
  return mapFiles(traceOf([wanted]), entries).pathOf(0);
}

describe("the same tree", () => {
  const files = [
    folder(""),
    folder("etc"),
    file("etc/fstab", 37),
    link("lib"),
    missing("etc/none"),
  ];

  test("each file is itself, with its size", () => {
    const mapping = mapFiles(traceOf(files), files);
    expect(files.map((_, id) => mapping.pathOf(id))).toEqual(files.map(({ path }) => path));
    expect(files.map((_, id) => mapping.sizeOf(id))).toEqual([4096, 4096, 37, 9, 0]);
    expect(mapping.summary).toEqual({ asRecorded: 5, renamed: 0, replaced: 0, examples: [] });
  });

  test("the root needs no entry", () => {
    expect(mapFiles(traceOf([folder("")]), []).pathOf(0)).toBe("");
  });

  test("a file that has grown is itself, as long as it is now", () => {
    const mapping = mapFiles(traceOf([file("etc/fstab", 37)]), [file("etc/fstab", 5000)]);
    expect(mapping.pathOf(0)).toBe("etc/fstab");
    expect(mapping.sizeOf(0)).toBe(5000);
  });
});

describe("another kernel and other versions", () => {
  const modules = (release: string): TreeEntry[] => [
    folder(`usr/lib/modules/${release}`),
    file(`usr/lib/modules/${release}/modules.dep`, 400_000),
  ];
  const wanted = file(`usr/lib/modules/${KERNEL}/modules.dep`, 500_000);

  test("modules are those of the tree's kernel, of its newest where there are several", () => {
    const entries = [...modules("6.9.3-cloud"), ...modules("6.12.48+deb13-rt"), file("a", 500_000)];
    expect(placeOf(wanted, entries)).toBe("usr/lib/modules/6.12.48+deb13-rt/modules.dep");
    expect(placeOf(folder(`usr/lib/modules/${KERNEL}`), entries)).toBe(
      "usr/lib/modules/6.12.48+deb13-rt",
    );
  });

  test("of the recorded one where it is there", () => {
    const entries = [...modules(KERNEL), ...modules("6.12.48+deb13-rt")];
    expect(placeOf(wanted, entries)).toBe(wanted.path);
  });

  test.each([
    ["usr/lib/libcrypto.so.3", "usr/lib/libcrypto.so.1.1"],
    ["usr/lib/libapt-pkg.so.6.0.0", "usr/lib/libapt-pkg.so.7.0"],
    ["usr/lib/systemd/libsystemd-shared-252.so", "usr/lib/systemd/libsystemd-shared-257.9-1.so"],
    ["usr/lib/python3.11/os.py", "usr/lib/python3.13/os.py"],
    ["etc/rc2.d/S01cron", "etc/rc5.d/S02cron"],
  ])("%s is %s", (recorded, served) => {
    const others = [file(`${served}x`), file("other"), folder(served)];
    expect(placeOf(file(recorded), [...others, file(served, 7)])).toBe(served);
  });

  test("of several versions it is the one of the nearest size", () => {
    const entries = [file("libz.so.1", 10), file("libz.so.2", 90), file("libz.so.3", 200)];
    expect(placeOf(file("libz.so.9", 100), entries)).toBe("libz.so.2");
  });

  test("elsewhere it is found by its name", () => {
    const entries = [file("usr/lib64/libz.so.1.3"), file("usr/lib64/same-size")];
    expect(placeOf(file("usr/lib/x86_64-linux-gnu/libz.so.1"), entries)).toBe(
      "usr/lib64/libz.so.1.3",
    );
  });
});

describe("what is not there", () => {
  test("a file of about that size stands for it, each for one as long as there are enough", () => {
    const served = [file("a", 10), file("b", 1000), file("c", 1100), file("d", 90_000)];
    const wanted = [
      file("v", 1000),
      file("w", 1000),
      file("x", 1000),
      file("y", 1000),
      file("z", 1000),
    ];
    const mapping = mapFiles(traceOf(wanted), served);
    expect(wanted.map((_, id) => mapping.pathOf(id))).toEqual(["b", "c", "a", "d", "b"]);
    expect(mapping.sizeOf(1)).toBe(1100);
    expect(mapping.summary).toMatchObject({ asRecorded: 0, renamed: 0, replaced: 5 });
    expect(mapping.summary.examples[0]).toBe("v → b");
  });

  test("not one that stands for itself", () => {
    const mapping = mapFiles(traceOf([file("none", 50), file("here", 50)]), [
      file("here", 50),
      file("large", 5000),
    ]);
    expect([mapping.pathOf(0), mapping.pathOf(1)]).toEqual(["large", "here"]);
  });

  test("links and folders are replaced by their like only", () => {
    const entries = [
      file("f", 9),
      link("l"),
      folder("usr"),
      folder("usr/lib"),
      file("usr/lib/gone"),
    ];
    expect(placeOf(link("bin"), entries)).toBe("l");
    expect(placeOf(folder("usr/lib/gone/deep"), entries)).toBe("usr/lib");
    expect(placeOf(folder("opt"), entries)).toBe("");
    expect(placeOf({ path: "dev/null", type: "other", size: 0 }, entries)).toBeUndefined();
  });

  test("what nothing stands for is told, and has no bytes", () => {
    const mapping = mapFiles(traceOf([link("bin")]), [file("f")]);
    expect(mapping.sizeOf(0)).toBe(0);
    expect(mapping.summary).toEqual({
      asRecorded: 0,
      renamed: 0,
      replaced: 1,
      examples: ["bin → nothing"],
    });
  });

  test("of many, a few are named", () => {
    const many = Array.from({ length: 100 }, (_, at) => file(`gone-${"x".repeat(at)}`));
    const { summary } = mapFiles(traceOf(many), [file("f")]);
    expect(summary.replaced).toBe(100);
    expect(summary.examples.length).toBeLessThan(10);
  });
});

describe("what was missing", () => {
  test("is missing, in the folder that stands for its own", () => {
    const entries = [folder("usr"), folder("usr/lib/modules/6.12.48-amd64"), folder("etc")];
    expect(placeOf(missing("etc/ld.so.preload"), entries)).toBe("etc/ld.so.preload");
    expect(placeOf(missing(`usr/lib/modules/${KERNEL}/modules.gz`), entries)).toBe(
      "usr/lib/modules/6.12.48-amd64/modules.gz",
    );
    expect(placeOf(missing("opt/none/at/all"), entries)).toBe("all");
  });

  test("under another name where the tree has it", () => {
    const entries = [folder("etc"), file("etc/hostname"), link("etc/hostname-")];
    expect(placeOf(missing("etc/hostname"), entries)).toBe("etc/hostname--");
  });

  test("also where the recorded tree itself is taken for the served one", () => {
    const files = [folder("etc"), missing("etc/hostname")];
    expect(mapFiles(traceOf(files), files).pathOf(1)).toBe("etc/hostname");
  });
});

test("whatever is asked and served, a file is one of the tree's of its type, and what was missing is not there", () => {
  const name = fc.constantFrom("a", "b1", "b2", "lib", "usr", "so.6", KERNEL, "modules");
  const entry = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
    type: fc.constantFrom("file", "directory", "link", "other", "missing"),
    size: fc.nat(10_000),
  });
  fc.assert(
    fc.property(
      fc.array(entry),
      fc.array(entry),
      fc.constantFrom(KERNEL, ""),
      (files, served, kernel) => {
        const mapping = mapFiles(traceOf(files, kernel), served);
        const there = new Map(
          [folder(""), ...served]
            .filter(({ type }) => type !== "missing")
            .map((each) => [each.path, each]),
        );
        for (const [id, { type }] of files.entries()) {
          const path = mapping.pathOf(id);
          if (type === "missing") expect(there.has(path ?? "")).toBe(false);
          else if (path !== undefined) {
            expect(there.get(path)?.type).toBe(type);
          }
        }
        const { asRecorded, renamed, replaced } = mapping.summary;
        expect(asRecorded + renamed + replaced).toBe(files.length);
      },
    ),
    { numRuns: 500 },
  );
});
