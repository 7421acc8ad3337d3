import { Command } from "commander";
import { compareCommand } from "./storm/compare.ts";
import { type Given, planOf } from "./storm/plan.ts";
import { recordCommand, tracesCommand } from "./storm/record.ts";
import { runPlan, runPlanInside } from "./storm/run.ts";

export function stormCommand(): Command {
  return new Command("storm")
    .enablePositionalOptions()
    .description(
      "Boot hundreds of simulated nodes at once, against sidus in a private network or any servers, and measure it.",
    )
    .option("--nodes <n>", "how many nodes", "100")
    .option(
      "--trace <name>",
      "what each does: a shipped trace, or a file of storm record",
      "bios-tmpfs",
    )
    .option(
      "--arrival <how>",
      "when they are switched on: all, ramp:30s, poisson:5/s or racks:20,10s",
      "all",
    )
    .option(
      "--think <factor>",
      "what the nodes' own times are multiplied with; 0: as fast as answers come",
      "1",
    )
    .option("--skip <stages>", "stages to leave out: dhcp, loader, kernel, root, volume, up")
    .option("--seed <n>", "who the nodes are, and what is left to chance", "1")
    .option("--workers <n>", "threads of the load (default: processors less one)")
    .option("--patience <time>", "when a node gives up that nothing answers", "120s")
    .option("--title <title>", "what the report is called")
    .optionsGroup("Own server, in a private network:")
    .option("--tree <dir>", "serve this tree instead of one made as the trace needs it")
    .option(
      "--link <rate>",
      "what the server's network carries each way, on the wire: 100m, 1g, 10g (default: no limit)",
    )
    .option(
      "--latency <time>",
      "of that network, one way: 0.2ms; needs a kernel with netem, as Debian's",
    )
    .option("--loss <part>", "of the frames of that network, each way: 0.1%")
    .option(
      "--kill-server <time>",
      "kill the server then and start it again 2 s later; 10s,5s: 5 s later",
    )
    .optionsGroup("Other servers (any of these; those not named are left out):")
    .option("--dhcp <host[:port]>", "a DHCP server; it is asked as a relay asks, from port 67")
    .option("--tftp <host[:port]>", "a TFTP server")
    .option("--http <host[:port]>", "an HTTP server")
    .option(
      "--nfs <host[:port]>",
      "an NFS server; its portmapper is asked for MOUNT's port, and for NFS' where none is named; where there is no portmapper, MOUNT is at NFS' port",
    )
    .option("--mount-port <port>", "MOUNT's port there: with NFS' named, no portmapper is asked")
    .option("--nfs-path <path>", "what is mounted where no boot configuration says so")
    .option("--iscsi <host[:port]>", "an iSCSI server")
    .option(
      "--target <iqn>",
      "its target where no boot configuration says so; {name}, {mac} are the node's",
    )
    .option("--initiator <iqn>", "a node's name there, likewise")
    .option(
      "--addresses <cidr>",
      "addresses of this machine that nodes may use (default: they share one)",
    )
    .option(
      "--relay <address>",
      "address of this machine that DHCP servers answer (default: the one in their network)",
    )
    .option("--server-pid <pids>", "processes of the servers on this machine, to measure")
    .optionsGroup("What comes of it:")
    .option("-o, --output <file>", "write the report, one HTML file")
    .option("--json <file>", "write all that was measured as JSON; -: to standard output")
    .option(
      "--project <room>",
      "how long it would take elsewhere, simulated from this run: nodes=500,link=10g,servers=1, each server with its own link and share of the nodes, the machine as this one; may be given again",
      (room: string, before: readonly string[] = []) => [...before, room],
    )
    .addHelpText(
      "after",
      `
Without servers named, all runs in namespaces of its own: nothing on this machine is changed, and no root is needed.
Exits with 0 when all nodes came up, all that they received was right and the server was killed as asked for, 1 when
not, and 2 for wrong usage. Open files are limited (ulimit -n): 5,000 nodes need up to 21,024, and say so before they begin.

Example:
  sidus storm
  sidus storm --nodes 500 --arrival ramp:30s --output report.html
  sidus storm --link 1g --project nodes=500,link=10g --project nodes=5000,link=10g,servers=4
  sidus storm --trace bios-iscsi --kill-server 20s --json storm.json
  sidus storm --nfs 10.0.0.5 --nfs-path /srv/root --think 0 --nodes 20
  sidus storm compare before.json after.json --output change.html`,
    )
    .action(async (given: Given) => {
      await runPlan(await planOf(given));
    })
    .addCommand(compareCommand())
    .addCommand(recordCommand())
    .addCommand(tracesCommand());
}

/** Not for people: the part of a storm that runs in its own namespaces. */
export function stormInsideCommand(): Command {
  return new Command("storm-inside").argument("<plan>").action(runPlanInside);
}
