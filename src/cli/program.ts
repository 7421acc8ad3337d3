import process from "node:process";
import { Command, CommanderError } from "commander";
import { UserError } from "../user-error.ts";
import { buildCommand } from "./build.ts";
import { chrootCommand } from "./chroot.ts";
import { demoCommand, demoInsideCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { explainCommand } from "./explain.ts";
import { imageCommand } from "./image.ts";
import { mediumCommand } from "./medium.ts";
import { nodesCommand } from "./nodes.ts";
import { serveCommand } from "./serve.ts";
import { statusCommand } from "./status.ts";
import { stormCommand, stormInsideCommand } from "./storm.ts";
import { treeCommand } from "./tree.ts";
import { updateCommand } from "./update.ts";
import { version } from "./version.ts";
import { volumeCommand } from "./volume.ts";

/** Runs one command line; answers the exit code: 0, 1 (failed) or 2 (wrong usage, configuration or surroundings). */
export async function runCli(argv: readonly string[]): Promise<number> {
  const program = new Command("sidus")
    .description("Netboots a room of computers from one tree.")
    .version(version)
    // An option belongs to the command that it stands behind: a subcommand may have one of the same name.
    .enablePositionalOptions()
    .exitOverride()
    .addCommand(serveCommand())
    .addCommand(demoCommand())
    .addCommand(stormCommand())
    .addCommand(buildCommand())
    .addCommand(imageCommand())
    .addCommand(treeCommand())
    .addCommand(chrootCommand())
    .addCommand(updateCommand())
    .addCommand(volumeCommand())
    .addCommand(mediumCommand())
    .addCommand(nodesCommand())
    .addCommand(statusCommand())
    .addCommand(explainCommand())
    .addCommand(doctorCommand())
    .addCommand(demoInsideCommand(), { hidden: true })
    .addCommand(stormInsideCommand(), { hidden: true });
  for (const command of allBelow(program)) command.exitOverride();
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UserError) {
      process.stderr.write(`sidus: ${error.message}\n`);
      return error.exitCode;
    }
    // What had something to put in order has said so.
    if (error instanceof Error && error.name === "AbortError") {
      process.stderr.write("sidus: interrupted\n");
      return 1;
    }
    throw error;
  }
}

function allBelow(command: Command): Command[] {
  return command.commands.flatMap((below) => [below, ...allBelow(below)]);
}
