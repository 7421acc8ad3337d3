import process from "node:process";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { LISTEN_SECONDS_MAX } from "../limits.ts";
import { UserError } from "../user-error.ts";
import { type Finding, findingsFor } from "./doctor-findings.ts";
import { interfaceToHear, listenFindings } from "./listen/listen.ts";
import { installMissing, type Purpose, purposes } from "./packages.ts";

interface DoctorArguments {
  readonly fix?: true;
  readonly json?: true;
  /** Seconds. */
  readonly listen?: number;
  readonly interface?: string;
  readonly probe?: true;
}

const LISTEN_SECONDS = 10;

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Say what is missing, blocked or already there, and the command that mends it.")
    .addArgument(
      new Argument("[purpose]", "what for (default: build, serve and demo)").choices(purposes),
    )
    .option("--fix", "install the Debian packages that are missing, as root")
    .option("--json", "print the findings as JSON")
    .addOption(
      new Option("--listen [seconds]", "name the DHCP servers, relays and proxies of the network")
        .preset(String(LISTEN_SECONDS))
        .argParser(readSeconds),
    )
    .option("--interface <name>", "where to listen (default: the only one)")
    .option("--probe", "while listening, ask as firmware does")
    .addHelpText(
      "after",
      `
Exits with 0 when nothing is missing or blocked, otherwise with 1.

--listen hears ports 67 and 68 for ${LISTEN_SECONDS} seconds, or as many as it is given, and sends nothing. With --probe
it sends two DHCPDISCOVERs, as UEFI and as BIOS firmware, from an invented MAC address; never a DHCPREQUEST, so that no
lease is taken.

Example:
  sidus doctor demo --fix
  sidus doctor --listen --probe --interface eth1`,
    )
    .action(doctor);
}

async function doctor(purpose: Purpose | undefined, given: DoctorArguments): Promise<void> {
  const wanted = purposesOf(purpose, given);
  if (given.fix === true) await installMissing(wanted);
  const present = wanted.length === 0 ? [] : findingsFor(wanted);
  const findings = [...present, ...(await heard(given))];
  process.stdout.write(
    given.json === true ? `${JSON.stringify(findings)}\n` : findings.map(renderFinding).join(""),
  );
  if (findings.some(({ state }) => state !== "ok")) process.exitCode = 1;
}

/** Who only listens need not hear of packages. */
function purposesOf(purpose: Purpose | undefined, given: DoctorArguments): readonly Purpose[] {
  if (purpose !== undefined) return [purpose];
  return given.listen === undefined ? ["build", "serve", "demo"] : [];
}

async function heard({ listen, interface: name, probe }: DoctorArguments): Promise<Finding[]> {
  if (listen === undefined) {
    if (name === undefined && probe === undefined) return [];
    throw new UserError("--interface and --probe go with --listen");
  }
  const on = interfaceToHear(name);
  const sends = probe === true ? "" : ", and sending nothing";
  process.stderr.write(`sidus: listening on ${on.name} for ${listen} s${sends}\n`);
  return listenFindings({
    on,
    ms: listen * 1000,
    probe: probe === true,
    report: (what, error) => process.stderr.write(`sidus: ${what}: ${String(error)}\n`),
  });
}

function readSeconds(text: string): number {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= LISTEN_SECONDS_MAX) return seconds;
  throw new InvalidArgumentError(`Seconds are expected, from 1 to ${LISTEN_SECONDS_MAX}.`);
}

export function renderFinding({ state, what, todo }: Finding): string {
  return `${state.padEnd(7)}  ${what}${todo === "" ? "" : `\n         → ${todo}`}\n`;
}
