import type { VolumeUser } from "../volume/control.ts";
import type { VolumeInfo } from "../volume/store.ts";
import { renderTable } from "./table.ts";

/** A volume with its snapshots, as it is shown. */
export interface ShownVolume {
  readonly name: string;
  /** Undefined: it was removed, and only its snapshots are there. */
  readonly bytes: number | undefined;
  readonly allocatedBytes: number;
  readonly modified: Date;
  readonly snapshots: readonly ShownSnapshot[];
  /** Undefined where no server is there to say so: nobody. */
  readonly users: readonly VolumeUser[];
}

export interface ShownSnapshot {
  readonly name: string;
  readonly bytes: number;
  readonly allocatedBytes: number;
  readonly made: Date;
}

export function volumesIn(
  infos: readonly VolumeInfo[],
  users: ReadonlyMap<string, readonly VolumeUser[]> | undefined,
): ShownVolume[] {
  return [...Map.groupBy(infos, ({ name }) => name)].flatMap(([name, all]) => {
    const [first] = all;
    if (first === undefined) return [];
    const snapshots = all.flatMap(({ snapshot, bytes, allocatedBytes, modified }) =>
      snapshot === undefined ? [] : [{ name: snapshot, bytes, allocatedBytes, made: modified }],
    );
    return [
      {
        name,
        bytes: first.snapshot === undefined ? first.bytes : undefined,
        allocatedBytes: first.snapshot === undefined ? first.allocatedBytes : 0,
        modified: first.modified,
        snapshots,
        users: users?.get(name) ?? [],
      },
    ];
  });
}

export function renderVolumes(volumes: readonly ShownVolume[], directory: string): string {
  if (volumes.length === 0) {
    return `no volumes in ${directory}; nodes get theirs when they log in, sidus volume create makes one before\n`;
  }
  const head = ["NAME", "SIZE", "ON DISK", "WRITTEN (UTC)", "SNAPSHOTS", "USED BY"];
  const rows = volumes.map((volume) => [
    volume.name,
    volume.bytes === undefined ? "removed" : formatBytes(volume.bytes),
    formatBytes(volume.allocatedBytes),
    minuteOf(volume.modified),
    volume.snapshots.length === 0 ? "-" : String(volume.snapshots.length),
    volume.users.map(({ initiator, address }) => `${initiator} at ${address}`).join(", ") || "-",
  ]);
  return renderTable([head, ...rows]);
}

export function renderVolume(volume: ShownVolume): string {
  const { name, snapshots } = volume;
  const kept = snapshots.length === 0 ? "" : `\n${renderSnapshots(name, snapshots)}`;
  return `${renderVolumes([volume], "")}${kept}`;
}

export function renderSnapshots(name: string, snapshots: readonly ShownSnapshot[]): string {
  if (snapshots.length === 0) {
    return `${name} has no snapshots; sidus volume snapshot ${name} makes one\n`;
  }
  const rows = snapshots.map((one) => [
    one.name,
    formatBytes(one.bytes),
    formatBytes(one.allocatedBytes),
    minuteOf(one.made),
  ]);
  return renderTable([["SNAPSHOT", "SIZE", "ON DISK", "MADE (UTC)"], ...rows]);
}

/** `20 GiB`, `1.5 MiB`: powers of 1024, as sizes are given. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}

function minuteOf(date: Date): string {
  return date.toISOString().slice(0, 16).replace("T", " ");
}
