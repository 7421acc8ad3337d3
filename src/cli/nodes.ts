import process from "node:process";
import { Command, Option } from "commander";
import { httpOrigin } from "../bytes/http-origin.ts";
import { formatMac, parseMac } from "../bytes/mac.ts";
import type { Config, NodeConfig } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { interfaceAddresses } from "../net/interfaces.ts";
import { UserError } from "../user-error.ts";
import { askServer, CONFIG } from "./ask.ts";
import { check } from "./check.ts";
import { mendable, type Remedies } from "./mendable.ts";
import { type Changed, changeConfig } from "./nodes/change.ts";
import { formatDnsmasq } from "./nodes/dnsmasq.ts";
import { addEntries, flow, removeEntry, type WrittenEntry } from "./nodes/edit.ts";
import { entryOf, type Note } from "./nodes/host.ts";
import { type Format, formats, readHosts, withoutDuplicates } from "./nodes/import.ts";
import { formatIsc } from "./nodes/isc.ts";
import { joined, renderNodes } from "./nodes/list.ts";
import { type StatusNode, statusShape } from "./status-answer.ts";

interface NodesArguments {
  readonly config: string;
  readonly json?: true;
}

interface AddArguments extends NodesArguments {
  readonly name?: string;
  readonly ip?: string;
  readonly label?: string;
}

interface ImportArguments extends NodesArguments {
  readonly format?: Format;
  readonly write?: true;
}

export function nodesCommand(): Command {
  return new Command("nodes")
    .description("The nodes: list, name, forget them; import and export them.")
    .addCommand(listCommand())
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addCommand(importCommand())
    .addCommand(exportCommand())
    .addHelpText(
      "after",
      `
Nodes are below \`nodes:\` in the configuration. A server that runs with it takes changes on at once.

Example:
  sidus nodes list --unknown`,
    );
}

function subcommand(name: string, help: string): Command {
  return new Command(name)
    .option("-c, --config <file>", "the configuration", CONFIG)
    .addHelpText("after", help);
}

function listCommand(): Command {
  const help = `
Without a running server, only what the configuration says.

Example:
  sidus nodes list --config /etc/sidus.yaml --json`;
  return subcommand("list", help)
    .description("List the nodes of the configuration, and those that the server heard besides.")
    .option("--unknown", "only those that the configuration does not name")
    .option("--json", "print the result as JSON")
    .action((given: NodesArguments & { unknown?: true }) => mendable(remedies, () => list(given)));
}

function addCommand(): Command {
  const help = `
Comments and the order of the configuration stay. What would be wrong with it is said before anything is changed.

Example:
  sudo sidus nodes add 52:54:00:77:00:01 --name n1 --ip 10.13.20.11`;
  return subcommand("add", help)
    .description("Name a node in the configuration.")
    .argument("<mac>", "its MAC address")
    .option("--name <name>", "its host name")
    .option("--ip <address>", "its address")
    .option("--label <label>", "what it boots instead of the default")
    .option("--json", "print the result as JSON")
    .action((mac: string, given: AddArguments) => mendable(remedies, () => add(mac, given)));
}

function removeCommand(): Command {
  return subcommand("rm", "\nExample:\n  sudo sidus nodes rm n1")
    .description("Take a node out of the configuration.")
    .argument("<node>", "its name, MAC address, UUID or serial number")
    .option("--json", "print the result as JSON")
    .action((node: string, given: NodesArguments) => mendable(remedies, () => remove(node, given)));
}

function importCommand(): Command {
  const help = `
Prints them as \`nodes:\` of a configuration, or writes them into one. What is not taken on is named by its line on
standard error. Exits with 1 when a node was left out.

Example:
  sudo sidus nodes import /etc/dnsmasq.conf --config /etc/sidus.yaml --write`;
  return subcommand("import", help)
    .description("Read nodes from a configuration of dnsmasq or of ISC's dhcpd.")
    .argument("<file>", "with `dhcp-host=` lines, or `host … { }` blocks")
    .addOption(formatOption("what the file is; seen from it, unless said"))
    .option("--write", "add them to the configuration")
    .option("--json", "print the result as JSON")
    .action((file: string, given: ImportArguments) =>
      mendable(remedies, () => importHosts(file, given)),
    );
}

function exportCommand(): Command {
  const help = `
Nodes that are known by UUID or serial number only become comments.

Example:
  sidus nodes export --format dnsmasq > /etc/dnsmasq.d/nodes.conf`;
  return subcommand("export", help)
    .description("Print the nodes for another DHCP server.")
    .addOption(formatOption("for which one").makeOptionMandatory())
    .action((given: NodesArguments & { format: Format }) => {
      const { nodes } = loadConfig(given.config, interfaceAddresses());
      process.stdout.write(given.format === "dnsmasq" ? formatDnsmasq(nodes) : formatIsc(nodes));
    });
}

function formatOption(description: string): Option {
  return new Option("--format <format>", description).choices(formats);
}

