import { basename, dirname } from "node:path";
import { UserError } from "../../user-error.ts";
import { mounts } from "../mounts.ts";
import { runTool } from "../tool.ts";

/** The data set that is mounted there. */
export function datasetAt(path: string): string | undefined {
  return mounts().findLast(({ point, type }) => point === path && type === "zfs")?.source;
}

/** zfs-clone(8): beside it in the pool, named as the place is but for what names of data sets cannot have. */
export async function cloneDataset(
  dataset: string,
  to: string,
  isReadOnly: boolean,
): Promise<void> {
  const name = basename(to).replaceAll("@", ":");
  const snapshot = `${dataset}@sidus-${name}`;
  await zfs("snapshot", snapshot);
  try {
    const options = ["-o", `mountpoint=${to}`, "-o", `readonly=${isReadOnly ? "on" : "off"}`];
    await zfs("clone", ...options, snapshot, `${dirname(dataset)}/${name}`);
  } catch (error) {
    await zfs("destroy", snapshot);
    throw error;
  }
}

async function zfs(...args: readonly string[]): Promise<void> {
  const { status, complaints } = await runTool({
    command: ["zfs", ...args],
    debian: "zfsutils-linux",
  });
  if (status === 0) return;
  throw new UserError(`zfs ${args.join(" ")}: ${complaints.at(-1) ?? "failed"}`, { exitCode: 1 });
}
