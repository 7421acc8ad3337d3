import { unreachable } from "../bytes/unreachable.ts";
import { LOADER_RETRY_SECONDS, MESSAGE_SHOWN_SECONDS } from "../limits.ts";
import { firstOf, httpUrl, instead, MENU_TITLE, shown } from "./menu.ts";
import { isEfiProgram, type LocalDisk, type Menu, type Origin, type Plan } from "./plan.ts";

/**
 * PXELINUX's configuration (syslinux.cfg of 6.04). Without a menu the first plan is booted at once; Shift or Alt held
 * down gives a prompt for the others. A loader with HTTP (lpxelinux) fetches kernel and initrd by it.
 */
export function renderPxelinux(menu: Menu, origin: Origin): string {
  const plans = menu.plans.map(forBios);
  const first = firstOf({ ...menu, plans });
  const head = menu.seconds > 0 ? menuHead(first, menu.seconds) : plainHead(first);
  const labels = plans.flatMap((plan) => renderLabel(plan, origin, menu.seconds > 0));
  return [`DEFAULT ${first.label}`, ...head, ...labels, ""].join("\n");
}

function forBios(plan: Plan): Plan {
  if (plan.kind !== "program" || !isEfiProgram(plan.program)) return plan;
  return instead(plan, `${plan.program} is an EFI program, and this node's firmware is a BIOS`);
}

/** The help text of a message is to be read before its entry boots. */
function menuHead(first: Plan, seconds: number): string[] {
  const wait = first.kind === "message" ? Math.max(seconds, MESSAGE_SHOWN_SECONDS) : seconds;
  return ["UI menu.c32", "PROMPT 0", `TIMEOUT ${10 * wait}`, `MENU TITLE ${MENU_TITLE}`];
}

/** The time-out counts at the prompt only, which is also where PXELINUX ends when it cannot load a kernel. */
function plainHead(first: Plan): string[] {
  if (first.kind !== "message") return ["PROMPT 0", `TIMEOUT ${10 * LOADER_RETRY_SECONDS}`];
  return [`SAY ${shown(first.message)}`, "PROMPT 1", `TIMEOUT ${10 * MESSAGE_SHOWN_SECONDS}`];
}

function renderLabel(plan: Plan, origin: Origin, isMenu: boolean): string[] {
  const help = isMenu && plan.kind === "message" ? helpText(plan.message) : [];
  return ["", `LABEL ${plan.label}`, ...help, ...directives(plan, origin)];
}

function directives(plan: Plan, origin: Origin): string[] {
  const from = (name: string): string => (origin.http ? httpUrl(name, origin) : name);
  switch (plan.kind) {
    case "linux":
      return [
        `  KERNEL ${from(plan.kernel)}`,
        `  INITRD ${from(plan.initrd)}`,
        `  APPEND ${plan.commandLine}`,
        // BOOTIF. 1 or 3 would add an `ip=` that makes Debian 12's initramfs panic.
        "  IPAPPEND 2",
      ];
    case "program":
      return [
        `  KERNEL ${from(plan.program)}`,
        ...(plan.initrds.length === 0 ? [] : [`  INITRD ${plan.initrds.map(from).join(",")}`]),
        ...(plan.commandLine === "" ? [] : [`  APPEND ${plan.commandLine}`]),
      ];
    case "local":
      return plan.from === undefined ? ["  LOCALBOOT 0"] : chain(plan.from);
    case "message":
      return ["  LOCALBOOT 0"];
    default:
      return unreachable(plan);
  }
}

/** chain.c32 counts disks from 0 and partitions from 1. */
function chain({ disk, partition }: LocalDisk): string[] {
  const place = partition === undefined ? `hd${disk - 1}` : `hd${disk - 1} ${partition}`;
  return ["  COM32 chain.c32", `  APPEND ${place}`];
}

/** Shown below the menu while its entry is chosen; menu.c32 breaks no lines, and one that begins with ENDTEXT is the last. */
function helpText(message: string): string[] {
  const lines = shown(message).match(/\S{76}|\S.{0,75}(?=\s|$)/gu) ?? [];
  const safe = lines.map((line) => `    ${line.replace(/^endtext/i, "'$&'")}`);
  return ["  TEXT HELP", ...safe, "  ENDTEXT"];
}
