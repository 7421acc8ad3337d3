import process from "node:process";
import { parseIpv4 } from "../../src/bytes/ipv4.ts";
import { systemClock } from "../../src/net/clock.ts";
import { localSockets } from "../../src/net/local.ts";
import { serveClaims } from "../../src/volume/claims.ts";

/** Serves a directory of volumes, of which nodes use those that are named, until it is killed. */
const [directory = "", ...names] = process.argv.slice(2);
const address = parseIpv4("192.0.2.11");
if (address === undefined) throw new Error("no address");
const claims = await serveClaims({ directory, sockets: localSockets, clock: systemClock });
for (const name of names) claims.use(name, { name: "iqn.2026-01.test:node", address });
process.stdout.write("serving\n");