async function list(given: NodesArguments & { unknown?: true }): Promise<void> {
  const config = loadConfig(given.config, interfaceAddresses());
  const nodes = joined(config, await heardBy(config)).filter(
    (node) => given.unknown !== true || !node.known,
  );
  print(given, nodes, renderNodes(nodes));
}

/** Nobody, where no server answers: that is said. */
async function heardBy({ address, ports, file }: Config): Promise<readonly StatusNode[]> {
  const server = httpOrigin(address, ports.http);
  try {
    return (await askServer({ server }, "/status.json", statusShape)).read.nodes;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`no server answers at ${server}: this is what ${file} says\n`);
    return [];
  }
}

async function add(text: string, given: AddArguments): Promise<void> {
  const mac = parseMac(text);
  if (mac === undefined) {
    throw new UserError(`MAC: expected a MAC address as 52:54:00:77:00:01, found "${text}"`);
  }
  const { name, ip, label } = given;
  for (const [option, value] of Object.entries({ name, ip, label })) {
    check(value ?? "-", /^[\w.-]+$/, `--${option}`, "letters, digits, `.`, `_` and `-`");
  }
  const { nodes } = loadConfig(given.config, interfaceAddresses());
  const there = nodes.find((node) => node.mac === mac);
  if (there !== undefined) {
    throw new UserError(
      `${given.config}: ${text} is nodes[${there.entry}] already: change it there, or sidus nodes rm it first`,
      { exitCode: 1 },
    );
  }
  const entry: WrittenEntry = { mac: formatMac(mac), ...written({ name, ip, label }) };
  const changed = await changeConfig(given.config, (before) => addEntries(before, [entry]));
  tell(given, changed, `${name ?? formatMac(mac)}: is a node of ${given.config} now`);
}

/** Without what was not said. */
function written(values: Readonly<Record<string, string | undefined>>): WrittenEntry {
  const said = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return Object.fromEntries(said);
}

async function remove(text: string, given: NodesArguments): Promise<void> {
  const { nodes } = loadConfig(given.config, interfaceAddresses());
  const node = nodes.find((one) => isCalled(one, text));
  if (node === undefined) {
    throw new UserError(`${given.config}: names no node ${text}: sidus nodes list has them`, {
      exitCode: 1,
    });
  }
  const together = nodes.filter(({ entry }) => entry === node.entry).length;
  if (together > 1) {
    throw new UserError(
      `${given.config}: ${text} is one of ${together} nodes of a pattern, nodes[${node.entry}]: change that by hand`,
      { exitCode: 1 },
    );
  }
  const changed = await changeConfig(given.config, (before) => removeEntry(before, node.entry));
  tell(given, changed, `${text}: is no node of ${given.config} any more`);
}

function isCalled({ name, mac, uuid, serial }: NodeConfig, text: string): boolean {
  const names = [name, uuid, serial].map((one) => one?.toLowerCase());
  return names.includes(text.toLowerCase()) || (mac !== undefined && mac === parseMac(text));
}

async function importHosts(file: string, given: ImportArguments): Promise<void> {
  const isWritten = given.write === true;
  const existing = isWritten ? loadConfig(given.config, interfaceAddresses()).nodes : [];
  const { hosts, notes } = withoutDuplicates(await readHosts(file, given.format), existing);
  const entries = hosts.map(entryOf);
  sayNotes(file, notes);
  if (!isWritten) {
    const lines = entries.map((entry) => `  - ${flow(entry)}\n`).join("");
    print(
      given,
      { nodes: entries, notes },
      entries.length === 0 ? "nodes: []\n" : `nodes:\n${lines}`,
    );
  } else if (entries.length > 0) {
    const changed = await changeConfig(given.config, (before) => addEntries(before, entries));
    const nodes = entries.length === 1 ? "1 node is" : `${entries.length} nodes are`;
    tell(given, changed, `${nodes} added to ${given.config}`);
  } else print(given, { file: given.config, server: undefined }, "no nodes to add\n");
  if (notes.some((note) => note.isLost)) process.exitCode = 1;
}

function sayNotes(file: string, notes: readonly Note[]): void {
  for (const { line, text } of notes) process.stderr.write(`${file}:${line}: ${text}\n`);
}

/** What was changed, and whether the running server knows. */
function tell(given: NodesArguments, { server }: Changed, text: string): void {
  if (typeof server === "object") {
    process.stderr.write(`sidus: the running server did not take it on: ${server.error}\n`);
    process.exitCode = 1;
  }
  const known = {
    reloaded: ", and the running server knows",
    "not-running": "; no server runs with it",
  };
  const outcome = typeof server === "string" ? known[server] : "";
  print(given, { file: given.config, server }, `${text}${outcome}\n`);
}

function print({ json }: NodesArguments, data: unknown, text: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(data)}\n` : text);
}

const remedies: Remedies = {
  ENOENT: "name a file that is there",
  EISDIR: "name a file",
  EACCES: "run as root, or as the owner of the configuration",
  EPERM: "run as root, or as the owner of the configuration",
  EROFS: "the configuration's file system is read-only",
  ENOSPC: "make room there",
  EEXIST: "another command changes the configuration: try again",
};
