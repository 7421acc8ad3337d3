import type { Work } from "../table.ts";
import type { LoadOptions } from "./load.ts";

export interface IscsiWork extends Work {
  readonly load: LoadOptions;
}

const KIB = 1024;

export function worksOf(seconds: number): IscsiWork[] {
  const small = { sessions: 1, size: 4 * KIB, seconds };
  const randomRead = { ...small, work: "random-read" } as const;
  return [
    {
      title: "random read 4 KiB 1 x 32",
      load: { ...randomRead, depth: 32 },
      unit: "calls/s",
      wanted: 2,
    },
    {
      title: "random read 4 KiB 1 x 1",
      load: { ...randomRead, depth: 1 },
      unit: "calls/s",
      wanted: 1.4,
    },
    {
      title: "random write 4 KiB 1 x 32",
      load: { ...small, work: "random-write", depth: 32 },
      unit: "calls/s",
      wanted: 1.5,
    },
    {
      title: "sequential read 128 KiB 1 x 8",
      load: { work: "sequential-read", sessions: 1, depth: 8, size: 128 * KIB, seconds },
      unit: "MB/s",
      wanted: 1.2,
    },
    {
      title: "random read 4 KiB 100 x 1",
      load: { ...randomRead, sessions: 100, depth: 1 },
      unit: "calls/s",
      wanted: 2,
    },
  ];
}
