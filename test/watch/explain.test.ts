import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quirks } from "../../src/boot/quirks.ts";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import type { BootEvent, Protocol } from "../../src/watch/events.ts";
import { rules } from "../../src/watch/explain.ts";
import type { Situation } from "../../src/watch/seen.ts";
import {
  address,
  dhcp,
  mac,
  macOf,
  momentsOf,
  recorded,
  session,
  type Watched,
  watched,
} from "./replay.ts";

const other = ipv4(0x0a4d_0002);
const relay = ipv4(0x0a4e_0001);
const root = "/srv/nfsroot/sidus";

function file(
  path: string,
  outcome: "started" | "done" | "missing" | "aborted" = "done",
  bytes = outcome === "missing" ? 0 : 100_000,
): BootEvent {
  return { kind: "file", protocol: "tftp", address, path, outcome, bytes };
}

function mount(outcome: "granted" | "denied" | "missing" | "unmounted"): BootEvent {
  return { kind: "mount", address, path: root, outcome };
}

function refused(protocol: Protocol, reason: string, more: object): BootEvent {
  return { kind: "refused", protocol, reason, ...more };
}

const leased = [dhcp("pxe", "DISCOVER"), dhcp("pxe", "REQUEST")];
const loader = [
  file("lpxelinux.0"),
  file("ldlinux.c32"),
  file("pxelinux.cfg/01-52-54-00-77-00-01"),
];
const kernel = [file("sidus/boot/vmlinuz-6.1"), file("sidus/boot/initrd.img-6.1")];
const kernelLeased = [dhcp("kernel", "DISCOVER"), dhcp("kernel", "REQUEST")];
const systemLeased = [dhcp("other", "DISCOVER"), dhcp("other", "REQUEST")];
const renewal = dhcp("other", "REQUEST");
const portmap: BootEvent = { kind: "portmap", address, program: 100_003, port: 2049 };
const up: BootEvent = { kind: "up", address, tree: "sidus" };
const uefi = { architecture: 7, bootFile: "shimx64.efi" };
const uefiLeased = [dhcp("pxe", "DISCOVER", uefi), dhcp("pxe", "REQUEST", uefi)];
const elsewhere = { reply: undefined, elsewhere: other } as const;

test("an initrd whose name ends as a loader's does is none: nothing is said of Secure Boot", () => {
  const { clock, tell, explained } = watched();
  const http = (path: string): BootEvent => ({ ...file(path), protocol: "http" }) as BootEvent;
  tell(...uefiLeased, file("grubx64.efi"));
  tell(http("/sidus/boot/vmlinuz-6.12.0"), http("/sidus/boot/initrd.img-6.12.0"));
  clock.advance(600_000);
  expect(explained().cause).toMatch(/^It fetched its kernel, and in .* no kernel asked/);
});

describe("no cause is seen in a boot that succeeds", () => {
  test.each(recorded)("%s", (name) => {
    const { clock, tell, explained } = watched();
    let isPresent = false;
    for (const { at, event } of momentsOf(name)) {
      clock.advance(at - clock.now() - 1);
      const before = explained({ isPresent });
      clock.advance(1);
      tell(event);
      if (event.kind === "mount") isPresent = event.outcome === "granted";
      const after = explained({ isPresent });
      for (const { condition, cause } of [before, after]) {
        expect(["unheard", "on its way", "up"], `${at} ms: ${cause}`).toContain(condition);
      }
    }
    expect(explained({ isPresent: true })).toMatchObject({ stage: "up", condition: "up" });
  });

  test("a menu that is looked at for a while, and then a kernel", () => {
    const { clock, tell, explained } = watched();
    tell(...leased, ...loader);
    clock.advance(600_000);
    expect(explained().condition).toBe("aside");
    tell(...kernel);
    expect(explained().condition).toBe("on its way");
  });
});

interface Case {
  readonly rule: string;
  readonly what: string;
  /** Events, and pauses in milliseconds between them. */
  readonly told: readonly (BootEvent | number)[];
  readonly situation?: Partial<Situation>;
  readonly cause: RegExp;
  readonly quirk?: string;
  readonly condition?: "aside";
}

