import { Architecture, type NodeFacts } from "./facts.ts";

/** The file that firmware is to fetch first; undefined where there is none for its architecture yet. */
export function loaderFor(facts: NodeFacts): string | undefined {
  return facts.architecture === Architecture.BIOS ? "pxelinux.0" : undefined;
}
