import type { KnownNode } from "../../src/boot/inventory.ts";

/** A node of which nothing is written but this. */
export function node(change: Partial<KnownNode>): KnownNode {
  return {
    mac: undefined,
    uuid: undefined,
    serial: undefined,
    name: undefined,
    address: undefined,
    label: undefined,
    loader: undefined,
    append: undefined,
    volume: undefined,
    ...change,
  };
}
