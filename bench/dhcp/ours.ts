import process from "node:process";
import { inventoryOf } from "../../src/boot/inventory.ts";
import { parseCidr, parseIpv4, parseIpv4Range } from "../../src/bytes/ipv4.ts";
import { serveDhcp } from "../../src/dhcp/server.ts";
import { systemClock } from "../../src/net/clock.ts";
import { openState } from "../../src/state/state.ts";

/** Our DHCP server and its leases: `node bench/dhcp/ours.ts ADDRESS NETWORK RANGE DIRECTORY`, until it is killed. */

const [address = "", network = "", range = "", directory = ""] = process.argv.slice(2);
const settings = {
  serverAddress: given(parseIpv4(address), address),
  subnets: [
    {
      network: given(parseCidr(network), network),
      ranges: [given(parseIpv4Range(range), range)],
      leaseSeconds: 3600,
      router: undefined,
      dns: [],
      domain: undefined,
    },
  ],
  inventory: inventoryOf([]),
  denyUnknown: false,
  allow: [],
  bootFile: () => undefined,
  rootPath: () => undefined,
};

process.on("SIGINT", () => process.exit(0));
await serveDhcp({
  settings: () => settings,
  clock: systemClock,
  store: openState(directory).leases,
  isPresent: () => false,
  learn: () => {},
  tell: () => {},
  warn: say,
  report: (what, error) => say(`${what}: ${String(error)}`),
  ports: { server: 67, client: 68 },
});

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function given<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new Error(`not what is wanted: ${text}`);
  return value;
}
