import type { BootWords } from "./words.ts";

/** syslinux.cfg, https://wiki.syslinux.org/wiki/index.php?title=Config: keywords in either case, a directive a line. */
interface Label {
  readonly name: string;
  kernel: string | undefined;
  initrd: string | undefined;
  append: string | undefined;
  isDefault: boolean;
}

export function pxelinuxWords(text: string): BootWords | undefined {
  const { head, labels, chosen } = labelsOf(text);
  const named = labels.find(({ name }) => name === chosen);
  const marked = labels.find(({ isDefault }) => isDefault);
  // DEFAULT may name a kernel instead of a label, or the program that shows the menu.
  const menuOf = /\.c32$/i.test(chosen.split(/\s/)[0] ?? "") || chosen === "";
  if (named === undefined && marked === undefined && !menuOf)
    return wordsOf(commandOf(chosen), head);
  const label = named ?? marked ?? labels.find(({ kernel }) => kernel !== undefined);
  return label === undefined ? undefined : wordsOf(label, head);
}

function labelsOf(text: string): { head: Label; labels: Label[]; chosen: string } {
  const head = labelNamed("");
  const labels: Label[] = [];
  let chosen = "";
  let isHelp = false;
  for (const line of text.split(/\r?\n/)) {
    const [, word = "", rest = ""] = /^\s*(\S+)\s*(.*?)\s*$/.exec(line) ?? [];
    const keyword = word.toLowerCase();
    if (isHelp || (keyword === "text" && /^help\b/i.test(rest))) {
      isHelp = keyword !== "endtext";
    } else if (keyword === "label") labels.push(labelNamed(rest));
    else if (keyword === "ontimeout" || (keyword === "default" && chosen === "")) chosen = rest;
    else directive(labels.at(-1) ?? head, keyword, rest);
  }
  return { head, labels, chosen };
}

function labelNamed(name: string): Label {
  return { name, kernel: undefined, initrd: undefined, append: undefined, isDefault: false };
}

function directive(label: Label, keyword: string, rest: string): void {
  switch (keyword) {
    case "kernel":
    case "linux":
      label.kernel = rest;
      break;
    case "initrd":
      label.initrd = rest;
      break;
    case "append":
      label.append = rest;
      break;
    case "menu":
      if (/^default$/i.test(rest)) label.isDefault = true;
  }
}

/** `vmlinuz initrd=initrd.img ro`, as it may be typed at the prompt. */
function commandOf(line: string): Label {
  const [kernel = "", ...words] = line.split(/\s+/);
  return { ...labelNamed(""), kernel, append: words.join(" ") };
}

/** `APPEND -`: not the one for all. `initrd=` in it is the loader's; the kernel sees it too. */
function wordsOf(label: Label, head: Label): BootWords | undefined {
  const { kernel } = label;
  if (kernel === undefined || /\.(?:c32|com|cbt|0|bin|bs|bss|img)$/i.test(kernel)) return undefined;
  const own = label.append ?? head.append ?? "";
  const commandLine = own === "-" ? "" : own;
  const named = /(?:^|\s)initrd=(\S+)/.exec(commandLine)?.[1];
  const initrd = (label.initrd ?? named)?.split(",")[0];
  return {
    kernel: plain(kernel),
    ...(initrd === undefined ? {} : { initrd: plain(initrd) }),
    commandLine,
  };
}

/** `::path`: below the TFTP server's root, wherever PXELINUX itself is. */
function plain(name: string): string {
  return name.replace(/^::\/?/, "/");
}
