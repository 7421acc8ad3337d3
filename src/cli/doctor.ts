import process from "node:process";
import { Argument, Command } from "commander";
import { type Finding, findingsFor } from "./doctor-findings.ts";
import { installMissing, type Purpose, purposes } from "./packages.ts";

interface DoctorArguments {
  readonly fix?: true;
  readonly json?: true;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Say what is missing, blocked or already there, and the command that mends it.")
    .addArgument(
      new Argument("[purpose]", "what for (default: build, serve and demo)").choices(purposes),
    )
    .option("--fix", "install the Debian packages that are missing, as root")
    .option("--json", "print the findings as JSON")
    .addHelpText(
      "after",
      `
Exits with 0 when nothing is missing or blocked, otherwise with 1.

Example:
  sidus doctor demo --fix`,
    )
    .action(doctor);
}

async function doctor(purpose: Purpose | undefined, given: DoctorArguments): Promise<void> {
  const wanted: readonly Purpose[] = purpose === undefined ? ["build", "serve", "demo"] : [purpose];
  if (given.fix === true) await installMissing(wanted);
  const findings = findingsFor(wanted);
  process.stdout.write(
    given.json === true ? `${JSON.stringify(findings)}\n` : findings.map(renderFinding).join(""),
  );
  if (findings.some(({ state }) => state !== "ok")) process.exitCode = 1;
}

export function renderFinding({ state, what, todo }: Finding): string {
  return `${state.padEnd(7)}  ${what}${todo === "" ? "" : `\n         → ${todo}`}\n`;
}
