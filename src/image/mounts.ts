import { readFileSync } from "node:fs";

export interface Mount {
  readonly point: string;
  /** `ext4`, `btrfs`, `proc`, … */
  readonly type: string;
  /** A device, a data set, a name. */
  readonly source: string;
}

/** What is mounted, in the order in which it was. proc(5), /proc/PID/mountinfo. */
export function mounts(): Mount[] {
  return parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue` */
export function parseMountinfo(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const point = before.split(" ")[4];
    const [type = "", source = ""] = after.split(" ");
    return point === undefined
      ? []
      : [{ point: unescaped(point), type, source: unescaped(source) }];
  });
}

/** Blanks, line feeds and backslashes are written as `\040`. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
