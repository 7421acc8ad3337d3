import type { BootConfig, ExportConfig, LabelConfig } from "../config.ts";
import type { Written, WrittenLabel } from "../schema.ts";
import type { Path, Source } from "../source.ts";
import { knownLabel } from "./places.ts";

/** What a label is made of, by the key that makes it one of a kind; the others are a Linux system of an export. */
const keysOf = {
  local: ["local"],
  message: ["message"],
  program: ["program", "initrd", "append", "export"],
  linux: ["export", "layer", "kernel", "initrd", "append"],
} as const satisfies Record<LabelConfig["kind"], readonly (keyof WrittenLabel)[]>;

/** For who changes the tree from a node: what is written there is kept apart, and in no other node's menu. */
const ADMIN = "admin";

export function bootOf(
  written: Written,
  source: Source,
  exports: readonly ExportConfig[],
): BootConfig {
  const names = exports.map((entry) => entry.name);
  const [firstExport = ""] = names;
  const labels = new Map<string, LabelConfig>([
    ["tmpfs", linuxLabel("tmpfs", {}, firstExport)],
    ["iscsi", linuxLabel("iscsi", {}, firstExport)],
    [ADMIN, linuxLabel(ADMIN, {}, firstExport)],
    ["local", { kind: "local", from: undefined }],
  ]);
  for (const [name, entry] of Object.entries(written.boot?.labels ?? {})) {
    labels.set(name, labelOf(name, entry, names, source));
  }
  const boot = written.boot ?? {};
  const chosen = boot.default ?? "tmpfs";
  knownLabel(source, ["boot", "default"], chosen, labels);
  knownLabel(source, ["boot", "unknown"], boot.unknown, labels);
  return {
    default: chosen,
    unknown: boot.unknown,
    menuSeconds: boot.menu ?? 0,
    loader: boot.loader ?? "auto",
    overlay: boot.overlay,
    labels,
  };
}

function labelOf(
  name: string,
  entry: WrittenLabel | "local",
  exports: readonly string[],
  source: Source,
): LabelConfig {
  if (entry === "local") return { kind: "local", from: undefined };
  const path = ["boot", "labels", name];
  const kind = (["local", "message", "program"] as const).find((key) => entry[key] !== undefined);
  refuseStrayKeys(entry, kind ?? "linux", source, path);
  if (entry.export !== undefined && !exports.includes(entry.export)) {
    throw source.complain(
      [...path, "export"],
      `expected one of ${exports.join(", ")}, found "${entry.export}"`,
    );
  }
  const [firstExport = ""] = exports;
  if (entry.local !== undefined) {
    const { disk, partition } = entry.local;
    return { kind: "local", from: { disk, partition } };
  }
  if (entry.message !== undefined) return { kind: "message", message: entry.message };
  if (entry.program !== undefined) {
    if (entry.initrd !== undefined && /\.efi$/i.test(entry.program)) {
      throw source.complain(
        [...path, "initrd"],
        "expected none beside an EFI program, which loaders start alone",
      );
    }
    return {
      kind: "program",
      export: entry.export ?? firstExport,
      program: entry.program,
      initrds: entry.initrd ?? [],
      append: entry.append,
    };
  }
  if ((entry.kernel === undefined) !== (entry.initrd === undefined)) {
    throw source.complain(path, "expected both of kernel: and initrd:, or neither");
  }
  if ((entry.initrd ?? []).length > 1) {
    throw source.complain([...path, "initrd"], "expected one; a list is for program:");
  }
  return linuxLabel(name, entry, firstExport);
}

function refuseStrayKeys(
  entry: WrittenLabel,
  kind: LabelConfig["kind"],
  source: Source,
  path: Path,
): void {
  const keys: readonly string[] = keysOf[kind];
  const stray = Object.keys(entry).find((key) => !keys.includes(key));
  if (stray === undefined) return;
  const others = keys.filter((key) => key !== kind).map((key) => `${key}:`);
  const beside = others.length === 0 ? "nothing" : others.join(", ");
  throw source.complain([...path, stray], `does not go with ${kind}:, beside which is ${beside}`);
}

function linuxLabel(name: string, entry: WrittenLabel, firstExport: string): LabelConfig {
  return {
    kind: "linux",
    export: entry.export ?? firstExport,
    layer: entry.layer ?? (name === "iscsi" || name === ADMIN ? "iscsi" : "tmpfs"),
    volume: name === ADMIN ? "admin" : "own",
    kernel: entry.kernel,
    initrd: entry.initrd?.[0],
    append: entry.append,
  };
}
