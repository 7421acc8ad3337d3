import { parseIpv4 } from "../../../src/bytes/ipv4.ts";
import { readTrace } from "../../../src/storm/trace/file.ts";
import { shippedTraceFile } from "../../../src/storm/trace/shipped.ts";
import { Node } from "./node.ts";

/** A node's recorded commands at a target, from where this is started: `ADDRESS PORT TARGET`; tells as JSON what came of it. */

const [, , host = "", port, target = ""] = process.argv;
const address = parseIpv4(host);
if (address === undefined) throw new Error(`no address: ${host}`);
const server = { address, port: Number(port) };
const { steps } = await readTrace(shippedTraceFile("bios-iscsi"));
const commands = steps.flatMap(({ deed }) => (deed.kind === "scsi" ? [deed.command] : []));

using node = new Node({ port: server.port, server, target });
const failures = [await node.login()];
for (const { cdb, way, bytes } of commands) failures.push(await node.command(cdb, way, bytes));
// As many at once as are under way in no boot, and longer than any burst.
const places = Array.from({ length: 40 }, (_, at) => at * 1024);
failures.push(...(await Promise.all(places.map((lba) => node.write(lba, 1024)))));
failures.push(...(await Promise.all(places.map((lba) => node.read(lba, 1024)))));
const { answers, complaints, differences, retransmits, verifiedBytes } = node.tally;
process.stdout.write(
  JSON.stringify({
    failures: failures.filter((failure) => failure !== undefined),
    commands: commands.length,
    answers: answers.length,
    added: node.client.added,
    ...{ complaints, differences, retransmits, verifiedBytes },
  }),
);
