/** Closed queueing networks: so many customers, each now and then at home, else at one of a few stations or waiting there. */

export interface Station {
  /** Seconds of one server's time that a customer takes there, all visits together. */
  readonly demand: number;
  /** Who wait in one queue for any of so many. */
  readonly servers: number;
}

/**
 * Mean value analysis (Reiser and Lavenberg, 1980), exact for one server a station; a station of several is one that is as
 * many times as fast, and the rest of its time without a queue (Seidmann, 1987).
 * Answers what goes through, customers a second, with 0, 1, … of them; `home`: seconds that each is away between.
 */
export function throughputs(
  customers: number,
  home: number,
  stations: readonly Station[],
): Float64Array {
  const queued = stations.map(({ demand, servers }) => ({ demand: demand / servers, length: 0 }));
  const alone = stations.reduce(
    (total, { demand, servers }) => total + (demand * (servers - 1)) / servers,
    home,
  );
  const through = new Float64Array(customers + 1);
  for (let count = 1; count <= customers; count++) {
    const residences = queued.map(({ demand, length }) => demand * (1 + length));
    const rate = count / residences.reduce((total, seconds) => total + seconds, alone);
    queued.forEach((queue, index) => {
      queue.length = rate * (residences[index] ?? 0);
    });
    through[count] = rate;
  }
  return through;
}

/**
 * When the last of those is done who start at these times (in order), where all that are under way get on alike:
 * `through` says how many are done a second, by how many are under way.
 */
export function lastEnd(starts: readonly number[], through: Float64Array): number {
  let now = starts[0] ?? 0;
  /** How far one got who was there from the beginning; another is done when that is 1 more than at its start. */
  let progress = 0;
  const goals: number[] = [];
  let done = 0;
  let next = 0;
  while (done < starts.length) {
    while (next < starts.length && (starts[next] ?? 0) <= now) {
      goals.push(progress + 1);
      next++;
    }
    const underWay = next - done;
    const speed = underWay === 0 ? 0 : (through[underWay] ?? 0) / underWay;
    const nextStart = starts[next] ?? Number.POSITIVE_INFINITY;
    const nextEnd =
      speed > 0 ? now + ((goals[done] ?? 0) - progress) / speed : Number.POSITIVE_INFINITY;
    if (nextStart === Number.POSITIVE_INFINITY && nextEnd === Number.POSITIVE_INFINITY)
      return nextEnd;
    const until = Math.min(nextStart, nextEnd);
    progress += speed * (until - now);
    now = until;
    if (nextEnd <= nextStart) {
      progress = Math.max(progress, goals[done] ?? 0);
      done++;
    }
  }
  return now;
}
