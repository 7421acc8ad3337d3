import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf, sidus } from "../../sidus.ts";
import { BUILD_MS } from "../debian.ts";
import { networkCard, type Qemu, startQemu } from "../qemu.ts";
import { openRoom, type Room } from "../served-room.ts";
import { nodeChecks } from "./node-checks.ts";

/**
 * All that a recipe asks for, seen by a node that boots the image built from it: when it has settled, it asks itself
 * nodeChecks and answers on its console.
 */

const lacking =
  lackingOf("root", "mmdebstrap", "mkfs.erofs", "qemu-system-x86_64", "ip", "nsenter", "curl") ??
  (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

const BOOT_MS = 600_000;
const recipe = fileURLToPath(new URL("recipe.yaml", import.meta.url));

describe.skipIf(lacking !== undefined)(title("a node of a recipe's", lacking), () => {
  const work = directoryOf({});
  let room: Room;
  let node: Qemu;
  let answers: ReadonlyMap<string, string>;
  let digest = "";

  beforeAll(async () => {
    room = await openRoom({
      exports: { room: { image: "room" } },
      boot: { labels: { tmpfs: { append: "console=ttyS0,115200 mitigations=off" } } },
      nodes: [{ mac: "52:54:00:13:20:01", name: "n1", ip: "10.13.20.11" }],
    });
    const file = join(work, "recipe.yaml");
    writeFileSync(file, stringify(askingRecipe()));
    const to = ["--image", "--images", room.images, "--log", join(work, "build.log"), "--json"];
    const built = await sidus("build", "room", "--recipe", file, ...to);
    expect(built.code, built.stderr).toBe(0);
    digest = JSON.parse(built.stdout).image.digest;
    room.addPort("n1");
    await room.start();
    node = startQemu(room.namespace, ["-m", "1024", ...networkCard("n1", "52:54:00:13:20:01")]);
    const deadline = performance.now() + BOOT_MS;
    while (!node.hasEnded() && !node.console().includes("ASKED: all")) {
      if (performance.now() > deadline) throw new Error(node.console().slice(-2000));
      await setTimeout(500);
    }
    answers = answersIn(node.console());
  }, 2 * BUILD_MS);
  afterAll(async () => {
    await node?.[Symbol.asyncDispose]();
    await room?.[Symbol.asyncDispose]();
  });

  test.each(nodeChecks)("$item", ({ item, answer }) => {
    expect(answers.get(item)).toBe(answer);
  });

  test("says on its console, and to the server, the digest that it runs", () => {
    expect(node.console()).toContain(digest.slice(0, 12));
    const { nodes } = JSON.parse(room.get("/status.json"));
    expect(nodes).toMatchObject([{ name: "n1", stage: "up", digest }]);
  });
});

/** The recipe, with a unit that asks when all else has been started. */
function askingRecipe(): object {
  const given = parse(readFileSync(recipe, "utf8"), { schema: "failsafe" });
  const asks = nodeChecks.map(
    ({ item, asked }) => `(\n${asked}\n) 2>&1 </dev/null | base64 -w 0; echo ' ${encoded(item)}'`,
  );
  const files = {
    "/usr/local/sbin/ask": {
      content: `#!/bin/sh\n(\n${asks.join("\n")}\n) | sed 's/^/ASKED: /' >/dev/console\necho 'ASKED: all' >/dev/console\n`,
      mode: "0755",
    },
    "/etc/systemd/system/ask.service":
      "[Unit]\nAfter=multi-user.target sidus-up.service\n[Service]\nType=idle\nExecStart=/usr/local/sbin/ask\n[Install]\nWantedBy=multi-user.target\n",
  };
  const enable = [given.services.enable, "ask"].flat();
  return {
    ...given,
    files: { ...given.files, ...files },
    services: { ...given.services, enable },
  };
}

/** By item. In base64, what a console does to ends of lines changes nothing. */
function answersIn(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(/ASKED: ([\w+/=]*) ([\w+/=]+)/g);
  return new Map(
    [...found].map(([, answer = "", item = ""]) => [
      decoded(item),
      decoded(answer).replace(/\n$/, ""),
    ]),
  );
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}

function decoded(text: string): string {
  return Buffer.from(text, "base64").toString();
}
