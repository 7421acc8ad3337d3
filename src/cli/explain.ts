import process from "node:process";
import { Command } from "commander";
import { parseIpv4 } from "../bytes/ipv4.ts";
import { formatMac, parseMac } from "../bytes/mac.ts";
import { loadConfig } from "../config/load.ts";
import { interfaceAddresses } from "../net/interfaces.ts";
import { UserError } from "../user-error.ts";
import { timeText } from "../watch/describe.ts";
import { type Asked, askServer, CONFIG, withServerOptions } from "./ask.ts";
import { type ExplanationShown, explanationShape } from "./explain-answer.ts";
import { statusShape } from "./status-answer.ts";

export function explainCommand(): Command {
  return withServerOptions(new Command("explain"))
    .description("Tell how far a node came, what it asked last, and why it goes no further.")
    .argument("<node>", "its MAC address; of who was heard, also its name or address")
    .addHelpText(
      "after",
      `
Tells from what the running server saw. Exits with 0 when it could be asked, otherwise with 1.

Example:
  sidus explain 52:54:00:77:00:01`,
    )
    .action(explain);
}

async function explain(node: string, given: Asked): Promise<void> {
  process.stdout.write(await explanationText(node, given));
}

/** @throws UserError */
export async function explanationText(node: string, given: Asked): Promise<string> {
  const mac = await macOf(node, given);
  const { body, read } = await askServer(given, `/explain.json?mac=${mac}`, explanationShape);
  return given.json === true ? `${body}\n` : renderExplanation(read);
}

export async function macOf(node: string, given: Asked): Promise<string> {
  const mac = parseMac(node);
  if (mac !== undefined) return formatMac(mac);
  const { read } = await askServer(given, "/status.json", statusShape);
  const found = read.nodes.find(({ name, address }) => name === node || address === node);
  const named = found?.mac ?? (given.server === undefined ? macInConfig(node, given) : undefined);
  if (named !== undefined) return named;
  throw new UserError(
    `${node}: no node of that name or address was heard; its MAC address finds it in any case, sidus status lists who was`,
    { exitCode: 1 },
  );
}

/** Who was never heard has a name there all the same. */
function macInConfig(node: string, { config = CONFIG }: Asked): string | undefined {
  const { nodes } = loadConfig(config, interfaceAddresses());
  const address = parseIpv4(node);
  const found = nodes.find(
    (one) => one.name === node || (address !== undefined && one.address === address),
  );
  return found?.mac === undefined ? undefined : formatMac(found.mac);
}

/** For people: who, the way so far, and why. */
function renderExplanation(shown: ExplanationShown): string {
  const { mac, name, address, condition, heard, cause, advice, quirk, way } = shown;
  const who = [name, mac, address].filter((part) => part !== undefined).join("  ");
  const lines = [`${who}: ${condition === "aside" ? "on its own" : condition}`];
  for (const { seconds, what, times } of way) {
    const again = times === 1 ? "" : ` (${times} times)`;
    lines.push(`  ${seconds.toFixed(2).padStart(8)} s  ${what}${again}`);
  }
  if (heard !== undefined) {
    lines.push(`Last heard ${timeText(heard.secondsAgo * 1000)} ago: ${heard.what}`);
  }
  lines.push(cause);
  if (advice !== undefined) lines.push(`→ ${advice}`);
  if (quirk !== undefined) {
    lines.push(`Known as ${quirk.id}, of ${quirk.firmware}: ${quirk.symptom}.`);
    lines.push(`  ${quirk.treatment}; see ${quirk.source.join(", ")}`);
  }
  return `${lines.join("\n")}\n`;
}
