import { readFileSync } from "node:fs";
import { DESCRIPTORS_BESIDE, DESCRIPTORS_PER_NODE } from "../limits.ts";

/** What this process may have open at once, RLIMIT_NOFILE: Node takes all that it may, the hard limit, when it starts. */
export function descriptorsMax(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const [, soft = "unlimited"] = /^Max open files +(\S+)/m.exec(limits) ?? [];
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

/** For a server; undefined: all nodes that it knows can come. */
export function fewDescriptors(nodes: number, most = descriptorsMax()): string | undefined {
  const needed = nodes * DESCRIPTORS_PER_NODE + DESCRIPTORS_BESIDE;
  if (needed <= most) return undefined;
  return `${most} open files and connections are all that this process may have: ${nodes} nodes may need ${needed} (LimitNOFILE=, ulimit -n)`;
}
