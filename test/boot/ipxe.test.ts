import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderIpxe } from "../../src/boot/ipxe.ts";
import type { Plan } from "../../src/boot/plan.ts";
import {
  anyMenu,
  disk2,
  freebsd,
  installer,
  local,
  originWith,
  shell,
  stranger,
  tmpfs,
} from "./arbitrary-plans.ts";

const end = `
:again
echo sidus: this did not work; the node starts again in 15 seconds
sleep 15
reboot

:next
prompt --timeout 30000 The next boot device starts in 30 seconds, or at any key ||
exit 1
`;

/** The script of one label, without what all have. */
function script(plan: Plan): string {
  const text = renderIpxe({ plans: [plan], seconds: 0 }, originWith());
  const head = `#!ipxe\n\n:label-${plan.label}\n`;
  expect(text.startsWith(head)).toBe(true);
  expect(text.endsWith(end)).toBe(true);
  return text.slice(head.length, -end.length);
}

test("with a menu: Escape and the time-out boot the first", () => {
  const plans = [tmpfs, local];
  expect(renderIpxe({ plans, seconds: 5 }, originWith({ httpPort: 8080 }))).toBe(`#!ipxe
menu sidus
item label-tmpfs tmpfs
item label-local local
choose --timeout 5000 --default label-tmpfs chosen && goto \${chosen} ||
goto label-tmpfs

:label-tmpfs
kernel http://10.77.0.1:8080/sidus@0123456789abcdef/boot/vmlinuz-6.1.0-56-amd64 initrd=initrd0 root=/dev/nfs ip=dhcp ro aufs=tmpfs BOOTIF=01-\${netX/mac:hexhyp} || goto again
initrd --name initrd0 http://10.77.0.1:8080/sidus@0123456789abcdef/boot/initrd.img-6.1.0-56-amd64 || goto again
boot || goto again

:label-local
exit 1
${end}`);
});

test("without one, the first only", () => {
  expect(renderIpxe({ plans: [local, tmpfs], seconds: 0 }, originWith())).toBe(`#!ipxe

:label-local
exit 1
${end}`);
});

describe("labels", () => {
  test("a kernel of any kind, with the names that UEFI finds its initrds by", () => {
    expect(
      script(installer),
    ).toBe(`kernel http://10.77.0.1/tools/linux initrd=initrd0 initrd=initrd1 priority=low || goto again
initrd --name initrd0 http://10.77.0.1/tools/initrd.gz || goto again
initrd --name initrd1 http://10.77.0.1/tools/firmware.gz || goto again
boot || goto again
`);
  });

  test("an EFI program; after it the next device", () => {
    expect(script(shell)).toBe(`chain http://10.77.0.1/tools/shellx64.efi || goto again
exit 1
`);
  });

  test("a disk: by its BIOS number, on UEFI the firmware's next", () => {
    expect(script(disk2)).toBe(`iseq \${platform} pcbios || exit 1
sanboot --no-describe --drive 0x81 || goto again
`);
    expect(script(freebsd)).toBe(`echo sidus: partition 3: iPXE starts disks, no partitions of them
iseq \${platform} pcbios || exit 1
sanboot --no-describe --drive 0x80 || goto again
`);
  });

  test("a message is shown for 30 s before the next device starts", () => {
    expect(script(stranger)).toBe(`echo sidus: ${stranger.message}
goto next
`);
  });
});

test("what iPXE would read as its own is refused for a kernel, and shown otherwise in a message", () => {
  for (const commandLine of ["a || b", "a ; reboot", "#a", "b #a", `a=\${net0/mac}`, "&&"]) {
    expect(script({ ...installer, commandLine })).toMatch(
      /^echo sidus: installer: iPXE cannot hand over to a kernel: \$ \{, and words /,
    );
  }
  for (const commandLine of ["a||b", "a;b", "a#b", "$a", "a='x'"]) {
    expect(script({ ...installer, commandLine })).toContain(` ${commandLine} || goto again\n`);
  }
  const message = `room #7 || \${net0/mac} ; reboot`;
  expect(script({ kind: "message", label: "m", message })).toBe(
    `echo sidus: room "#7" "||" $ {net0/mac} ";" reboot\ngoto next\n`,
  );
});

/** As iPXE takes a line apart: settings, blanks, then comments and operators. */
function commandsOf(line: string): string[][] {
  const expanded = line.replaceAll(`\${netX/mac:hexhyp}`, "M").replaceAll(`\${chosen}`, "C");
  expect(expanded.replaceAll(`\${platform}`, "P")).not.toContain(`\${`);
  const words = expanded.split(/\s+/).filter((word) => word !== "");
  const comment = words.findIndex((word) => word.startsWith("#"));
  const commands: string[][] = [[]];
  for (const word of comment === -1 ? words : words.slice(0, comment)) {
    if (["||", "&&", ";"].includes(word)) commands.push([]);
    else commands.at(-1)?.push(word);
  }
  return commands;
}

test("whatever texts say, each line has the commands that it is meant to have", () => {
  const known =
    /^(|:\S+|menu|item|choose|goto|kernel|initrd|boot|chain|iseq|exit|sanboot|echo|sleep|reboot|prompt)$/;
  fc.assert(
    fc.property(anyMenu, (menu) => {
      const [first, ...lines] = renderIpxe(menu, originWith()).trimEnd().split("\n");
      expect(first).toBe("#!ipxe");
      for (const line of lines) {
        const commands = commandsOf(line);
        expect(commands[0]?.[0] ?? "").toMatch(known);
        for (const [name] of commands.slice(1)) expect(name ?? "goto").toMatch(/^(goto|exit)$/);
        if (line.startsWith("echo")) expect(commands).toHaveLength(1);
      }
    }),
    { numRuns: 200 },
  );
});
