import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderGrub } from "../../src/boot/grub.ts";
import type { Menu, Plan } from "../../src/boot/plan.ts";
import { lackingOf, title } from "../needs.ts";
import {
  anyMenu,
  anyPlan,
  disk2,
  freebsd,
  installer,
  local,
  originWith,
  shell,
  stranger,
  tmpfs,
} from "./arbitrary-plans.ts";

function render(menu: Partial<Menu>, origin = originWith()): string {
  return renderGrub({ plans: [tmpfs], seconds: 0, ...menu }, origin);
}

/** What stands between an entry's braces. */
function entry(plan: Plan): string[] {
  const text = render({ plans: [plan] });
  const [, body = ""] = text.split(`menuentry '${plan.label}' --id '${plan.label}' {\n`);
  return body.replace(/\n}\n$/, "").split("\n");
}

describe("entries", () => {
  test("a kernel: by the path that serves it, with the card that was booted from", () => {
    expect(entry(tmpfs)).toEqual([
      `  if linux "$from/sidus@0123456789abcdef/boot/vmlinuz-6.1.0-56-amd64" 'root=/dev/nfs' 'ip=dhcp' 'ro' 'aufs=tmpfs' $bootif; then`,
      `    if initrd "$from/sidus@0123456789abcdef/boot/initrd.img-6.1.0-56-amd64"; then boot; fi`,
      "  fi",
      "  again",
    ]);
  });

  test("a kernel of any kind, and an EFI program", () => {
    expect(entry(installer)).toEqual([
      `  if linux "$from/tools/linux" 'priority=low'; then`,
      `    if initrd "$from/tools/initrd.gz" "$from/tools/firmware.gz"; then boot; fi`,
      "  fi",
      "  again",
    ]);
    expect(entry(shell)).toEqual([
      `  if chainloader "$from/tools/shellx64.efi"; then boot; fi`,
      "  again",
    ]);
  });

  test("the next disk, a disk and a partition: disks count from 0", () => {
    expect(entry(local)).toEqual(["  next_device"]);
    expect(entry(disk2).slice(0, 2)).toEqual(["  start_efi '(hd1,*)'", "  start_bios '(hd1)'"]);
    expect(entry(freebsd).slice(0, 2)).toEqual(["  start_efi '(hd0,3)'", "  start_bios '(hd0,3)'"]);
  });

  test("what is started on a disk is told that it comes from there", () => {
    expect(render({})).toContain(
      String.raw`regexp --set=1:root '^\((.*)\)/' "$loader"${"\n"}        if chainloader "$loader"; then boot; fi`,
    );
  });

  test("a message is shown for 30 s before the next device starts", () => {
    expect(entry(stranger)).toEqual([
      "  echo 'sidus: nobody knows this node; ask the administrator of this room to write it below nodes:'",
      "  sleep --interruptible 30",
      "  next_device",
    ]);
  });

  test("what GRUB would change on its way to the kernel is refused", () => {
    for (const commandLine of ["it's", String.raw`a\b`]) {
      expect(entry({ ...installer, commandLine })[0]).toBe(
        "  echo 'sidus: installer: GRUB cannot hand over apostrophes and backslashes to a kernel'",
      );
    }
  });
});

describe("where from", () => {
  test("HTTP where its module can be loaded: not under Secure Boot", () => {
    expect(render({})).toContain(
      `set from='(tftp,10.77.0.1)'\nif [ "$lockdown" != y ]; then if insmod http; then set from='(http,10.77.0.1)'; fi; fi\n`,
    );
  });

  test("TFTP where HTTP has another port than GRUB's", () => {
    for (const origin of [originWith({ httpPort: 8080 }), originWith({ http: false })]) {
      expect(render({}, origin)).toContain("set from='(tftp,10.77.0.1)'\n");
      expect(render({}, origin)).not.toContain("http,");
    }
  });
});

test("the menu: hidden at 0 s, its first entry boots", () => {
  expect(render({})).toMatch(/^set default=0\nset timeout=0\nset timeout_style=hidden\n/);
  expect(render({ plans: [local, tmpfs], seconds: 5 })).toMatch(
    /^set default=0\nset timeout=5\n\n/,
  );
});

test("words with blanks in them stay one: GRUB puts its own quotes around them", () => {
  const [line] = entry({ ...installer, commandLine: `foo="a  b" c="d e` });
  expect(line).toBe(`  if linux "$from/tools/linux" 'foo=a  b' 'c=d e'; then`);
});

const lacking = lackingOf("grub-script-check");

describe.skipIf(lacking)(title("grub-script-check", lacking), () => {
  function complaint(text: string): string {
    return spawnSync("grub-script-check", { input: text, encoding: "utf8" }).stderr;
  }

  test("finds what it is to find", () => {
    expect(complaint("menuentry 'a' {\n")).not.toBe("");
  });

  test("passes all kinds of entries", () => {
    const plans = [tmpfs, installer, shell, local, disk2, freebsd, stranger];
    expect(complaint(render({ plans, seconds: 5 }))).toBe("");
  });

  test("passes whatever names, arguments and messages say", () => {
    fc.assert(
      fc.property(anyMenu, (menu) => {
        expect(complaint(renderGrub(menu, originWith()))).toBe("");
      }),
      { numRuns: 60 },
    );
  });
});

test("a shell reads the words as they were written", () => {
  const plans = anyPlan.filter((plan) => plan.kind === "linux" || plan.kind === "message");
  fc.assert(
    fc.property(fc.array(plans, { minLength: 20, maxLength: 40 }), (several) => {
      const lines = several.map((plan) => entry(plan)[0] ?? "");
      const said = several.map((plan, index) =>
        plan.kind === "linux" && lines[index]?.startsWith("  if linux ") === true
          ? kernelWords(plan.commandLine)
          : [],
      );
      const script = lines
        .filter((line) => line.startsWith("  if linux "))
        .map((line) => line.replace(/^ {2}if linux "[^"]*"/, "printf '%s\\0'"))
        .map((line) => line.replace(/ \$bootif; then$/, " '' END"));
      const shown = spawnSync("sh", ["-c", script.join("\n")], { encoding: "utf8" });
      expect(shown.stderr).toBe("");
      const words = shown.stdout.split("\0").filter((word) => word !== "");
      expect(words.filter((word) => word !== "END")).toEqual(said.flat().filter(Boolean));
    }),
    { numRuns: 20 },
  );
});

/** As Linux' next_arg() does: blanks part words unless they stand between quotes, which belong to no word. */
function kernelWords(commandLine: string): string[] {
  const words = [""];
  let isQuoted = false;
  for (const character of commandLine) {
    if (character === '"') isQuoted = !isQuoted;
    else if (/\s/.test(character) && !isQuoted) words.push("");
    else words[words.length - 1] += character;
  }
  return words;
}
