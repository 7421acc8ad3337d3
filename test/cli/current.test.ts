import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type MacAddress, parseMac } from "../../src/bytes/mac.ts";
import { currentOf, refuseFixedChanges, warnOfKernels } from "../../src/cli/current.ts";
import { loadConfig } from "../../src/config/load.ts";
import { systemClock } from "../../src/net/clock.ts";
import { interfaceAddresses } from "../../src/net/interfaces.ts";
import { Trees } from "../../src/plane/trees.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { Parents } from "../../src/tree/parents.ts";
import { directoryOf, smallTree } from "../sidus.ts";

const uuid = "4c4c4544-0042-3510-8052-b4c04f4e3132";
const mac = parseMac("525400770001") as MacAddress;

function configOf(more: string) {
  const directory = directoryOf({ "overlay/tool.efi": "tool", "overlay/tool": "tool" });
  const tree = directoryOf(smallTree);
  const file = join(directory, "sidus.yaml");
  writeFileSync(
    file,
    `interface: lo
exports: { sidus: { source: ${tree} }, other: { source: ${directory} } }
nodes: [{ uuid: ${uuid}, ip: 127.0.0.9, name: n1 }]
${more.replaceAll("OVERLAY", join(directory, "overlay"))}`,
  );
  return loadConfig(file, interfaceAddresses());
}

function trees(): Trees {
  return new Trees({
    clock: systemClock,
    warn() {},
    cache: BlockCache.create(4 << 20),
    parents: Parents.create(),
  });
}

describe("what is served now", () => {
  test("labels have their exports, nodes are known by what they said, loaders are found", async () => {
    await using opened = trees();
    const labels =
      "boot: { labels: { a: { program: /x, export: other }, m: { message: hi }, d: { local: { disk: 2 } } } }";
    const said = { uuid, serial: undefined };
    const current = await currentOf(configOf(labels), opened, (of) =>
      of === mac ? said : undefined,
    );
    const shown = [...current.labels].map(([name, label]) => [
      name,
      "export" in label ? label.export.name : label.kind,
    ]);
    expect(Object.fromEntries(shown)).toEqual({
      tmpfs: "sidus",
      iscsi: "sidus",
      admin: "sidus",
      local: "local",
      a: "other",
      m: "message",
      d: "local",
    });
    expect(current.inventory.byMac(mac)?.name).toBe("n1");
    expect(current.loaders).toContain("pxelinux.0");
    expect(current.loaders).not.toContain("shimx64.efi");
  });

  test("labels that cannot boot are named; the overlay's files count", async () => {
    await using opened = trees();
    const labels = `boot:
  overlay: OVERLAY
  labels:
    tmpfs: { export: other }
    a: { program: /tool.efi }
    b: { program: /tool, initrd: [/boot/initrd.img-6.1.0-1-amd64, /no] }
    c: { kernel: /k, initrd: /i }
`;
    const warned: string[] = [];
    const current = await currentOf(configOf(labels), opened, () => undefined);
    await warnOfKernels(current, (text) => warned.push(text));
    expect(warned).toEqual([
      expect.stringMatching(/^label tmpfs cannot boot: the tree other has no /),
      "label b cannot boot: the tree sidus has no file /no, nor has the overlay",
      "label c cannot boot: the tree sidus has no file /k",
    ]);
  });

  test("a reload changes neither the mode nor a port", () => {
    const old = configOf("");
    expect(() => refuseFixedChanges(old, old)).not.toThrow();
    for (const [key, next] of [
      ["dhcp.mode", { ...old, dhcp: { ...old.dhcp, mode: "proxy" as const } }],
      ["ports", { ...old, ports: { ...old.ports, proxy: 4012 } }],
    ] as const) {
      expect(() => refuseFixedChanges(old, next)).toThrow(`${key}: changes only at a restart`);
    }
  });
});
