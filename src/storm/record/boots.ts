import { type DhcpExchange, type DhcpMessage, exchangesIn } from "./dhcp.ts";

/** One boot of a node: from its firmware's DISCOVER until its firmware asks again. */
export interface Boot {
  readonly beganAt: number;
  /** When the next one began; infinity: none did. */
  readonly endedAt: number;
  readonly discover: DhcpMessage;
  readonly exchanges: readonly DhcpExchange[];
}

const order = { pxe: 0, ipxe: 1, kernel: 2 } as const;

/** Firmware, then perhaps iPXE, then the kernel: who asks earlier in that order than the one before begins another boot. */
export function bootsOf(messages: readonly DhcpMessage[]): Boot[] {
  const runs: DhcpExchange[][] = [];
  let before: DhcpExchange | undefined;
  for (const exchange of exchangesIn(messages)) {
    const run = runs.at(-1);
    const isSame = before !== undefined && order[exchange.deed.client] >= order[before.deed.client];
    if (run !== undefined && isSame) run.push(exchange);
    else runs.push([exchange]);
    before = exchange;
  }
  return runs.flatMap((exchanges, index) => {
    const [first] = exchanges;
    if (first === undefined) return [];
    const endedAt = runs[index + 1]?.[0]?.sentAt ?? Number.POSITIVE_INFINITY;
    return { beganAt: first.sentAt, endedAt, discover: first.discover, exchanges };
  });
}
