import { once } from "node:events";
import type { Namespace } from "../../test/namespace.ts";
import type { IscsiServer } from "./load.ts";

/** Commands a second that libiscsi's `iscsi-perf` gets: 4 KiB random read, 32 deep. */
export async function iscsiPerf(
  namespace: Namespace,
  { address, port, target, lun }: IscsiServer,
  seconds: number,
): Promise<number> {
  const url = `iscsi://${address}:${port}/${target}/${lun}`;
  const flags = ["-r", "-m", "32", "-b", "8", "-t", String(Math.max(1, Math.round(seconds)))];
  const child = namespace.spawn("iscsi-perf", [...flags, url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  await once(child, "close");
  return averageOf(output);
}

/** The last that it says of many, each on top of the one before. */
export function averageOf(output: string): number {
  const said = [...output.matchAll(/iops average (\d+)/g)].at(-1)?.[1];
  if (said === undefined) throw new Error(`iscsi-perf: ${output}`);
  return Number(said);
}
