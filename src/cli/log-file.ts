import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { nowAsName } from "./now-as-name.ts";

/** One for each time that something is changed. The machine's, or an ordinary user's own. */
export function logFileOf(action: string, name: string): string {
  const state = process.env["XDG_STATE_HOME"] || join(homedir(), ".local/state");
  const directory = process.getuid?.() === 0 ? "/var/log/sidus" : join(state, "sidus");
  return join(directory, `${action}-${name}-${nowAsName()}.log`);
}
