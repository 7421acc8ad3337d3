import { formatIpv4 } from "../bytes/ipv4.ts";
import { unreachable } from "../bytes/unreachable.ts";
import { LOADER_RETRY_SECONDS, MESSAGE_SHOWN_SECONDS } from "../limits.ts";
import { instead, shown } from "./menu.ts";
import { isEfiProgram, type LocalDisk, type Menu, type Origin, type Plan } from "./plan.ts";

/**
 * GRUB's grub.cfg, for 2.06 as Debian makes and signs it: its network images have all modules that are used here but
 * HTTP. The firmware's console is shown, and where that goes is the firmware's matter.
 */
export function renderGrub(menu: Menu, origin: Origin): string {
  const plans = menu.plans.map(writable);
  const entries = plans.flatMap((plan) => [
    "",
    `menuentry ${quoted(plan.label)} --id ${quoted(plan.label)} {`,
    ...commands(plan).map((line) => `  ${line}`),
    "}",
  ]);
  // By its place: a label of digits would be taken for one.
  const timeout = ["set default=0", `set timeout=${menu.seconds}`];
  const style = menu.seconds === 0 ? ["set timeout_style=hidden"] : [];
  return [...timeout, ...style, "", ...source(origin), ...common, ...entries, ""].join("\n");
}

/** GRUB's HTTP knows no port but 80. It is a module to be loaded, which Secure Boot forbids. */
function source({ server, httpPort, http }: Origin): string[] {
  const address = formatIpv4(server);
  const tftp = `set from='(tftp,${address})'`;
  if (!http || httpPort !== 80) return [tftp];
  const load = `if insmod http; then set from='(http,${address})'; fi`;
  return [tftp, `if [ "$lockdown" != y ]; then ${load}; fi`];
}

/**
 * Firmware that GRUB exits to takes that as a success, and some then shows its setup: what is installed on the disks is
 * looked for instead. A system's own loader comes before the removable one, which may change the order of boot devices.
 * After a command that failed GRUB would show its menu, for ever.
 */
const common = `
# The network card that it was booted from, as PXELINUX says it.
regexp -s 1:a -s 2:b -s 3:c -s 4:d -s 5:e -s 6:f '^(..):(..):(..):(..):(..):(..)$' "$net_default_mac"
if [ -n "$f" ]; then set bootif="BOOTIF=01-$a-$b-$c-$d-$e-$f"; fi

set arch=x64
if [ "$grub_cpu" = arm64 ]; then set arch=aa64; fi
if [ "$grub_cpu" = i386 ]; then set arch=ia32; fi

function start_efi {
  if [ "$grub_platform" = efi ]; then
    for loader in $1/EFI/*/shim$arch.efi $1/EFI/*/grub$arch.efi $1/EFI/BOOT/boot$arch.efi; do
      if [ -e "$loader" ]; then
        # What is started looks for its own files on the device that root names.
        regexp --set=1:root '^\\((.*)\\)/' "$loader"
        if chainloader "$loader"; then boot; fi
      fi
    done
  fi
}

function start_bios {
  if [ "$grub_platform" = pc ]; then
    set root="$1"
    if chainloader +1; then boot; fi
  fi
}

function next_device {
  start_efi '(hd*,*)'
  exit
}

function again {
  echo 'sidus: this did not work; the node starts again in ${LOADER_RETRY_SECONDS} seconds'
  sleep --interruptible ${LOADER_RETRY_SECONDS}
  reboot
}`.split("\n");

function commands(plan: Plan): string[] {
  switch (plan.kind) {
    case "linux":
      return linux(plan.kernel, [plan.initrd], `${argumentsOf(plan.commandLine)} $bootif`);
    case "program":
      return program(plan);
    case "local":
      return plan.from === undefined ? ["next_device"] : local(plan.from);
    case "message":
      return [
        `echo ${quoted(shown(plan.message))}`,
        `sleep --interruptible ${MESSAGE_SHOWN_SECONDS}`,
        "next_device",
      ];
    default:
      return unreachable(plan);
  }
}

function linux(kernel: string, initrds: readonly string[], words: string): string[] {
  const boot =
    initrds.length === 0
      ? ["  boot"]
      : [`  if initrd ${initrds.map((name) => `"$from/${name}"`).join(" ")}; then boot; fi`];
  return [`if linux "$from/${kernel}" ${words}; then`, ...boot, "fi", "again"];
}

function program(plan: Extract<Plan, { kind: "program" }>): string[] {
  const words = argumentsOf(plan.commandLine);
  if (!isEfiProgram(plan.program)) return linux(plan.program, plan.initrds, words);
  const line = `"$from/${plan.program}" ${words}`.trimEnd();
  return [`if chainloader ${line}; then boot; fi`, "again"];
}

/** GRUB counts disks from 0 and partitions from 1. */
function local({ disk, partition }: LocalDisk): string[] {
  const whole = `hd${disk - 1}`;
  return [
    `start_efi '(${whole},${partition ?? "*"})'`,
    `start_bios '(${partition === undefined ? whole : `${whole},${partition}`})'`,
    `echo ${quoted(shown("nothing to start there"))}`,
    "again",
  ];
}

function writable(plan: Plan): Plan {
  if (plan.kind !== "linux" && plan.kind !== "program") return plan;
  if (!/['\\]/.test(plan.commandLine)) return plan;
  return instead(plan, "GRUB cannot hand over apostrophes and backslashes to a kernel");
}

/** Words as a kernel splits them: GRUB puts quotes of its own around those that have blanks in them. */
function argumentsOf(commandLine: string): string {
  const words = commandLine.match(/(?:[^\s"]|"[^"]*(?:"|$))+/g) ?? [];
  return words.map((word) => quoted(word.replaceAll('"', ""))).join(" ");
}

/** Nothing is special between apostrophes, and an apostrophe stands outside of them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
