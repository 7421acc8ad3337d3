import type { Command } from "commander";
import { someOf, type Version } from "../../image/store/store.ts";
import { shortOf } from "../../image/store/versions.ts";
import { systemClock } from "../../net/clock.ts";
import { checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { renderTable } from "../table.ts";
import { type ImageArguments, megabytes, print, remedies, storeOf, subcommand } from "./shared.ts";

export function listCommand(): Command {
  const help = `
Nodes are those that the server saw using a version; one that was not seen for a week does not count.

Example:
  sidus image list room`;
  return subcommand("list", help)
    .description("List images, the newest version first.")
    .argument("[name]", "only this image")
    .action((name: string | undefined, given: ImageArguments) =>
      mendable(remedies, () => list(name, given)),
    );
}

async function list(name: string | undefined, given: ImageArguments): Promise<void> {
  if (name !== undefined) checkName(name);
  const store = storeOf(given);
  const now = systemClock.epochMs();
  const names = name === undefined ? await store.names() : [name];
  const found = (await Promise.all(names.map((one) => store.versions(one, now)))).flat();
  if (name !== undefined && found.length === 0) throw store.noImage(name);
  print(given, found, renderList(found, store.directory));
}

function renderList(versions: readonly Version[], directory: string): string {
  if (versions.length === 0) {
    return `no images in ${directory}; sidus image seal NAME DIRECTORY makes one\n`;
  }
  const isSigned = versions.some((one) => one.signer !== undefined);
  const signedBy = (text: string): string[] => (isSigned ? [text] : []);
  const head = [
    "NAME",
    "VERSION",
    "",
    "SIZE",
    "SEALED (UTC)",
    "KERNEL",
    ...signedBy("SIGNED BY"),
    "NODES",
  ];
  const rows = versions.map((one) => [
    one.name,
    shortOf(one.digest),
    one.isCurrent ? "current" : "",
    megabytes(one.bytes),
    one.sealed.slice(0, 16).replace("T", " "),
    one.kernel ?? "-",
    ...signedBy(one.signer === undefined ? "-" : shortOf(one.signer)),
    one.nodes.length === 0 ? "-" : someOf(one.nodes, 3),
  ]);
  return renderTable([head, ...rows]);
}
