import { execFileSync } from "node:child_process";
import { UserError } from "../../user-error.ts";

/** The demonstration's network: inside a namespace of its own, so that nothing of the host is touched or heard. */
export const demoNetwork = {
  bridge: "sidus0",
  address: "10.13.20.1",
  prefix: 24,
  range: "10.13.20.101-10.13.20.250",
} as const;

export interface DemoNode {
  readonly name: string;
  readonly mac: string;
  readonly address: string;
  readonly tap: string;
}

export function demoNodes(count: number): DemoNode[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `node${index + 1}`,
    mac: `52:54:00:13:20:${(index + 1).toString(16).padStart(2, "0")}`,
    address: `10.13.20.${10 + index + 1}`,
    tap: `tap${index + 1}`,
  }));
}

/** A bridge with the server's address, and one TAP a node on it. */
export function makeNetwork(nodes: readonly DemoNode[]): void {
  const { bridge, address, prefix } = demoNetwork;
  ip("link", "set", "lo", "up");
  ip("link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0");
  ip("addr", "add", `${address}/${prefix}`, "brd", "+", "dev", bridge);
  ip("link", "set", bridge, "up");
  for (const { tap } of nodes) {
    ip("tuntap", "add", tap, "mode", "tap");
    ip("link", "set", tap, "master", bridge, "up");
  }
}

function ip(...args: string[]): void {
  try {
    execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
    throw new UserError(
      `cannot make the demonstration's network: ip ${args.join(" ")}: ${said}; \`sidus doctor demo\` says what is missing`,
      { cause },
    );
  }
}
