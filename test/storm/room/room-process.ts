import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { formatIpv4 } from "../../../src/bytes/ipv4.ts";
import { makeRoomNetwork } from "../../../src/storm/room/network.ts";

/** Makes a storm's network in the namespace that it is started in, and tells as JSON what that network does. */

const link = JSON.parse(process.argv[2] ?? "{}").link;
const echo = `require("node:net").createServer((socket) => socket.end(socket.remoteAddress)).listen(7, process.argv[1], () => console.log("ready"))`;

function output(command: readonly string[]): string {
  const [program = "", ...args] = command;
  return execFileSync(program, args, { encoding: "utf8" });
}

/** What the server sees of a node that binds one of its addresses. */
async function seenFrom(localAddress: string, host: string): Promise<string> {
  const socket = connect({ host, port: 7, localAddress });
  const [bytes] = await once(socket, "data");
  socket.destroy();
  return String(bytes);
}

/** proc_pid_stat(5): the fifth; behind the name, which may have spaces in it, the third. */
function processGroupOf(pid: string): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2];
}

const network = await makeRoomNetwork({ link });
const [, holder] = /\/proc\/(\d+)\//.exec(network.enter.join(" ")) ?? [];
const isApart = holder !== undefined && processGroupOf(holder) !== processGroupOf("self");
const [program = "", ...args] = [
  ...network.enter,
  ...[process.execPath, "-e", echo, formatIpv4(network.server)],
];
const server = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
await once(server.stdout, "data");
const seen = [];
for (const node of ["10.13.128.1", "10.13.200.3", "10.13.255.254"]) {
  seen.push(await seenFrom(node, formatIpv4(network.server)));
}
const tc = ["tc", "-json", "qdisc", "show"];
const shaped = {
  nodes: JSON.parse(output(tc)),
  server: JSON.parse(output([...network.enter, ...tc, "dev", network.interfaceName])),
};
const rules = link?.loss === undefined ? "" : output([...network.enter, "nft", "list", "ruleset"]);
server.kill();
await once(server, "exit");
await network[Symbol.asyncDispose]();
const left = output(["ip", "-json", "-4", "route", "show", "table", "all"]);
process.stdout.write(
  JSON.stringify({ seen, shaped, rules, isApart, left: left.includes("10.13.") }),
);
