import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderPxelinux } from "../../src/boot/pxelinux.ts";
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

/** syslinux.cfg(5) of 6.04, and menu.txt beside it. */

test("without a menu: at once, and again after a while where that failed", () => {
  expect(
    renderPxelinux({ plans: [tmpfs, local], seconds: 0 }, originWith({ http: false })),
  ).toBe(`DEFAULT tmpfs
PROMPT 0
TIMEOUT 150

LABEL tmpfs
  KERNEL sidus@0123456789abcdef/boot/vmlinuz-6.1.0-56-amd64
  INITRD sidus@0123456789abcdef/boot/initrd.img-6.1.0-56-amd64
  APPEND root=/dev/nfs ip=dhcp ro aufs=tmpfs
  IPAPPEND 2

LABEL local
  LOCALBOOT 0
`);
});

test("with a menu, by HTTP, everything that can be chosen", () => {
  const plans = [tmpfs, installer, shell, disk2, freebsd, stranger];
  expect(renderPxelinux({ plans, seconds: 5 }, originWith({ httpPort: 8080 }))).toBe(`DEFAULT tmpfs
UI menu.c32
PROMPT 0
TIMEOUT 50
MENU TITLE sidus

LABEL tmpfs
  KERNEL http://10.77.0.1:8080/sidus@0123456789abcdef/boot/vmlinuz-6.1.0-56-amd64
  INITRD http://10.77.0.1:8080/sidus@0123456789abcdef/boot/initrd.img-6.1.0-56-amd64
  APPEND root=/dev/nfs ip=dhcp ro aufs=tmpfs
  IPAPPEND 2

LABEL installer
  KERNEL http://10.77.0.1:8080/tools/linux
  INITRD http://10.77.0.1:8080/tools/initrd.gz,http://10.77.0.1:8080/tools/firmware.gz
  APPEND priority=low

LABEL shell
  TEXT HELP
    sidus: shell: tools/shellx64.efi is an EFI program, and this node's firmware
    is a BIOS
  ENDTEXT
  LOCALBOOT 0

LABEL disk2
  COM32 chain.c32
  APPEND hd1

LABEL freebsd
  COM32 chain.c32
  APPEND hd0 3

LABEL stranger
  TEXT HELP
    sidus: nobody knows this node; ask the administrator of this room to write
    it below nodes:
  ENDTEXT
  LOCALBOOT 0
`);
});

describe("a message that boots first", () => {
  const message =
    "sidus: nobody knows this node; ask the administrator of this room to write it below nodes:";

  test("stays at the prompt for 30 s, then the firmware goes on", () => {
    expect(renderPxelinux({ plans: [stranger], seconds: 0 }, originWith())).toBe(`DEFAULT stranger
SAY ${message}
PROMPT 1
TIMEOUT 300

LABEL stranger
  LOCALBOOT 0
`);
  });

  test("keeps a menu for as long", () => {
    const timeOut = (seconds: number) =>
      renderPxelinux({ plans: [stranger], seconds }, originWith()).match(/^TIMEOUT (\d+)$/m)?.[1];
    expect([timeOut(5), timeOut(60)]).toEqual(["300", "600"]);
  });
});

test("IPAPPEND is 2: another makes Debian 12's initramfs panic", () => {
  const said = renderPxelinux({ plans: [tmpfs], seconds: 0 }, originWith()).match(/IPAPPEND .*/g);
  expect(said).toEqual(["IPAPPEND 2"]);
});

test("a message that speaks of ENDTEXT does not end there", () => {
  const message = `${"x".repeat(70)} endtext LABEL other`;
  const plans = [tmpfs, { ...stranger, message }];
  expect(renderPxelinux({ plans, seconds: 5 }, originWith())).toContain(
    "    'endtext' LABEL other\n",
  );
});

test("no plan at all is a mistake of the program", () => {
  expect(() => renderPxelinux({ plans: [], seconds: 0 }, originWith())).toThrow(RangeError);
});

test("whatever texts say, each line is the directive that it is meant to be", () => {
  const line =
    /^(?:|DEFAULT \S+|UI menu\.c32|PROMPT [01]|TIMEOUT \d+|MENU TITLE sidus|SAY .+|LABEL \S+| {2}KERNEL \S+| {2}INITRD \S+| {2}APPEND .*| {2}IPAPPEND 2| {2}LOCALBOOT 0| {2}COM32 chain\.c32| {2}TEXT HELP| {2}ENDTEXT| {4}(?!ENDTEXT)\S.{0,77})$/u;
  fc.assert(
    fc.property(anyMenu, (menu) => {
      const text = renderPxelinux(menu, originWith());
      const wrong = text.split("\n").filter((each) => !line.test(each));
      expect(wrong).toEqual([]);
      const labels = [...text.matchAll(/^LABEL (.*)$/gm)].map((found) => found[1]);
      expect(labels).toEqual(menu.plans.map((plan) => plan.label));
      const appended = [...text.matchAll(/^ {2}APPEND ?(.*)\n {2}IPAPPEND/gm)].map(
        (found) => found[1],
      );
      const meant = menu.plans.flatMap((plan) => (plan.kind === "linux" ? [plan.commandLine] : []));
      expect(appended).toEqual(meant);
    }),
    { numRuns: 200 },
  );
});
