import process from "node:process";
import { Command } from "commander";
import { UserError } from "../user-error.ts";
import { architectureName } from "../watch/architecture.ts";
import { shortDigest, timeText } from "../watch/describe.ts";
import { type Asked, askServer, withServerOptions } from "./ask.ts";
import { type StatusNode, statusShape } from "./status-answer.ts";
import { historyText } from "./status-history.ts";
import { watchStatus } from "./status-watch.ts";
import { renderTable } from "./table.ts";

interface StatusOptions extends Asked {
  readonly watch?: true;
  /** True: of all nodes. */
  readonly history?: string | true;
}

export function statusCommand(): Command {
  return withServerOptions(new Command("status"))
    .description("Show what every node is doing, as the running server sees it.")
    .option(
      "-w, --watch",
      "go on, as it changes: a display on a terminal, otherwise a line a stage",
    )
    .option(
      "--history [node]",
      "how long boots took, by day and node; or the last boots of one node",
    )
    .addHelpText(
      "after",
      `
Exits with 1 when no server answers. sidus explain says more of one node. The server shows the same to browsers:
http:// and its address.

Example:
  sidus status --config /etc/sidus.yaml
  sidus status --watch
  sidus status --history 52:54:00:77:00:01`,
    )
    .action(status);
}

async function status(given: StatusOptions): Promise<void> {
  if (given.watch === true) {
    if (given.history !== undefined) throw new UserError("--watch and --history: one of them");
    return watchStatus(given);
  }
  const { history } = given;
  process.stdout.write(
    history === undefined
      ? await statusText(given)
      : await historyText(history === true ? undefined : history, given),
  );
}

/** @throws UserError */
export async function statusText(given: Asked): Promise<string> {
  const { body, read } = await askServer(given, "/status.json", statusShape);
  return given.json === true ? `${body}\n` : renderStatus(read.nodes);
}

function renderStatus(nodes: readonly StatusNode[]): string {
  if (nodes.length === 0) return "no node was heard since the server was started\n";
  return renderTable([
    ["NODE", "MAC", "ADDRESS", "FIRMWARE", "STAGE", "AFTER", "USUALLY", "LAST HEARD", "RUNS"],
    ...nodes.map((node) => [
      nameText(node),
      node.mac,
      node.address ?? "-",
      firmwareText(node),
      node.stage,
      afterText(node),
      usualText(node),
      `${timeText(node.lastHeardSecondsAgo * 1000)} ago`,
      runsText(node),
    ]),
  ]);
}

function nameText({ name, known }: StatusNode): string {
  return name ?? (known ? "-" : "unknown");
}

function firmwareText({ firmware, architecture }: StatusNode): string {
  const name = architecture === undefined ? "-" : architectureName(architecture);
  return firmware === "ipxe" ? `${name}, iPXE` : name;
}

function runsText({ tree = "", digest }: StatusNode): string {
  return digest === undefined ? tree : `${tree}, version ${shortDigest(digest)}`;
}

function afterText({ stage, seconds }: StatusNode): string {
  const after = seconds[stage];
  return after === undefined ? "-" : `${after.toFixed(1)} s`;
}

/** `41.0 s`, `41.0 s: slower`: until it is up, on other days. */
function usualText({ usual, slower }: StatusNode): string {
  if (usual === undefined) return "-";
  return `${usual.median.toFixed(1)} s${slower === true ? ": slower" : ""}`;
}
