import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { quirks } from "../../src/boot/quirks.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { readRequest } from "../../src/dhcp/facts.ts";
import { decodePacket } from "../../src/dhcp/packet.ts";
import { vendorOptions } from "../../src/dhcp/pxe.ts";
import { ascii, clientMessage } from "../dhcp/messages.ts";
import { firmware, mac } from "./firmware.ts";
import { kernel, text } from "./room.ts";

const root = new URL("../../", import.meta.url);

function source(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

describe("the table", () => {
  test("names each once, in lower case with dashes", () => {
    const ids = quirks.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
  });

  test("says what has it, how it shows, what is done, and who saw it, in one line each", () => {
    for (const { firmware, symptom, treatment, source } of quirks) {
      for (const said of [firmware, symptom, treatment, ...source]) {
        expect(said).toMatch(/^\S.*\S$/);
        expect(said).not.toMatch(/\.$/);
      }
      expect(source.length).toBeGreaterThan(0);
    }
  });

  test("captures that it names are there", () => {
    const named = quirks.flatMap((quirk) => quirk.source).filter((one) => /^boots\//.test(one));
    expect(named.length).toBeGreaterThan(5);
    for (const capture of named) {
      expect(existsSync(new URL(`fixtures/packets/${capture}.pcap.gz`, root))).toBe(true);
    }
  });

  test.each(quirks.flatMap(({ id, test: shown }) => (shown === undefined ? [] : [{ id, shown }])))(
    "$id: the test that shows its treatment is there",
    ({ shown }) => {
      expect(source(shown.file)).toContain(`"${shown.name}"`);
    },
  );

  test("has every quirk that the explainer and the loaders name", () => {
    const src = fileURLToPath(new URL("src/", root));
    const named = readdirSync(src, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => [...source(`src/${name}`).matchAll(/(?:\bquirk: |_QUIRK = )"([^"]+)"/g)])
      .map((found) => found[1]);
    expect(named).toContain("ipxe-driver-fails");
    const ids = quirks.map(({ id }) => id);
    expect(named.filter((id) => id !== undefined && !ids.includes(id))).toEqual([]);
  });
});

/** A DISCOVER with these options, as it is understood. */
function heard(more: readonly (readonly [number, readonly number[]])[]) {
  const packet = decodePacket(clientMessage({ type: 1, mac: mac("52:54:00:77:00:01"), more }));
  const request = isMalformed(packet) ? "malformed" : readRequest(packet);
  if (typeof request === "string") throw new Error(request);
  return request.facts;
}

const bios = [93, [0, 0]] as const;
const pxeClient = [60, ascii("PXEClient:Arch:00000:UNDI:002001")] as const;

describe("treatments", () => {
  test("ipxe-without-user-class", () => {
    // Of FlexBoot's option 175 as of iPXE's: `no-pxedhcp` is asked for by feature flags in it.
    expect(heard([bios, pxeClient, [175, [0xeb, 3, 1, 0, 0]]]).isIpxe).toBe(true);
    expect(heard([bios, pxeClient]).isIpxe).toBe(false);
  });

  test("text-ends-in-nul", () => {
    const httpClient = [60, ascii("HTTPClient:Arch:00016:UNDI:003001\0")] as const;
    expect(heard([httpClient])).toMatchObject({ architecture: 16, isHttpClient: true });
    expect(heard([bios, pxeClient, [77, ascii("iPXE\0")]]).isIpxe).toBe(true);
  });

  test("no-uuid", () => {
    expect(heard([bios, pxeClient])).toMatchObject({ architecture: 0, uuid: undefined });
  });

  test("pxeclient-without-43", () => {
    for (const architecture of [0, 6, 7, 9, 11]) {
      const codes = vendorOptions(firmware(architecture)).map(({ code }) => code);
      expect(codes.includes(60)).toBe(codes.includes(43));
    }
  });

  test("pi-wants-its-name", () => {
    const said = (mac: string) =>
      vendorOptions(firmware(0, { mac })).map(({ data }) => Buffer.from(data).toString("latin1"));
    expect(said("dc:a6:32:01:02:03").join("|")).toMatch(/^PXEClient\|.*Raspberry Pi Boot/s);
    expect(said("52:54:00:77:00:01").join("|")).not.toContain("Raspberry");
  });

  test("uefi-http-no-redirect", async () => {
    expect(await text("//sidus//boot/./vmlinuz")).toBe("kernel");
    expect(await text(`sidus/boot//vmlinuz-${kernel}`)).toBe("kernel");
  });

  test("pxelinux-ipappend", async () => {
    const shown = await text("pxelinux.cfg/default");
    expect(shown).toContain("IPAPPEND 2\n");
    expect(shown).toMatch(/APPEND .* ip=dhcp /);
  });

  test("many-cards", async () => {
    expect(await text("pxelinux.cfg/default")).toContain("IPAPPEND 2\n");
    expect(await text("boot.ipxe")).toMatch(/BOOTIF=01-\$\{net/);
    expect(await text("grub/grub.cfg")).toMatch(/BOOTIF=/);
  });
});