const cases: readonly Case[] = [
  {
    rule: "refusedAddress",
    what: "the configuration does not name it",
    told: [refused("dhcp", "unknown-node", { mac })],
    cause: /deny-unknown/,
  },
  {
    rule: "refusedAddress",
    what: "its maker is not allowed",
    told: [refused("dhcp", "not-allowed", { mac })],
    cause: /dhcp\.allow/,
  },
  {
    rule: "refusedAddress",
    what: "the pool is used up",
    told: [refused("dhcp", "pool-exhausted", { mac })],
    cause: /No address is left/,
  },
  {
    rule: "tookAnotherOffer",
    what: "another server's offer is taken",
    told: [leased[0] as BootEvent, dhcp("pxe", "REQUEST", elsewhere)],
    cause: /Another DHCP server answered, 10\.77\.0\.2/,
    quirk: "other-dhcp-server",
  },
  {
    rule: "ignoredProxy",
    what: "firmware takes no notice of the proxy",
    told: [leased[0] as BootEvent, dhcp("pxe", "REQUEST", elsewhere), 60_000],
    situation: { mode: "proxy" },
    cause: /from 10\.77\.0\.2 and ignored .* never asked at port 4011/,
    quirk: "proxy-ignored",
  },
  {
    rule: "noLoaderForFirmware",
    what: "no loader for an architecture",
    told: [dhcp("pxe", "DISCOVER", { architecture: 27, bootFile: undefined }), 12_000],
    cause: /option 93: 27/,
  },
  {
    rule: "loaderNeverAsked",
    what: "an address, and no request for the loader",
    told: [...leased, 60_000],
    cause: /never asked for its loader, lpxelinux\.0/,
  },
  {
    rule: "loaderNeverAsked",
    what: "the same through a relay",
    told: [dhcp("pxe", "DISCOVER", { relay }), dhcp("pxe", "REQUEST", { relay }), 60_000],
    cause: /only through the relay 10\.78\.0\.1/,
  },
  {
    rule: "offerNotTaken",
    what: "offers that do not arrive",
    told: [...[0, 4000, 8000].flatMap((ms) => [ms, dhcp("pxe", "DISCOVER")]), 60_000],
    cause: /asked 3 times, and took no offer/,
  },
  {
    rule: "offerNotTaken",
    what: "a proxy's offer, and nobody gives an address",
    told: [dhcp("pxe", "DISCOVER"), 60_000],
    situation: { mode: "proxy" },
    cause: /no DHCP server of the network gave it an address/,
  },
  {
    rule: "notAnswered",
    what: "nobody answers",
    told: [dhcp("pxe", "DISCOVER", { reply: undefined }), 60_000],
    situation: { mode: "off" },
    cause: /nobody within hearing answered/,
  },
  {
    rule: "onlyAnOperatingSystem",
    what: "a laptop",
    told: [dhcp("other", "DISCOVER"), dhcp("other", "REQUEST")],
    cause: /does not netboot/,
    condition: "aside",
  },
  {
    rule: "loaderMissing",
    what: "the loader is not there",
    told: [...leased, file("lpxelinux.0", "missing")],
    cause: /The loader lpxelinux\.0 is not there/,
  },
  {
    rule: "toldByAnother",
    what: "it asks for what another server names",
    told: [...leased, file("pxelinux.0", "missing")],
    cause: /asked for pxelinux\.0, and was told to fetch lpxelinux\.0: another/,
  },
  {
    rule: "fileDenied",
    what: "a file that is not for its address",
    told: [...leased, refused("tftp", "denied", { address, path: "lpxelinux.0" })],
    cause: /may not have lpxelinux\.0: .*10\.77\.0\.11/,
  },
  {
    rule: "fileMissing",
    what: "a kernel that is not there",
    told: [...leased, ...loader, file("sidus/boot/vmlinuz", "missing"), 30_000],
    cause: /sidus\/boot\/vmlinuz is not there/,
  },
  {
    rule: "fileMissing",
    what: "shim's next, after what it does without",
    told: [
      ...uefiLeased,
      file("shimx64.efi"),
      file("revocations_sbat.efi", "missing"),
      file("grubx64.efi", "missing"),
      30_000,
    ],
    cause: /grubx64\.efi is not there/,
  },
  {
    rule: "loaderWaits",
    what: "GRUB's menu, which does without its font",
    told: [
      ...uefiLeased,
      file("grubnetx64.efi"),
      file("/grub/x86_64-efi/command.lst", "missing"),
      file("/grub/grub.cfg"),
      file("/grub/fonts/unicode.pf2", "missing"),
      file("/grub/locale/de.gmo", "missing"),
      30_000,
    ],
    cause: /a menu or a message/,
    condition: "aside",
  },
  {
    rule: "fileMissing",
    what: "no configuration",
    told: [...leased, file("lpxelinux.0"), file("pxelinux.cfg/default", "missing"), 30_000],
    cause: /no configuration; it looked last for pxelinux\.cfg\/default/,
  },
  {
    rule: "repliesDropped",
    what: "no answer of TFTP arrives",
    told: [...leased, 32_000, refused("tftp", "never answered", { address, path: "lpxelinux.0" })],
    cause: /asked for lpxelinux\.0, and no block of it was ever acknowledged/,
  },
  {
    rule: "transferBroken",
    what: "no block of TFTP arrives",
    told: [...leased, file("lpxelinux.0", "started", 0), 32_000, file("lpxelinux.0", "aborted", 0)],
    cause: /no block of it was ever acknowledged: a firewall/,
  },
  {
    rule: "transferBroken",
    what: "a part of the initrd arrives",
    told: [...leased, ...loader, kernel[0] as BootEvent, file("x/initrd.img", "aborted", 3 << 20)],
    cause: /Its initrd, x\/initrd\.img, broke off after 3\.0 MiB/,
  },
  {
    rule: "transferBroken",
    what: "a transfer by HTTP that stands still",
    told: [
      ...leased,
      ...loader,
      { ...file("x/vmlinuz", "started"), protocol: "http" } as BootEvent,
      90_000,
    ],
    cause: /HTTP of x\/vmlinuz came to a standstill/,
  },
  {
    rule: "secureBootRefused",
    what: "OVMF with Secure Boot on fetches GRUB, and goes on to HTTP boot",
    told: [
      ...uefiLeased,
      file("grubnetx64.efi"),
      3000,
      dhcp("pxe", "DISCOVER", { architecture: 16 }),
      4000,
      dhcp("pxe", "DISCOVER", { architecture: 16 }),
    ],
    cause: /fetched grubnetx64\.efi, and began anew by UEFI HTTP boot: Secure Boot/,
    quirk: "secure-boot-unsigned",
  },
  {
    rule: "secureBootRefused",
    what: "other firmware ends there",
    told: [...uefiLeased, file("snponly.efi"), 30_000],
    cause: /nothing followed: most likely Secure Boot/,
    quirk: "secure-boot-unsigned",
  },
  {
    rule: "wentToDhcpServer",
    what: "shim, in proxy mode",
    told: [...uefiLeased, file("shimx64.efi"), 30_000],
    situation: { mode: "proxy" },
    cause: /shimx64\.efi, which asks the server that gave the address/,
    quirk: "shim-asks-dhcp-server",
  },
  {
    rule: "wentToDhcpServer",
    what: "GRUB, in proxy mode",
    told: [...uefiLeased, file("grubnetx64.efi"), 30_000],
    situation: { mode: "proxy" },
    cause: /grubnetx64\.efi, which asks/,
    quirk: "grub-no-proxydhcp",
  },
  {
    rule: "ipxeLoop",
    what: "iPXE is told to fetch iPXE",
    told: [
      ...leased,
      file("undionly.kpxe"),
      ...[1, 2].flatMap(() => [
        dhcp("ipxe", "DISCOVER"),
        dhcp("ipxe", "REQUEST"),
        file("undionly.kpxe"),
      ]),
    ],
    cause: /iPXE fetches undionly\.kpxe again and again/,
    quirk: "ipxe-loop",
  },
  {
    rule: "ipxeWithoutDriver",
    what: "iPXE does not get along with the card",
    told: [...[1, 2].flatMap(() => [...leased, file("undionly.kpxe"), 20_000]), 10_000],
    cause: /undionly\.kpxe more than once/,
    quirk: "ipxe-driver-fails",
  },
  {
    rule: "ipxeWithoutDriver",
    what: "the firmware fetches iPXE anew without asking for an address",
    told: [
      ...leased,
      ...[1, 2, 3].flatMap(() => [file("undionly.kpxe", "started"), file("undionly.kpxe")]),
      30_000,
    ],
    cause: /undionly\.kpxe more than once/,
    quirk: "ipxe-driver-fails",
  },
  {
    rule: "loaderSilent",
    what: "PXELINUX asks for nothing",
    told: [...leased, file("pxelinux.0"), 30_000],
    cause: /its loader, pxelinux\.0, and in 30 s/,
  },
  {
    rule: "loaderWaits",
    what: "a menu, or the local disk",
    told: [...leased, ...loader, 30_000],
    cause: /a menu or a message, or started the local disk/,
    condition: "aside",
  },
  {
    rule: "kernelNeverAsked",
    what: "an initrd without the card's driver",
    told: [...leased, ...loader, ...kernel, 120_000],
    cause: /no driver .* for its network card/,
  },
  {
    rule: "kernelNotAnswered",
    what: "a kernel whose DHCP is not answered",
    told: [
      ...leased,
      ...loader,
      ...kernel,
      ...[1, 2, 3, 4].flatMap(() => [15_000, dhcp("kernel", "DISCOVER", { reply: undefined })]),
    ],
    cause: /kernel asks for an address, and no DHCP server/,
  },
  {
    rule: "kernelOnOtherInterface",
    what: "the kernel uses the second card",
    told: [
      ...leased,
      ...loader,
      ...kernel,
      20_000,
      dhcp("kernel", "DISCOVER", { mac: macOf("52:54:00:77:00:02"), name: undefined }),
      90_000,
    ],
    cause: /from another MAC address, 52:54:00:77:00:02/,
    quirk: "many-cards",
  },
  {
    rule: "startedAnother",
    what: "the local disk, after the loader",
    told: [...leased, ...loader, 30_000, ...systemLeased, 3_600_000, renewal],
    cause: /^Its firmware or loader went on to an operating system of its own/,
    condition: "aside",
  },
  {
    rule: "startedAnother",
    what: "an installer",
    told: [...leased, ...loader, ...kernel, 30_000, ...systemLeased],
    cause: /^The kernel that it fetched asked for an address as no initrd of ours does/,
    condition: "aside",
  },
  {
    rule: "loaderNeverAsked",
    what: "its user, or its firmware, chose the disk instead",
    told: [...leased, 10_000, ...systemLeased, 90_000],
    cause: /never asked for its loader, lpxelinux.0/,
    condition: "aside",
  },
  {
    rule: "loaderWaits",
    what: "a label's own EFI program runs, unsigned or not",
    told: [...uefiLeased, file("shimx64.efi"), file("grub/grub.cfg"), file("memtest.efi"), 90_000],
    cause: /^Its loader has its configuration/,
    condition: "aside",
  },
  {
    rule: "mountNeverAsked",
    what: "no NFS client, or no portmapper",
    told: [...leased, ...loader, ...kernel, ...kernelLeased, 90_000],
    cause: /never asked to mount its root: the portmapper/,
    quirk: "nfsmount-wants-portmapper",
  },
  {
    rule: "mountNeverAsked",
    what: "the portmapper answers, and NFS is not reached",
    told: [...leased, ...loader, ...kernel, ...kernelLeased, portmap, 90_000],
    cause: /does not reach NFS' port/,
  },
  {
    rule: "mountDenied",
    what: "the export is not for its address",
    told: [...leased, ...loader, ...kernel, ...kernelLeased, portmap, mount("denied")],
    cause: /`clients` do not have its address, 10\.77\.0\.11/,
  },
  {
    rule: "mountMissing",
    what: "no such export",
    told: [...leased, ...loader, ...kernel, ...kernelLeased, portmap, mount("missing")],
    cause: /there is no such export/,
  },
  {
    rule: "volumeRefused",
    what: "CHAP",
    told: [
      ...leased,
      ...kernelLeased,
      mount("granted"),
      refused("iscsi", "CHAP failed", { address }),
    ],
    situation: { isPresent: true },
    cause: /\(CHAP failed\): it does not know the secret/,
  },
  {
    rule: "volumeRefused",
    what: "another reason",
    told: [...leased, ...kernelLeased, mount("granted"), refused("iscsi", "in use", { address })],
    situation: { isPresent: true },
    cause: /Its volume was refused: in use/,
  },
  {
    rule: "rootLost",
    what: "its root is mounted, and its connection gone",
    told: [...leased, ...loader, ...kernel, ...kernelLeased, mount("granted"), 200_000],
    cause: /and 3 min later it has no connection/,
  },
  {
    rule: "neverUp",
    what: "it runs and does not say that it is up",
    told: [...leased, ...loader, ...kernel, ...kernelLeased, mount("granted"), 400_000],
    situation: { isPresent: true },
    cause: /in 7 min it did not say that it is up/,
  },
  {
    rule: "gone",
    what: "it was up",
    told: [...leased, ...loader, ...kernel, ...kernelLeased, mount("granted"), up, 7_200_000],
    cause: /was up, and has no connection now; it was last heard 2 h ago/,
    condition: "aside",
  },
];

