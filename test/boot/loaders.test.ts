import { describe, expect, test } from "vitest";
import type { NodeFacts } from "../../src/boot/facts.ts";
import type { LoaderChoice } from "../../src/boot/loader.ts";
import { availableLoaders, Loaders } from "../../src/boot/loaders.ts";
import { type Instant, after as later } from "../../src/bytes/instant.ts";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { LOADER_FAILURES_MS, LOADERS_REMEMBERED_MAX } from "../../src/limits.ts";
import { sketchedTree } from "../sim/tree.ts";
import { firmware, ip, mac } from "./firmware.ts";

const all = [
  "lpxelinux.0",
  "pxelinux.0",
  "ldlinux.c32",
  "undionly.kpxe",
  "ipxe.pxe",
  "snponly.efi",
  "ipxe.efi",
  "shimx64.efi",
  "grubx64.efi",
  "grubnetx64.efi",
];

class Told {
  now = 0 as Instant;
  choice: LoaderChoice = "auto";
  available: ReadonlySet<string> = new Set(all);
  httpPort = 80;
  proxied = false;
  readonly warnings: string[] = [];
  readonly loaders = new Loaders({
    now: () => this.now,
    settings: () => ({
      serverAddress: ip("10.77.0.1"),
      httpPort: this.httpPort,
      available: this.available,
      choiceOf: () => this.choice,
      proxied: this.proxied,
    }),
    warn: (text) => this.warnings.push(text),
  });

  file(facts: NodeFacts): string | undefined {
    return this.loaders.bootFile(facts);
  }

