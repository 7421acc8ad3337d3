import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { udpFrames } from "../captures.ts";
import { addServerInterface, type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, outcome, serveIn, sidus, smallTree } from "../sidus.ts";

/** `sidus serve` as a process of its own, in a private network: what an administrator sees of it. */

const lacking = lackingOf("ip", "nsenter", "curl");
const notRoot = lackingOf("root");

describe.skipIf(lacking !== undefined)(title("sidus serve", lacking), () => {
  const tree = directoryOf(smallTree);
  const work = directoryOf({});
  const config = join(work, "sidus.yaml");
  const ready = join(work, "ready");
  let namespace: Namespace;

  beforeAll(async () => {
    namespace = await openNamespace();
    addServerInterface(namespace, "room0", "10.13.20.1/24");
  });
  afterAll(async () => {
    await namespace?.[Symbol.asyncDispose]();
    for (const directory of [tree, work]) rmSync(directory, { recursive: true });
  });

  function write(change: (text: string) => string = (text) => text): void {
    writeFileSync(
      config,
      change(`interface: room0
state: ${work}/state
dhcp: { range: 10.13.20.50-10.13.20.99 }
exports:
  sidus: { source: ${tree} }
`),
    );
  }

  function get(path: string): string {
    return namespace.run(
      "curl",
      "--silent",
      "--show-error",
      "--max-time",
      "5",
      `http://10.13.20.1${path}`,
    );
  }

  /** The one line that says why it does not start. */
  async function refusal(...prefix: string[]): Promise<string> {
    const command = [...prefix, process.execPath, "src/main.ts", "serve", "-c", config];
    const [program = "", ...args] = [...namespace.enter, ...command];
    const { code, stderr } = await outcome(program, args);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(2);
    return stderr;
  }

  test("listens, says so, serves out of the tree, and stops in order", async () => {
    write();
    await using served = await serveIn(namespace, config, ready);
    expect(get("/sidus/boot/vmlinuz-6.1.0-1-amd64")).toBe(smallTree["boot/vmlinuz-6.1.0-1-amd64"]);
    expect(get("/pxelinux.cfg/default")).toContain("KERNEL sidus/boot/vmlinuz-6.1.0-1-amd64");
    expect(JSON.parse(get("/status.json"))).toMatchObject({ nodes: [] });
    expect(await served.stop()).toBe(0);
    expect(served.log()).toContain("stopping");
  });

  test("SIGHUP takes on a changed configuration, and keeps the old one where the new one is wrong", async () => {
    write();
    await using served = await serveIn(namespace, config, ready);
    write((text) => `${text}boot: { labels: { tmpfs: { append: quiet } } }\n`);
    served.process.kill("SIGHUP");
    await expect.poll(() => get("/pxelinux.cfg/default")).toContain("/up quiet\n");
    write((text) => `${text}boot: { default: nothing }\n`);
    served.process.kill("SIGHUP");
    await expect
      .poll(() => served.log())
      .toMatch(/boot\.default: expected one of tmpfs, iscsi, .*local/);
    write((text) => text.replace("room0", "lo"));
    served.process.kill("SIGHUP");
    await setTimeout(200);
    expect(get("/pxelinux.cfg/default")).toContain("/up quiet\n");
  });

  test("SIGHUP takes on a tree that was built anew in the old one's place", async () => {
    write();
    await using served = await serveIn(namespace, config, ready);
    const kernel = "/sidus/boot/vmlinuz-6.1.0-1-amd64";
    get(kernel);
    const rebuilt = directoryOf({ ...smallTree, "boot/vmlinuz-6.1.0-1-amd64": "another kernel" });
    renameSync(tree, `${tree}.old`);
    renameSync(rebuilt, tree);
    served.process.kill("SIGHUP");
    await expect.poll(() => get(kernel)).toBe("another kernel");
    rmSync(tree, { recursive: true });
    renameSync(`${tree}.old`, tree);
  });

  test("firmware that there is no loader for is named", async () => {
    write();
    await using served = await serveIn(namespace, config, ready);
    const discover = udpFrames("c-uefi-grub").find((frame) => frame.to.port === 67);
    const hex = Buffer.from(discover?.bytes ?? []).toString("hex");
    const send = `require("dgram").createSocket("udp4").send(Buffer.from("${hex}", "hex"), 67, "10.13.20.1", process.exit)`;
    namespace.run(process.execPath, "--eval", send);
    await expect.poll(() => served.log()).toContain("is of PXE architecture 7 and needs one of");
  });

  test("forged datagrams from port 0, also to a transfer: nothing dies", async () => {
    write();
    await using served = await serveIn(namespace, config, ready);
    const script = fileURLToPath(new URL("port-zero.pl", import.meta.url));
    namespace.run("perl", script, "10.13.20.1");
    expect(get("/status.json")).toContain("nodes");
    expect(await served.stop()).toBe(0);
  });

  test("a port in use", async () => {
    write();
    await using _ = await serveIn(namespace, config, ready);
    write((text) => text.replace("/state", "/other-state"));
    expect(await refusal()).toMatch(
      /cannot listen on TCP 10.13.20.1:2049: another program has it; `ss -ltnp sport = :2049` names it/,
    );
  });

  test("no right to bind ports below 1024", async () => {
    write();
    const dropped = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"];
    expect(await refusal(...dropped)).toContain("no right to bind a port below 1024; run as root");
  });

  test("a tree that is not there", async () => {
    write((text) => text.replace(tree, "/srv/nowhere"));
    expect(await refusal()).toContain("/srv/nowhere");
  });
});

describe("the command line", () => {
  test("wrong usage is exit 2 and one line", async () => {
    const { code, stderr } = await sidus("serve");
    expect(code).toBe(2);
    expect(stderr).toContain("required option '-c, --config <file>' not specified");
    expect((await sidus("sreve")).code).toBe(2);
  });

  test.skipIf(notRoot !== undefined)(title("a missing package is named", notRoot), async () => {
    // dpkg's records of a machine on which nothing is installed.
    const records = directoryOf({ status: "", available: "", "info/format": "1\n" });
    const command = [`DPKG_ADMINDIR=${records}`, process.execPath, "src/main.ts", "demo"];
    const { code, stderr } = await outcome("env", command);
    expect(code).toBe(2);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(
      /missing Debian packages: .*qemu-system-x86.*`apt-get install .*` or `sidus doctor demo --fix`/,
    );
  });

  test.each(["serve", "build", "demo", "doctor"])("%s --help has an example", async (command) => {
    const { code, stdout } = await sidus(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toContain("Example:\n");
  });
});