function replayed({ told }: Pick<Case, "told">): Watched {
  const room = watched();
  for (const step of told) {
    if (typeof step === "number") room.clock.advance(step);
    else room.tell(step);
  }
  return room;
}

describe("each rule sees its cause, and is the first that does", () => {
  test.each(cases)("$rule: $what", (one) => {
    const { explained } = replayed(one);
    const { condition, cause, advice, quirk, heard } = explained(one.situation);
    expect(cause).toMatch(one.cause);
    expect(condition).toBe(one.condition ?? "stuck");
    expect(quirk).toBe(one.quirk);
    expect(advice).not.toBe("");
    const quiet = one.told.slice(one.told.findLastIndex((step) => typeof step !== "number") + 1);
    const quietMs = quiet.reduce<number>((sum, step) => sum + Number(step), 0);
    expect(heard?.secondsAgo).toBeGreaterThanOrEqual(quietMs / 1000);
    // Not before its time.
    if (quietMs > 0) {
      const early = replayed({ told: one.told.slice(0, -quiet.length) });
      expect(early.explained(one.situation).cause).not.toMatch(one.cause);
    }
  });

  test.each([
    ["asks for a file that is not there", [file("favicon.ico", "missing")]],
    ["breaks off a download", [file("disk.iso", "aborted")]],
    ["fetches a kernel", [file("sidus/boot/vmlinuz-6.1")]],
    ["is denied another mount", [mount("denied")]],
    [
      "mounts again and again",
      Array.from({ length: 50 }, () => [mount("unmounted"), mount("granted")]).flat(),
    ],
  ])("a node that is up and %s is up", (_, then) => {
    const { clock, tell, explained } = watched();
    tell(...leased, ...loader, ...kernel, ...kernelLeased, mount("granted"), up);
    clock.advance(60_000);
    tell(...then);
    clock.advance(600_000);
    expect(explained({ isPresent: true }).condition).toBe("up");
    expect(explained({ isPresent: false }).cause).toMatch(/^It was up, and has no connection now/);
  });

  test("no rule is without a test", () => {
    expect(Object.keys(rules).filter((name) => !cases.some(({ rule }) => rule === name))).toEqual(
      [],
    );
  });

  test("every quirk that is named is in the table", () => {
    const ids = new Set(quirks.map(({ id }) => id));
    expect(cases.flatMap(({ quirk }) => quirk ?? []).filter((id) => !ids.has(id))).toEqual([]);
  });

  test("what was refused and then went well is past", () => {
    const { tell, explained } = watched();
    tell(refused("dhcp", "pool-exhausted", { mac }), ...leased);
    expect(explained().condition).toBe("on its way");
    tell(refused("tftp", "denied", { address, path: "lpxelinux.0" }));
    expect(explained().condition).toBe("stuck");
    tell(...loader, ...kernel, ...kernelLeased, mount("denied"));
    expect(explained().condition).toBe("stuck");
    tell(mount("granted"), refused("iscsi", "CHAP failed", { address }));
    expect(explained({ isPresent: true }).condition).toBe("stuck");
    tell(session("began"));
    expect(explained({ isPresent: true }).condition).toBe("on its way");
  });
});

