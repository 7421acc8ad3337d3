import { type NodeBoot, type Stage, stages } from "../../watch/timeline.ts";
import { loaderWaitMs, type Wait } from "../../watch/waits.ts";

/** One node in the display: its boot as far as the server saw it. Times are on performance.now()'s clock. */
export interface Row {
  readonly name: string;
  readonly address: string;
  readonly poweredOnAt: number;
  readonly boot: NodeBoot | undefined;
  /** How it ended, if it did before it was up. */
  readonly ended: string | undefined;
}

const shown: Record<Stage, string> = {
  dhcp: "DHCP",
  loader: "loader",
  kernel: "kernel",
  root: "root",
  volume: "volume",
  up: "up",
};

/** `node1  DHCP 2.3 → loader 18.3 (13.0 iPXE seeking IPv6 routers) → kernel 18.4 → root 43.5 → up 64.2 s` */
export function renderRow(row: Row, now: number): string {
  const parts = stages.flatMap((stage) => {
    const at = row.boot?.reached.get(stage);
    if (at === undefined) return [];
    const wait = stage === "loader" && row.boot !== undefined ? loaderWaitMs(row.boot) : undefined;
    return [`${shown[stage]} ${seconds(at - row.poweredOnAt)}${waitText(wait)}`];
  });
  const head = `${row.name}  ${row.address.padEnd(13)}`;
  if (row.boot?.stage === "up") return `${head} ${parts.join(" → ")} s`;
  const age = seconds(now - row.poweredOnAt);
  const tail =
    row.ended === undefined
      ? `… ${age} s${firmwareNote(row, now)}`
      : `✗ ${row.ended.replaceAll(/\s+/g, " ")}`;
  return `${head} ${[...parts, tail].join(" → ")}`;
}

function waitText(wait: Wait | undefined): string {
  return wait === undefined ? "" : ` (${seconds(wait.ms)} ${wait.why})`;
}

/** While it waits: why nothing seems to happen. */
function firmwareNote({ boot }: Row, now: number): string {
  if (boot === undefined) return ", firmware starting";
  if (boot.stage !== "dhcp" || boot.addressedAt === undefined || now - boot.addressedAt < 1500)
    return "";
  return boot.firmware === "ipxe" ? ", iPXE looks for IPv6 routers: some 15 s" : ", firmware waits";
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
