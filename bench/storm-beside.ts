import { once } from "node:events";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { debianTree } from "../test/e2e/debian.ts";
import { networkCard, startQemu } from "../test/e2e/qemu.ts";
import { openRoom, type Room } from "../test/e2e/served-room.ts";
import { renderTable } from "./table.ts";

/**
 * How much longer a real node takes to boot beside simulated ones: a QEMU node alone, then one that is switched on with a
 * storm, against the same server. `node bench/storm-beside.ts --help`, as root.
 */

const options = new Command()
  .option("--nodes <count>", "simulated, beside the real one", "50")
  .option("--think <factor>", "of the simulated nodes' own times", "1")
  .parse()
  .opts<{ nodes: string; think: string }>();

const WANTED = 1.5;
const BOOT_MS = 1_200_000;
const node = { mac: "52:54:00:13:20:01", name: "node1", ip: "10.13.20.11" };
const [relay, simulated] = ["10.13.20.2", "10.13.20.128/25"];
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

await using room = await openRoom({
  exports: { room: { source: await debianTree() } },
  dhcp: { range: "10.13.20.128-10.13.20.254" },
  boot: { labels: { tmpfs: { append: "console=ttyS0,115200 mitigations=off" } } },
  nodes: [node],
});
room.addPort(node.name);
room.namespace.run("ip", "addr", "add", `${relay}/32`, "dev", "lo");
room.namespace.run("ip", "route", "add", "local", simulated, "dev", "lo");
await room.start();
const alone = await boot(room);
const storm = room.namespace.spawn(process.execPath, [main, ...stormArguments(room)], {
  stdio: ["ignore", "ignore", "pipe"],
});
let said = "";
storm.stderr?.on("data", (bytes: Buffer) => {
  said += bytes.toString();
});
const stormEnded = once(storm, "close");
const beside = await boot(room);
const [code] = await stormEnded;
if (code !== 0) throw new Error(`the storm: ${said}`);
process.stdout.write(
  `${renderTable([
    ["a QEMU node to multi-user, s", "alone", `beside ${options.nodes}`, "ratio", "wanted"],
    ["", alone.toFixed(1), beside.toFixed(1), (beside / alone).toFixed(2), `at most ${WANTED}`],
  ])}`,
);

/** Seconds from its power switch until it said that it is up. */
async function boot({ namespace, get }: Room): Promise<number> {
  const started = performance.now();
  await using machine = startQemu(namespace, ["-m", "1024", ...networkCard(node.name, node.mac)]);
  while (!machine.console().includes(`${node.name} runs `)) {
    if (machine.hasEnded() || performance.now() - started > BOOT_MS) {
      throw new Error(`${machine.console()}\n${get("/status.json")}`);
    }
    await setTimeout(100);
  }
  return (performance.now() - started) / 1000;
}

function stormArguments({ server }: Room): string[] {
  const servers = ["--dhcp", "--tftp", "--http", "--nfs"].flatMap((flag) => [flag, server]);
  const places = ["--addresses", simulated, "--relay", relay];
  return ["storm", "--nodes", options.nodes, "--think", options.think, ...servers, ...places];
}
