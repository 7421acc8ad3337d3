import { chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../../needs.ts";
import { openOrdinaryUser } from "../../ordinary-user.ts";
import { directoryOf, type Outcome, sidus } from "../../sidus.ts";
import { BUILD_MS } from "../debian.ts";
import { networkCard, startQemu } from "../qemu.ts";
import { openRoom, type Room } from "../served-room.ts";

/** Another release than the default: a directory that root built boots, and an image that an ordinary user built. */

const lacking =
  lackingOf(
    ...([
      "root",
      "mmdebstrap",
      "mkfs.erofs",
      "newuidmap",
      "setpriv",
      "qemu-system-x86_64",
    ] as const),
    ...(["ip", "nsenter", "curl"] as const),
  ) ?? (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

const BOOT_MS = 600_000;
const suite = "trixie";
const nodes = [
  { mac: "52:54:00:13:20:01", name: "node1", ip: "10.13.20.11", label: "directory" },
  { mac: "52:54:00:13:20:02", name: "node2", ip: "10.13.20.12", label: "image" },
] as const;

function wellDone({ code, stdout, stderr }: Outcome): string {
  expect(code, stderr).toBe(0);
  return stdout;
}

describe.skipIf(lacking !== undefined)(title(`nodes boot ${suite}`, lacking), () => {
  const work = directoryOf({});
  const directory = join(work, "directory");
  let room: Room;
  let digest = "";

  beforeAll(async () => {
    const build = ["build", "room", "--suite", suite, "--json"];
    const log = ["--log", join(work, "build.log")];
    wellDone(await sidus(...build, "--dir", "--output", directory, ...log));
    // Of this run, and else its own user's alone.
    chmodSync(tmpdir(), 0o711);
    const user = openOrdinaryUser();
    const own = ["--images", join(user.home, "images")];
    const sidusOfUser = user.node("src/main.ts");
    const logOfUser = ["--log", join(user.home, "build.log")];
    const built = await user.run(...sidusOfUser, ...build, ...own, ...logOfUser);
    digest = JSON.parse(wellDone(built)).image.digest;

    room = await openRoom({
      exports: { directory: { source: directory }, image: { image: "room" } },
      boot: {
        labels: Object.fromEntries(
          nodes.map(({ label }) => [
            label,
            { export: label, layer: "tmpfs", append: "console=ttyS0,115200 mitigations=off" },
          ]),
        ),
      },
      nodes,
    });
    const bundle = join(work, "bundle");
    wellDone(await sidus("image", "export", "room", "--output", bundle, ...own));
    wellDone(await sidus("image", "import", bundle, "--use", "--images", room.images));
    for (const { name } of nodes) room.addPort(name);
    await room.start();
  }, 2 * BUILD_MS);
  afterAll(() => room?.[Symbol.asyncDispose]());

  test.each(nodes)("$label, to multi-user", { timeout: BOOT_MS + 60_000 }, async (of) => {
    await using node = startQemu(room.namespace, ["-m", "1024", ...networkCard(of.name, of.mac)]);
    const up = (): boolean => {
      if (node.hasEnded()) throw new Error(node.console().slice(-2000));
      return node.console().includes(`${of.name} runs room `);
    };
    await expect.poll(up, { timeout: BOOT_MS, interval: 500 }).toBe(true);
    expect(node.console()).toContain("layer tmpfs");
    expect(node.console()).toContain("Debian GNU/Linux 13");
    const shown = of.label === "image" ? `, image room@${digest.slice(0, 12)}` : "";
    expect(node.console()).toMatch(
      new RegExp(`node\\d runs room \\(kernel \\S+\\)${shown}, layer`),
    );
  });
});
