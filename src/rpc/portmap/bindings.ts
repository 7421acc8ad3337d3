/** The portmapper's program number (version 2, RFC 1833 §3), and rpcbind's (versions 3 and 4, §2). */
export const PORTMAP_PROGRAM = 100_000;

/** RFC 1833 §2.1: network ids, by the names that every system gives them. */
export type Netid = "tcp" | "udp";

/** A program at a TCP port. */
export interface Mapping {
  readonly program: number;
  readonly version: number;
  readonly port: number;
}

export interface Binding extends Mapping {
  readonly netid: Netid;
}

/** All that is here: the portmapper itself at both transports, everything else at TCP alone. */
export function bindingsOf(port: number, mappings: readonly Mapping[]): Binding[] {
  const own = (netid: Netid): Binding[] =>
    [4, 3, 2].map((version) => ({ program: PORTMAP_PROGRAM, version, port, netid }));
  return [
    ...own("tcp"),
    ...own("udp"),
    ...mappings.map((mapping) => ({ ...mapping, netid: "tcp" as const })),
  ];
}

/**
 * The version asked for, else another of the same program: whoever calls it there is told which versions there are
 * (PROG_MISMATCH). That is how `rpcinfo` finds them, by asking for version 0.
 */
export function findBinding(
  bindings: readonly Binding[],
  wanted: { readonly program: number; readonly version: number; readonly netid: Netid },
): Binding | undefined {
  const ofProgram = bindings.filter(
    ({ program, netid }) => program === wanted.program && netid === wanted.netid,
  );
  return ofProgram.find(({ version }) => version === wanted.version) ?? ofProgram[0];
}
