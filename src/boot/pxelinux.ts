import { unreachable } from "../bytes/unreachable.ts";
import type { Plan } from "./plan.ts";

/**
 * PXELINUX's configuration: the first plan is booted at once; Shift or Alt held down gives a prompt for the others.
 * IPAPPEND 2 adds BOOTIF. 1 or 3 would add an `ip=` that makes Debian 12's initramfs panic.
 */
export function renderPxelinux(plans: readonly Plan[]): string {
  const first = plans[0];
  if (first === undefined) throw new RangeError("no plan to render");
  const says = first.kind === "message" ? [`SAY sidus: ${first.message}`] : [];
  return [`DEFAULT ${first.label}`, "PROMPT 0", ...says, ...plans.flatMap(renderLabel), ""].join(
    "\n",
  );
}

function renderLabel(plan: Plan): string[] {
  const head = ["", `LABEL ${plan.label}`];
  switch (plan.kind) {
    case "linux":
      return [
        ...head,
        `  KERNEL ${plan.kernel}`,
        `  INITRD ${plan.initrd}`,
        `  APPEND ${plan.commandLine}`,
        "  IPAPPEND 2",
      ];
    case "local":
    case "message":
      return [...head, "  LOCALBOOT 0"];
    default:
      return unreachable(plan);
  }
}