describe("a node that boots again and again", () => {
  function looped(times: number, ...steps: readonly (BootEvent | number)[]): Watched {
    return replayed({ told: Array.from({ length: times }, () => steps).flat() });
  }

  test("is told by what stopped it the time before", () => {
    const { tell, explained } = looped(4, ...leased, ...loader, ...kernel, 30_000);
    expect(explained().cause).toMatch(
      /^It began to boot 4 times within 2 min, and was never up.*in 30 s no kernel/,
    );
    tell(...leased);
    expect(explained()).toMatchObject({
      condition: "stuck",
      cause: expect.stringMatching(/5 times within 2 min, .* no driver/),
    });
  });

  test("with nothing that says why", () => {
    const { tell, explained } = looped(4, ...leased, ...loader, ...kernel, ...kernelLeased, 5000);
    tell(...leased);
    expect(explained().cause).toMatch(/It began to boot 5 times/);
  });

  test("not when it was up between, nor when it is days ago", () => {
    const everything = [...leased, ...kernelLeased, mount("granted"), up, 30_000];
    const tested = looped(5, ...everything);
    tested.tell(...leased);
    expect(tested.explained().condition).toBe("on its way");
    const daily = looped(6, ...leased, ...loader, 86_400_000);
    daily.tell(...leased);
    expect(daily.explained().condition).toBe("on its way");
  });
});

