import { type StormStage, stormStages } from "../result.ts";
import type { Deed } from "../trace/trace.ts";

/** How far a node is. `waiting`: not switched on; `started`: without an address yet. */
export const progresses = ["waiting", "started", ...stormStages] as const;
export type Progress = (typeof progresses)[number];

/** Which stage a deed is part of: what is left out with it. */
export function stageOf(deed: Deed): StormStage {
  switch (deed.kind) {
    case "dhcp":
      return "dhcp";
    case "tftp":
    case "http":
      return deed.role === "kernel" || deed.role === "initrd" ? "kernel" : "loader";
    case "portmap":
    case "mount":
    case "nfs":
      return "root";
    case "login":
    case "scsi":
      return "volume";
    case "up":
      return "up";
  }
}

/**
 * The stage that a node has reached with a deed, as the server's timeline has it (watch/timeline.ts): with a file when it is
 * asked for, with anything else when it is had.
 */
export function reachedBy(deed: Deed, when: "sending" | "end"): StormStage | undefined {
  if (deed.kind === "tftp" || deed.kind === "http")
    return when === "sending" && deed.ends !== "missing" ? stageOf(deed) : undefined;
  const isMark = deed.kind !== "portmap" && deed.kind !== "nfs" && deed.kind !== "scsi";
  return when === "end" && isMark ? stageOf(deed) : undefined;
}
