import type { Command } from "./command.ts";
import { cut, joined } from "./parts.ts";

/** What the CDB says is sent, in one piece; undefined where less came. */
export function parameterList(command: Command, length: number): Uint8Array | undefined {
  if (command.dataOutBytes < length) return undefined;
  return joined(cut(command.dataOut, 0, length));
}