describe("hostile nodes", () => {
  const some = <const T>(...values: readonly T[]) => fc.constantFrom(...values);
  const macs = some(mac, macOf("52:54:00:77:00:02"));
  const addresses = some(address, other, relay, undefined);
  const path = fc.oneof(
    fc.string({ maxLength: 300, unit: "binary" }),
    some("\x1b[2J", "\u202egnp.exe", "\ud800", "\n"),
    some("vmlinuz", "initrd.img", "ipxe.efi", "shimx64.efi", "grub/grub.cfg", "lpxelinux.0"),
  );
  const count = fc.nat();
  const at = some(address, other);
  const event: fc.Arbitrary<BootEvent> = fc.oneof(
    fc.record({
      kind: some("dhcp"),
      mac: macs,
      client: some("pxe", "ipxe", "kernel", "other"),
      message: some("DISCOVER", "REQUEST", "INFORM", "RELEASE", "DECLINE"),
      reply: some("OFFER", "ACK", "NAK", undefined),
      address: addresses,
      name: some("n1", undefined),
      architecture: fc.option(fc.nat(0xffff), { nil: undefined }),
      elsewhere: addresses,
      bootFile: some("lpxelinux.0", "http://10.77.0.1/boot.ipxe", undefined),
      relay: addresses,
    }),
    fc.record({
      kind: some("file"),
      protocol: some("tftp", "http"),
      address: at,
      path,
      outcome: some("started", "done", "missing", "aborted"),
      bytes: count,
    }),
    fc.record({
      kind: some("mount"),
      address: at,
      path,
      outcome: some("granted", "denied", "missing", "unmounted"),
    }),
    fc.record({ kind: some("portmap"), address: at, program: count, port: count }),
    fc.record({
      kind: some("session"),
      address: at,
      initiator: some("iqn.x:i"),
      target: some("iqn.x:t"),
      outcome: some("began", "ended"),
    }),
    fc.record({ kind: some("up"), address: at, tree: some("sidus") }),
    fc.record({
      kind: some("refused"),
      protocol: some("dhcp", "tftp", "http", "iscsi"),
      reason: some("unknown-node", "denied", "CHAP failed", "anything"),
      mac: macs,
      address: at,
      path,
    }),
  );

  test("whatever is told, in whatever order: an explanation of printable text, and nothing thrown", () => {
    const step = fc.tuple(event, some(0, 1, 1000, 45_000, 130_000, 400_000));
    const situation = fc.record({ mode: some("server", "proxy", "off"), isPresent: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), situation, (steps, given) => {
        const { clock, tell, explained, timeline } = watched();
        for (const [told, pause] of steps) {
          tell(told);
          clock.advance(pause);
          for (const { mac: of } of timeline.boots()) {
            const { cause, advice, heard } = explained(given, of);
            expect(cause).not.toBe("");
            expect(`${cause}${advice}${heard?.what}`).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("what no rule is about", () => {
  test("nothing was heard", () => {
    expect(watched().explained()).toMatchObject({
      stage: "unheard",
      condition: "unheard",
      heard: undefined,
      advice: expect.stringMatching(/cable.*VLAN.*boot order.*MAC address/),
    });
  });

  test("silence that nothing explains", () => {
    const { explained } = replayed({ told: [...leased, file("a.txt"), 400_000] });
    expect(explained()).toMatchObject({
      condition: "stuck",
      cause: expect.stringMatching(/nothing that was seen says why/),
    });
  });
});
