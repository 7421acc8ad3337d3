import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderGrub } from "../../src/boot/grub.ts";
import { renderIpxe } from "../../src/boot/ipxe.ts";
import type { Menu, Plan } from "../../src/boot/plan.ts";
import { renderPxelinux } from "../../src/boot/pxelinux.ts";
import { bootWords, chainOf, loaderSettings } from "../../src/storm/loader-config.ts";
import {
  anyMenu,
  installer,
  local,
  originWith,
  shell,
  stranger,
  tmpfs,
} from "../boot/arbitrary-plans.ts";
import { address, mac } from "../dhcp/messages.ts";

const settings = loaderSettings({
  mac: mac("52:54:00:77:00:01"),
  address: address("10.77.0.11"),
  server: address("10.77.0.1"),
  hostName: "sidus1",
});

function menu(plans: readonly Plan[], seconds: number): Menu {
  return { plans, seconds };
}

const kernel = "sidus@0123456789abcdef/boot/vmlinuz-6.1.0-56-amd64";
const initrd = "sidus@0123456789abcdef/boot/initrd.img-6.1.0-56-amd64";

/** What our own server renders, whatever for. */
describe.each([0, 5])("our own configurations, with a menu of %i seconds", (seconds) => {
  const plans = [tmpfs, installer, local];

  test("PXELINUX: names on its own server, or URLs", () => {
    expect(bootWords(renderPxelinux(menu(plans, seconds), originWith({ http: false })))).toEqual({
      kernel,
      initrd,
      commandLine: "root=/dev/nfs ip=dhcp ro aufs=tmpfs",
    });
    const byHttp = bootWords(renderPxelinux(menu(plans, seconds), originWith({ http: true })));
    expect(byHttp?.kernel).toMatch(/^http:\/\/[\d.]+\/sidus@0123456789abcdef\/boot\/vmlinuz/);
  });

  test("iPXE: URLs, its own words, and the card that it booted from", () => {
    const words = bootWords(renderIpxe(menu(plans, seconds), originWith()), settings);
    expect(words?.kernel).toMatch(/^http:\/\/[\d.:]+\/sidus@0123456789abcdef\/boot\/vmlinuz/);
    expect(words?.initrd).toMatch(/^http:\/\/[\d.:]+\/sidus@0123456789abcdef\/boot\/initrd/);
    expect(words?.commandLine).toBe(
      "initrd=initrd0 root=/dev/nfs ip=dhcp ro aufs=tmpfs BOOTIF=01-52-54-00-77-00-01",
    );
  });

  test("GRUB: its own form of places, by HTTP where its server has it", () => {
    const byTftp = bootWords(
      renderGrub(menu(plans, seconds), originWith({ http: false })),
      settings,
    );
    expect(byTftp?.kernel).toMatch(/^\(tftp,[\d.]+\)\/sidus@/);
    expect(byTftp?.commandLine).toBe("root=/dev/nfs ip=dhcp ro aufs=tmpfs");
    const byHttp = renderGrub(menu(plans, seconds), originWith({ http: true, httpPort: 80 }));
    expect(bootWords(byHttp, settings)?.initrd).toMatch(/^\(http,[\d.]+\)\/sidus@.*initrd/);
  });

  test("the first plan boots; what is no kernel boots none", () => {
    for (const [first, isLinux] of [
      [tmpfs, true],
      [installer, true],
      [local, false],
      [stranger, false],
    ] as const) {
      const rest = plans.filter((plan) => plan !== first);
      const texts = [
        renderPxelinux(menu([first, ...rest], seconds), originWith()),
        renderGrub(menu([first, ...rest], seconds), originWith()),
        renderIpxe(menu([first, ...rest], seconds), originWith()),
      ];
      const booted = texts.map((text) => bootWords(text, settings)?.kernel !== undefined);
      expect(booted, JSON.stringify(first)).toEqual(texts.map(() => isLinux));
    }
    expect(bootWords(renderGrub(menu([shell], seconds), originWith()), settings)).toBeUndefined();
  });

  test("any menu: nothing throws, and a kernel that is found is the plan's", () => {
    fc.assert(
      fc.property(anyMenu, (any) => {
        const [first] = any.plans;
        for (const render of [renderPxelinux, renderGrub, renderIpxe]) {
          const words = bootWords(render({ ...any, seconds }, originWith()), settings);
          if (words === undefined || first?.kind !== "linux") continue;
          expect(words.kernel.endsWith(first.kernel)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("configurations as people write them", () => {
  test("PXELINUX beside dnsmasq: lower case, initrd on its line", () => {
    const text = `default sidus
prompt 0
timeout 1
label sidus
  kernel vmlinuz
  initrd initrd.img
  append root=/dev/nfs nfsroot=10.77.0.1:/srv/tree,tcp ip=dhcp ro
  ipappend 2
`;
    expect(bootWords(text)).toEqual({
      kernel: "vmlinuz",
      initrd: "initrd.img",
      commandLine: "root=/dev/nfs nfsroot=10.77.0.1:/srv/tree,tcp ip=dhcp ro",
    });
  });

  test("PXELINUX: initrd= in APPEND, several initrds, and ::", () => {
    const text = `DEFAULT menu.c32
TIMEOUT 50
ONTIMEOUT debian
APPEND quiet
LABEL local
  MENU LABEL Local disk
  LOCALBOOT 0
LABEL debian
  TEXT HELP
    LABEL of no meaning
  ENDTEXT
  LINUX ::debian/vmlinuz
  APPEND initrd=::debian/initrd.img,::debian/firmware.gz ro
LABEL bare
  LINUX bare/vmlinuz
LABEL none
  LINUX none/vmlinuz
  APPEND -
`;
    expect(bootWords(text)).toEqual({
      kernel: "/debian/vmlinuz",
      initrd: "/debian/initrd.img",
      commandLine: "initrd=::debian/initrd.img,::debian/firmware.gz ro",
    });
    const at = (name: string) => bootWords(text.replace("ONTIMEOUT debian", `ONTIMEOUT ${name}`));
    expect(at("bare")).toEqual({ kernel: "bare/vmlinuz", commandLine: "quiet" });
    expect(at("none")).toEqual({ kernel: "none/vmlinuz", commandLine: "" });
    expect(at("local")).toBeUndefined();
  });

  test("PXELINUX: MENU DEFAULT, and a kernel instead of a label", () => {
    const marked = `UI vesamenu.c32
LABEL a
  LINUX a/vmlinuz
LABEL b
  MENU DEFAULT
  LINUX b/vmlinuz
`;
    expect(bootWords(marked)?.kernel).toBe("b/vmlinuz");
    expect(bootWords("DEFAULT vmlinuz initrd=initrd.img ro\n")).toEqual({
      kernel: "vmlinuz",
      initrd: "initrd.img",
      commandLine: "initrd=initrd.img ro",
    });
  });

  test("GRUB without entries, as a harness writes it", () => {
    const text = `set timeout=0
linux /vmlinuz root=/dev/nfs nfsroot=10.77.0.1:/srv/tree,tcp ip=dhcp ro aufs=tmpfs
initrd /initrd.img
boot
`;
    expect(bootWords(text)).toEqual({
      kernel: "/vmlinuz",
      initrd: "/initrd.img",
      commandLine: "root=/dev/nfs nfsroot=10.77.0.1:/srv/tree,tcp ip=dhcp ro aufs=tmpfs",
    });
  });

  test("GRUB as grub-mkconfig writes it: tests, variables, default by number", () => {
    const text = `if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
else
   set default="1"
fi
function load_video {
  if [ x$feature_all_video_module = xy ]; then
    insmod all_video
  fi
}
menuentry 'Memory test' --class memtest { linux16 /memtest.bin }
menuentry 'Debian' --class debian --id 'gnulinux-simple' {
  load_video
  if [ x$grub_platform = xxen ]; then insmod xzio; fi
  echo 'Loading Linux ...'
  linux (http,$net_default_server:8080)/vmlinuz "root=/dev/nfs" quiet \\
    nfsroot=$net_default_server:/srv # not the kernel's
  initrd	(http,$net_default_server:8080)/initrd.img /more.img
}
submenu 'Advanced options' {
  menuentry 'Other' {
    linux /other
  }
}
`;
    expect(bootWords(text, settings)).toEqual({
      kernel: "(http,10.77.0.1:8080)/vmlinuz",
      initrd: "(http,10.77.0.1:8080)/initrd.img",
      commandLine: "root=/dev/nfs quiet nfsroot=10.77.0.1:/srv",
    });
    expect(bootWords(text.replace('default="1"', 'default="0"'), settings)?.kernel).toBe(
      "/memtest.bin",
    );
  });

  test("iPXE as people write it: variables, a menu, alternatives", () => {
    const text = `#!ipxe
set base http://\${next-server}:8080/debian
isset \${missing} && goto other ||
menu Which?
item --gap --
item --key d debian Debian
item shell Shell
choose --default debian --timeout 3000 target || goto cancel
goto \${target}
:other
kernel http://wrong/ ||
:debian
kernel --name linux \${base}/vmlinuz initrd=initrd.img \\
  root=/dev/nfs ip=dhcp || goto failed
initrd \${base}/initrd.img || goto failed
boot
`;
    expect(bootWords(text, settings)).toEqual({
      kernel: "http://10.77.0.1:8080/debian/vmlinuz",
      initrd: "http://10.77.0.1:8080/debian/initrd.img",
      commandLine: "initrd=initrd.img root=/dev/nfs ip=dhcp",
    });
  });

  test("one that leads on to another, by iPXE", () => {
    const script = `#!ipxe
chain tftp://10.77.0.1/ipxe-\${net0/mac:hexhyp}.ipxe
kernel http://wrong/
`;
    expect(bootWords(script, settings)).toBeUndefined();
    expect(chainOf(script, settings)).toEqual(["tftp://10.77.0.1/ipxe-52-54-00-77-00-01.ipxe"]);
    const tries = `#!ipxe
imgfetch --name own http://a/\${ip}.ipxe || imgfetch --name own http://a/default.ipxe || goto none
chain own
:none
`;
    expect(chainOf(tries, settings)).toEqual(["http://a/10.77.0.11.ipxe", "http://a/default.ipxe"]);
  });

  test("GRUB's that only reads another boots nothing itself", () => {
    const grub = "regexp --set=1:m1 '(..)' $net_default_mac\nsource $prefix/grub.cfg-01-$m1\n";
    expect(bootWords(grub, settings)).toBeUndefined();
  });
});

describe("hostile configurations", () => {
  test("a script that goes in circles ends", () => {
    expect(bootWords("#!ipxe\n:again\ngoto again\n")).toBeUndefined();
  });

  test("nothing throws", () => {
    const word = fc.constantFrom(
      ...["#!ipxe", "menuentry 'x' {", "}", "if [ -n $x ]; then", "fi", "else", "elif", "set a=b"],
      ...["LABEL x", "KERNEL", "APPEND -", "linux /a $b ${c", "initrd", "goto x", ":x", "choose"],
      ...["kernel ${", "'", '"', "\\", "for x in y; do", "done", "DEFAULT", "TEXT HELP", "&& ||"],
    );
    const line = fc.oneof(word, fc.string({ unit: "binary", maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const words = bootWords(lines.join("\n"), settings);
        expect(typeof (words?.commandLine ?? "")).toBe("string");
      }),
      { numRuns: 1000 },
    );
  });
});
