import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { udpFrames } from "../captures.ts";
import { addServerInterface, type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, type Outcome, outcome, type Served, serveIn, smallTree } from "../sidus.ts";

/** `sidus explain` and `sidus status` beside a server that hears what real firmware sent. */

const lacking = lackingOf("ip", "nsenter");
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

describe.skipIf(lacking !== undefined)(title("a running server, asked", lacking), () => {
  const work = directoryOf({});
  const config = join(work, "sidus.yaml");
  let namespace: Namespace;
  let served: Served;

  beforeAll(async () => {
    namespace = await openNamespace();
    addServerInterface(namespace, "room0", "10.13.20.1/24");
    writeFileSync(
      config,
      `interface: room0
state: ${work}/state
dhcp: { range: 10.13.20.50-10.13.20.99, allow: ["52:54:00:77:00:01"] }
exports:
  sidus: { source: ${directoryOf(smallTree)} }
nodes:
  - { mac: "52:54:00:77:00:01", name: n1 }
  - { mac: "52:54:00:77:00:02", name: n2 }
`,
    );
    served = await serveIn(namespace, config, join(work, "ready"));
    // SeaBIOS with iPXE's ROM, and the same of a node that `allow` does not have.
    const discover = udpFrames("a-bios-tmpfs").find((frame) => frame.to.port === 67)?.bytes;
    const foreign = Uint8Array.from(discover ?? []);
    foreign[33] = 9;
    for (const bytes of [discover ?? foreign, foreign]) {
      const hex = Buffer.from(bytes).toString("hex");
      const send = `require("dgram").createSocket("udp4").send(Buffer.from("${hex}", "hex"), 67, "10.13.20.1", process.exit)`;
      namespace.run(process.execPath, "--eval", send);
    }
  });
  afterAll(async () => {
    await served?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
  });

  function ask(...args: readonly string[]): Promise<Outcome> {
    const [program = "", ...enter] = namespace.enter;
    return outcome(program, [...enter, process.execPath, main, ...args, "--config", config]);
  }

  test("who was offered an address, who was refused one, and who was never heard", async () => {
    await expect
      .poll(async () => (await ask("explain", "52:54:00:77:00:09")).stdout)
      .toContain("→ Add it");
    const one = await ask("explain", "n1");
    expect(one.stdout).toMatch(
      /^n1 {2}52:54:00:77:00:01: on its way\n.* DHCP DISCOVER of iPXE \(BIOS\): OFFER 10\.13\.20\./,
    );
    expect(one.code).toBe(0);
    const two = await ask("explain", "n2");
    expect(two.stdout).toMatch(/^52:54:00:77:00:02: unheard\nNothing was heard/);
    expect(two.code).toBe(0);
    const none = await ask("explain", "n3");
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toMatch(/^sidus: n3: no node of that name or address was heard/);
  });

  test("the status of all that were heard", async () => {
    const { stdout, code } = await ask("status");
    expect(stdout).toMatch(/^n1 +52:54:00:77:00:01 +- +BIOS, iPXE +heard +- /m);
    expect(stdout).toMatch(/^unknown +52:54:00:77:00:09 +- +- +heard +- /m);
    expect(code).toBe(0);
  });

  test("no server", async () => {
    await served.stop();
    const { code, stderr } = await ask("status");
    expect(stderr).toMatch(/^sidus: http:\/\/10\.13\.20\.1: does not answer \(.*ECONNREFUSED/);
    expect(code).toBe(1);
  });
});
