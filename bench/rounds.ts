import type { LoadResult } from "./load.ts";
import { measured, type Row, type Work } from "./table.ts";

export interface Rounds<Server, Item> {
  readonly servers: readonly Server[];
  readonly works: readonly Item[];
  readonly rounds: number;
  readonly load: (server: Server, work: Item) => Promise<LoadResult>;
  /** After each round. */
  readonly between?: (work: Item) => Promise<void>;
}

/** Every work on one server after the other, round by round: what disturbs the machine disturbs them alike. */
export async function inRounds<Server extends { readonly name: string }, Item extends Work>({
  servers,
  works,
  rounds,
  load,
  between,
}: Rounds<Server, Item>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const work of works) {
    const results = new Map(servers.map((server) => [server, [] as LoadResult[]]));
    // Caches fill and code is compiled before anything counts.
    if (work.unit !== "s") for (const server of servers) await load(server, work);
    for (let round = 0; round < rounds; round += 1) {
      for (const server of servers) results.get(server)?.push(await load(server, work));
      await between?.(work);
    }
    const found = [...results].map(([{ name }, of]) => measured(name, work, of));
    rows.push({ work, servers: found });
  }
  return rows;
}
