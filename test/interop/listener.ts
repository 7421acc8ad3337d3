import process from "node:process";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { listenTcp } from "../../src/net/tcp.ts";

/**
 * `listener.ts KEEP_ALIVE_MS STALLED_MS`, in a private network: prints its port, then how many connections it has
 * whenever that changes. Each gets more than its buffers hold as soon as it has sent a byte.
 */

const [keepAliveMs, stalledMs] = process.argv.slice(2).map(Number);
if (keepAliveMs === undefined || stalledMs === undefined) throw new Error("two arguments");

const say = (text: string | number): boolean => process.stdout.write(`${text}\n`);
const listener = await listenTcp({
  local: { address: LOOPBACK_ADDRESS, port: 0 },
  connectionsMax: 100,
  keepAliveMs,
  stalledMs,
  accept(connection) {
    setImmediate(() => say(listener.connections));
    return {
      data() {
        for (let written = 0; written < 64; written += 1)
          connection.send([new Uint8Array(1 << 20)]);
      },
      drained() {},
      closed: () => void say(listener.connections),
    };
  },
  refused() {},
});
say(listener.local.port);
