import type { Work } from "../table.ts";
import type { LoadOptions } from "./load.ts";

export interface FileWork extends Work {
  readonly load: LoadOptions;
}

export function worksOf(seconds: number): FileWork[] {
  const work = (title: string, windowBlocks: number, clients: number): FileWork => ({
    title: `TFTP ${title}, ${clients} ${clients === 1 ? "client" : "clients"}`,
    unit: "MB/s",
    load: { protocol: "tftp", windowBlocks, clients, seconds },
  });
  return [
    work("lock-step", 1, 100),
    work("windowsize 16", 16, 100),
    work("lock-step", 1, 1),
    work("windowsize 16", 16, 1),
  ];
}

/** The same file by the other way: nobody compares with us there. */
export function httpWork(seconds: number): FileWork {
  const load = { protocol: "http", windowBlocks: 1, clients: 100, seconds } as const;
  return { title: "HTTP, 100 connections", unit: "MB/s", load };
}