  /** DISCOVER and REQUEST, then the transfer of what they were told. */
  boot(facts: NodeFacts): string | undefined {
    this.now = later(this.now, 60_000);
    const told = this.file(facts);
    expect(this.file(facts)).toBe(told);
    const name = told?.replace(/^http:\/\/[^/]*\//, "");
    if (name !== undefined) this.loaders.fetched(ip("10.77.0.11"), name, facts.mac);
    return told;
  }
}

describe("the boot file", () => {
  test("a path for TFTP, a URL for iPXE and for UEFI HTTP boot", () => {
    const told = new Told();
    expect(told.file(firmware(0))).toBe("lpxelinux.0");
    expect(told.file(firmware(7))).toBe("shimx64.efi");
    expect(told.file(firmware(0, { isIpxe: true }))).toBe("http://10.77.0.1/boot.ipxe");
    expect(told.file(firmware(16, { isHttpClient: true }))).toBe("http://10.77.0.1/snponly.efi");
    told.httpPort = 8080;
    expect(told.file(firmware(7, { isIpxe: true }))).toBe("http://10.77.0.1:8080/boot.ipxe");
  });

  test("only what is there, and what its second stage is there for", () => {
    const told = new Told();
    told.available = new Set(["lpxelinux.0", "pxelinux.0", "undionly.kpxe", "shimx64.efi"]);
    expect(told.file(firmware(0))).toBe("undionly.kpxe");
    expect(told.file(firmware(7))).toBeUndefined();
    told.available = new Set(["shimx64.efi", "grubnetx64.efi"]);
    expect(told.file(firmware(7))).toBe("grubnetx64.efi");
    expect(told.file(firmware(11))).toBeUndefined();
    expect(told.file(firmware(0, { isIpxe: true }))).toBe("http://10.77.0.1/boot.ipxe");
  });

  test("none for what is no firmware", () => {
    expect(new Told().file(firmware(undefined))).toBeUndefined();
  });

  test("a Raspberry Pi says that it is a BIOS: it gets its own firmware or nothing", () => {
    const told = new Told();
    const pi = firmware(0, { mac: "d8:3a:dd:01:02:03" });
    expect(told.file(pi)).toBeUndefined();
    told.available = new Set([...all, "start4.elf"]);
    expect(told.file(pi)).toBe("start4.elf");
    expect(told.file({ ...pi, isIpxe: true })).toBe("http://10.77.0.1/boot.ipxe");
  });

  test("beside another DHCP server: iPXE before GRUB", () => {
    const told = new Told();
    told.proxied = true;
    expect(told.file(firmware(7))).toBe("snponly.efi");
    expect(told.file(firmware(16, { isHttpClient: true }))).toBe("http://10.77.0.1/snponly.efi");
  });
});

describe("ipxe-driver-fails: firmware whose iPXE comes to nothing", () => {
  test("HTTP boot under Secure Boot, which refuses iPXE: gets the disk with the signed GRUB", () => {
    const told = new Told();
    const http = firmware(16, { isHttpClient: true });
    const boots = Array.from({ length: 4 }, () => told.boot(http));
    const [ipxe, disk] = ["snponly.efi", "uefi-x64.img"].map((name) => `http://10.77.0.1/${name}`);
    expect(boots).toEqual([ipxe, ipxe, disk, disk]);
    expect(told.warnings).toHaveLength(1);
  });

  test("gets the next loader after two times: the other iPXE, then PXELINUX", () => {
    const told = new Told();
    told.choice = "ipxe";
    const boots = Array.from({ length: 8 }, () => told.boot(firmware(0)));
    expect(boots).toEqual([
      "undionly.kpxe",
      "undionly.kpxe",
      "ipxe.pxe",
      "ipxe.pxe",
      "lpxelinux.0",
      "lpxelinux.0",
      "lpxelinux.0",
      "lpxelinux.0",
    ]);
    expect(told.warnings).toEqual([
      "52:54:00:77:00:01 loaded undionly.kpxe 2 times and came back each time: it gets ipxe.pxe now (quirk ipxe-driver-fails)",
      "52:54:00:77:00:01 loaded ipxe.pxe 2 times and came back each time: it gets lpxelinux.0 now (quirk ipxe-driver-fails)",
    ]);
  });

  test("UEFI: snponly.efi, ipxe.efi, then GRUB", () => {
    const told = new Told();
    told.choice = "ipxe";
    const boots = Array.from({ length: 6 }, () => told.boot(firmware(7)));
    expect(boots.filter((_, index) => index % 2 === 0)).toEqual([
      "snponly.efi",
      "ipxe.efi",
      "shimx64.efi",
    ]);
  });

  test("not firmware whose iPXE spoke up, however often it boots", () => {
    const told = new Told();
    told.choice = "ipxe";
    for (let boots = 0; boots < 10; boots += 1) {
      expect(told.boot(firmware(0))).toBe("undionly.kpxe");
      expect(told.file(firmware(0, { isIpxe: true }))).toBe("http://10.77.0.1/boot.ipxe");
    }
    expect(told.warnings).toEqual([]);
  });

  test("nor one that came further in another way", () => {
    const told = new Told();
    told.choice = "ipxe";
    for (let boots = 0; boots < 10; boots += 1) {
      expect(told.boot(firmware(0))).toBe("undionly.kpxe");
      told.loaders.cameFurther(mac("52:54:00:77:00:01"));
    }
  });

  test("nor one that asks again and again without having fetched anything: the loader is not at fault", () => {
    const told = new Told();
    told.choice = "ipxe";
    for (let asked = 0; asked < 10; asked += 1) {
      told.now = later(told.now, 4000);
      expect(told.file(firmware(0))).toBe("undionly.kpxe");
    }
  });

  test("nor two failures with a long time between them", () => {
    const told = new Told();
    told.choice = "ipxe";
    for (let boots = 0; boots < 6; boots += 1) {
      expect(told.boot(firmware(0))).toBe("undionly.kpxe");
      told.now = later(told.now, LOADER_FAILURES_MS);
    }
  });

  test("what it came further with stays its loader", () => {
    const told = new Told();
    told.choice = "ipxe";
    for (let boots = 0; boots < 3; boots += 1) told.boot(firmware(7));
    told.file(firmware(7, { isIpxe: true }));
    expect(told.boot(firmware(7))).toBe("ipxe.efi");
    expect(told.boot(firmware(7, { mac: "52:54:00:77:00:02" }))).toBe("snponly.efi");
  });

  test("the last of all stays: there is nothing else", () => {
    const told = new Told();
    told.choice = "ipxe";
    told.available = new Set(["snponly.efi", "ipxe.efi"]);
    const boots = Array.from({ length: 9 }, () => told.boot(firmware(7)));
    expect(boots.slice(2)).toEqual(Array.from({ length: 7 }, () => "ipxe.efi"));
    expect(told.warnings.length).toBe(1);
  });

  test("Secure Boot refuses iPXE after the download, also beside another DHCP server: shim follows", () => {
    const told = new Told();
    told.proxied = true;
    const boots = Array.from({ length: 5 }, () => told.boot(firmware(7)));
    expect(boots[4]).toBe("shimx64.efi");
  });
});

describe("what an address last loaded", () => {
  test("is remembered, newest first forgotten last", () => {
    const { loaders } = new Told();
    const first = ip("10.0.0.1");
    loaders.fetched(first, "pxelinux.0", undefined);
    loaders.fetched(first, "lpxelinux.0", undefined);
    expect(loaders.loaderAt(first)).toBe("lpxelinux.0");
    for (let n = 1; n < LOADERS_REMEMBERED_MAX; n += 1) {
      loaders.fetched(ipv4(first + n), "ipxe.efi", undefined);
    }
    expect(loaders.loaderAt(first)).toBe("lpxelinux.0");
    loaders.fetched(ipv4(first - 1), "ipxe.efi", undefined);
    expect(loaders.loaderAt(first)).toBeUndefined();
    expect(loaders.loaderAt(ipv4(first + 1))).toBe("ipxe.efi");
  });
});

describe("availableLoaders", () => {
  const debian = sketchedTree({
    usr: {
      lib: {
        PXELINUX: { "pxelinux.0": "", "lpxelinux.0": "" },
        syslinux: { modules: { bios: { "ldlinux.c32": "" } } },
        ipxe: { "snponly.efi": "", "undionly.kpxe": { link: "missing" } },
        shim: { "shimx64.efi.signed": "" },
        grub: { "x86_64-efi-signed": { "grubnetx64.efi.signed": "" } },
      },
    },
    "ipxe.efi": "not where Debian has it",
  });
  const pi = sketchedTree({ boot: { firmware: { "start4.elf": "" } } });

  test("finds what any of the trees has, where its package puts it", async () => {
    expect([...(await availableLoaders([debian, pi]))].sort()).toEqual([
      "grubx64.efi",
      "ldlinux.c32",
      "lpxelinux.0",
      "pxelinux.0",
      "shimx64.efi",
      "snponly.efi",
      "start4.elf",
    ]);
  });

  test("and what the overlay has by its bare name", async () => {
    const overlay = sketchedTree({ "ipxe.efi": "own", usr: { lib: { ipxe: { "ipxe.pxe": "" } } } });
    expect([...(await availableLoaders([], overlay))]).toEqual(["ipxe.efi"]);
  });
});
