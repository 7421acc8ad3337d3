import { STORM_NAMED_FILES_MAX } from "../../limits.ts";
import type { FileDeed } from "../trace/trace.ts";
import type { Event } from "./event.ts";
import type { Fetched } from "./fetched.ts";

/** What files are to the node that fetched them: by what DHCP named and what configurations say, else by their names. */
export function withRoles(
  all: readonly Fetched[],
  bootFiles: readonly string[],
  templateOf: (path: string) => string,
): Event[] {
  const texts = all.flatMap(({ text }) => text ?? []);
  const named: Named = {
    loaders: new Set(bootFiles.map(plain)),
    kernels: namedIn(texts, kernelsIn),
    initrds: namedIn(texts, initrdsIn),
  };
  return all.map((fetched) => {
    const { sentAt, endedAt, deed } = fetched;
    const role = roleOf(fetched, named);
    return { sentAt, endedAt, deed: { ...deed, path: templateOf(deed.path), role } };
  });
}

/** What DHCP and configurations name. */
interface Named {
  readonly loaders: ReadonlySet<string>;
  readonly kernels: readonly string[];
  readonly initrds: readonly string[];
}

function roleOf({ deed, text }: Fetched, { loaders, kernels, initrds }: Named): FileDeed["role"] {
  const path = plain(deed.path);
  if (loaders.has(path)) return "loader";
  if (isConfigName(path) || (text !== undefined && namesKernel(text))) return "config";
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (initrds.some((file) => file.endsWith(name))) return "initrd";
  if (kernels.some((file) => file.endsWith(name))) return "kernel";
  if (/^(?:initrd|initramfs)/.test(name)) return "initrd";
  return /^(?:vmlinuz|bzImage|linux)/.test(name) ? "kernel" : "other";
}

/** Without the server and the slash in front. */
function plain(file: string): string {
  return file.replace(/^(?:https?|tftp):\/\/[^/]*/i, "").replace(/^\/+/, "");
}

function isConfigName(path: string): boolean {
  return /(?:^|\/)pxelinux\.cfg\/|\.ipxe(?:\?|$)|(?:^|\/)grub[^/]*\.cfg/.test(path);
}

/** PXELINUX `KERNEL`, `LINUX`; GRUB `linux`, `linuxefi`; iPXE `kernel`: with what they boot behind. */
const KERNEL_LINE = /^[ \t]*(?:kernel|linux(?:efi|16)?)[ \t]+(?:-\S+[ \t]+)*(\S+)/gim;
const INITRD_LINE = /^[ \t]*initrd(?:efi|16)?[ \t]+(.*)$|\binitrd=(\S+)/gim;

function namesKernel(text: string): boolean {
  return text.search(KERNEL_LINE) >= 0;
}

/** Each once, and no more than any room has. */
function namedIn(
  texts: readonly string[],
  filesIn: (text: string) => readonly string[],
): readonly string[] {
  const named = new Set<string>();
  for (const file of texts.values().flatMap(filesIn)) {
    if (named.size === STORM_NAMED_FILES_MAX) break;
    if (file !== "") named.add(file);
  }
  return [...named];
}

function kernelsIn(text: string): string[] {
  return [...text.matchAll(KERNEL_LINE)].map(([, file = ""]) => file);
}

function initrdsIn(text: string): string[] {
  return [...text.matchAll(INITRD_LINE)].flatMap(([, files = "", file = ""]) => [
    ...files.split(/[\s,]+/),
    ...file.split(","),
  ]);
}
