import { unreachable } from "../bytes/unreachable.ts";
import { LOADER_RETRY_SECONDS, MESSAGE_SHOWN_SECONDS } from "../limits.ts";
import { firstOf, httpUrl, instead, MENU_TITLE, shown } from "./menu.ts";
import { isEfiProgram, type LocalDisk, type Menu, type Origin, type Plan } from "./plan.ts";

/** iPXE's script, for the commands that Debian's iPXE of 2019 has. It fetches everything by HTTP. */
export function renderIpxe(menu: Menu, origin: Origin): string {
  const plans = menu.plans.map(writable);
  const first = firstOf({ ...menu, plans });
  const chosen = menu.seconds > 0 ? plans : [first];
  return [
    "#!ipxe",
    ...(menu.seconds > 0 ? choice(first, plans, menu.seconds) : []),
    ...chosen.flatMap((plan) => ["", `:label-${plan.label}`, ...commands(plan, origin)]),
    "",
    ":again",
    echo(`this did not work; the node starts again in ${LOADER_RETRY_SECONDS} seconds`),
    `sleep ${LOADER_RETRY_SECONDS}`,
    "reboot",
    "",
    ":next",
    `prompt --timeout ${1000 * MESSAGE_SHOWN_SECONDS} The next boot device starts in ${MESSAGE_SHOWN_SECONDS} seconds, or at any key ||`,
    "exit 1",
    "",
  ].join("\n");
}

/** Escape leaves the menu: the first boots. */
function choice(first: Plan, plans: readonly Plan[], seconds: number): string[] {
  return [
    `menu ${MENU_TITLE}`,
    ...plans.map((plan) => `item label-${plan.label} ${plan.label}`),
    `choose --timeout ${1000 * seconds} --default label-${first.label} chosen && goto \${chosen} ||`,
    `goto label-${first.label}`,
  ];
}

function commands(plan: Plan, origin: Origin): string[] {
  switch (plan.kind) {
    case "linux":
      return linux(plan.kernel, [plan.initrd], `${plan.commandLine} ${bootif}`, origin);
    case "program":
      if (!isEfiProgram(plan.program)) {
        return linux(plan.program, plan.initrds, plan.commandLine, origin);
      }
      return [
        `${`chain ${httpUrl(plan.program, origin)} ${plan.commandLine}`.trim()} || goto again`,
        "exit 1",
      ];
    case "local":
      return plan.from === undefined ? ["exit 1"] : local(plan.from);
    case "message":
      return [echo(plan.message), "goto next"];
    default:
      return unreachable(plan);
  }
}

/** `netX` is the network card that it boots from; said as PXELINUX says it. */
const bootif = `BOOTIF=01-\${netX/mac:hexhyp}`;

/** On UEFI the kernel itself fetches its initrds from iPXE, by the names in its command line; a BIOS' kernel passes over them. */
function linux(
  kernel: string,
  initrds: readonly string[],
  commandLine: string,
  origin: Origin,
): string[] {
  const names = initrds.map((_, index) => `initrd${index}`);
  const words = [...names.map((name) => `initrd=${name}`), commandLine].join(" ").trimEnd();
  return [
    `kernel ${httpUrl(kernel, origin)} ${words} || goto again`,
    ...initrds.map(
      (name, index) => `initrd --name ${names[index]} ${httpUrl(name, origin)} || goto again`,
    ),
    "boot || goto again",
  ];
}

/** A BIOS starts what the disk itself says; UEFI's iPXE can start no disk, but goes on to the firmware's next. */
function local({ disk, partition }: LocalDisk): string[] {
  const missing =
    partition === undefined
      ? []
      : [echo(`partition ${partition}: iPXE starts disks, no partitions of them`)];
  const drive = `0x${(0x80 + disk - 1).toString(16)}`;
  return [
    ...missing,
    `iseq \${platform} pcbios || exit 1`,
    `sanboot --no-describe --drive ${drive} || goto again`,
  ];
}

/** iPXE has no quotes: it puts its settings into a line, then takes it apart at blanks. */
const operator = /^(?:#.*|\|\||&&|;)$/;

function writable(plan: Plan): Plan {
  if (plan.kind !== "linux" && plan.kind !== "program") return plan;
  const words = plan.commandLine.split(/\s+/);
  if (!words.some((word) => operator.test(word) || word.includes("${"))) return plan;
  const these = "${, and words that begin with # or are ||, && or ;";
  return instead(plan, `iPXE cannot hand over to a kernel: ${these}`);
}

function echo(message: string): string {
  const words = shown(message).replaceAll("${", "$ {").split(/\s+/);
  return `echo ${words.map((word) => (operator.test(word) ? `"${word}"` : word)).join(" ")}`;
}
