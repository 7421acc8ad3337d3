import type { InterfaceAddress } from "../net/interfaces.ts";
import { complaintOf } from "./complaint.ts";
import type { Config } from "./config.ts";
import { resolveConfig } from "./resolve.ts";
import { schema } from "./schema.ts";
import { type Advice, readSource } from "./source.ts";

const advice: Advice = {
  absent: "name the configuration with --config FILE",
  keys: "see README, sidus.yaml, for those there are",
};

/**
 * Reads sidus.yaml against the addresses that this machine has.
 * @throws UserError naming file, line, key, what was expected and what was found.
 */
export function loadConfig(file: string, interfaces: readonly InterfaceAddress[]): Config {
  const source = readSource(file, advice);
  const result = schema.safeParse(source.value);
  if (!result.success) throw complaintOf(source, result.error.issues);
  return resolveConfig(result.data, source, interfaces);
}
