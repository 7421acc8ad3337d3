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
  return all.map((fetched) => {
    const { sentAt, endedAt, deed } = fetched;
    const role = roleOf(fetched, bootFiles, texts);
    return { sentAt, endedAt, deed: { ...deed, path: templateOf(deed.path), role } };
  });
}

function roleOf(
  { deed, text }: Fetched,
  bootFiles: readonly string[],
  texts: readonly string[],
): FileDeed["role"] {
  const path = plain(deed.path);
  if (bootFiles.some((file) => plain(file) === path)) return "loader";
  if (isConfigName(path) || (text !== undefined && namesKernel(text))) return "config";
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (texts.some((config) => isInitrdIn(config, name))) return "initrd";
  if (texts.some((config) => isKernelIn(config, name))) return "kernel";
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

function isKernelIn(text: string, name: string): boolean {
  return [...text.matchAll(KERNEL_LINE)].some(([, file = ""]) => file.endsWith(name));
}

function isInitrdIn(text: string, name: string): boolean {
  return [...text.matchAll(INITRD_LINE)]
    .flatMap(([, files = "", file = ""]) => [...files.split(/[\s,]+/), ...file.split(",")])
    .some((file) => file !== "" && file.endsWith(name));
}
