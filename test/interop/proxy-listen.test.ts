import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Finding } from "../../src/cli/doctor-findings.ts";
import { type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { outcome } from "../sidus.ts";

/** `sidus doctor --listen` among foreign DHCP servers, proxies, relays and clients, each in a network namespace of its own. */

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const lacking = lackingOf("dnsmasq", "dhcrelay", "dhclient", "busybox", "ip", "nsenter", "setpriv");

/** A switch with us on it, at 10.67.0.9, and who else joins. */
async function openNetwork() {
  const stack = new AsyncDisposableStack();
  const us = stack.use(await openNamespace());
  const bridge = "type bridge stp_state 0 forward_delay 0";
  us.run("ip", ..."link add lan0".split(" "), ...bridge.split(" "));
  us.run("ip", ..."addr add 10.67.0.9/24 brd + dev lan0".split(" "));
  us.run("ip", ..."link set lan0 up".split(" "));
  const children: ChildProcess[] = [];
  const start = async (where: Namespace, command: string, args: readonly string[]) => {
    const child = where.spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    let says = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (bytes) => {
        says += String(bytes);
      });
    }
    while (says === "" && child.exitCode === null) await sleep(20);
    if (child.exitCode !== null) throw new Error(`${command}: ${says}`);
  };
  let joined = 0;
  const join = async (address: string | undefined): Promise<Namespace> => {
    const other = stack.use(await openNamespace());
    joined += 1;
    const port = `port${joined}`;
    us.run("ip", ..."link add".split(" "), port, ..."type veth peer name eth0".split(" "));
    us.run("ip", "link", "set", "eth0", "netns", String(other.enter[2]));
    us.run("ip", "link", "set", port, "master", "lan0", "up");
    if (address !== undefined) {
      other.run("ip", ..."addr add".split(" "), address, ..."brd + dev eth0".split(" "));
    }
    other.run("ip", ..."link set eth0 up".split(" "));
    return other;
  };
  const dnsmasq = (where: Namespace, ...args: string[]) =>
    start(where, "dnsmasq", [
      ...["--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--port=0", "--leasefile-ro"],
      ...["--no-ping", ...args],
    ]);
  const doctor = async (...args: string[]) => {
    const [command = "", ...enter] = us.enter;
    const inside = [...enter, process.execPath, main, "doctor", ...args, "--json"];
    const { code, stdout, stderr } = await outcome(command, inside);
    const findings: Finding[] = stdout === "" ? [] : JSON.parse(stdout);
    return { code, stderr, said: findings.map(({ state, what }) => `${state} ${what}`) };
  };
  stack.defer(async () => {
    for (const child of children) {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.kill("SIGKILL")) await ended;
    }
  });
  return {
    us,
    join,
    start,
    dnsmasq,
    doctor,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe.skipIf(lacking)(title("sidus doctor --listen", lacking), () => {
  test("asks, and names the server and the proxy, and takes no lease", async () => {
    await using network = await openNetwork();
    const server = await network.join("10.67.0.2/24");
    const proxy = await network.join("10.67.0.3/24");
    await network.dnsmasq(server, "--dhcp-range=10.67.0.50,10.67.0.50");
    const boots = ["--dhcp-boot=pxelinux.0", "--pxe-service=ARM64_EFI,Other,other"];
    await network.dnsmasq(proxy, "--dhcp-range=10.67.0.0,proxy", ...boots);
    const { code, said, stderr } = await network.doctor("--listen", "2", "--probe");
    expect(said, stderr).toContainEqual("blocked DHCP server 10.67.0.2 gives addresses on lan0");
    expect(said).toContainEqual(
      expect.stringMatching(
        /^blocked ProxyDHCP server 10\.67\.0\.3 says on lan0 what to boot: "pxel/,
      ),
    );
    expect(said.at(-1)).toBe("ok heard in 2 s on lan0: 0 clients, 0 of them netbooting");
    expect(code).toBe(1);
    // The one address that there is can still be had.
    const client = await network.join(undefined);
    const udhcpc = "udhcpc -i eth0 -f -q -n -t 5 -T 1 -s /bin/true".split(" ");
    expect(client.run("busybox", ...udhcpc)).toBeDefined();
  }, 30_000);

  test("without --probe hears a client take an offer, and says nothing itself", async () => {
    await using network = await openNetwork();
    const server = await network.join("10.67.0.2/24");
    await network.dnsmasq(server, "--dhcp-range=10.67.0.50,10.67.0.60", "--log-dhcp");
    const client = await network.join(undefined);
    const silent = await network.doctor("--listen", "1");
    expect(silent.said[0]).toMatch(/^ok no DHCP server on lan0 was heard \(.*--probe asks\)/);
    expect(silent.code).toBe(0);
    // Over and over: one exchange may be done before the listening begins.
    const once = "busybox udhcpc -i eth0 -f -q -n -t 1 -T 1 -s /bin/true";
    await network.start(client, "sh", ["-c", `while :; do ${once}; sleep 0.2; done`]);
    const { said } = await network.doctor("--listen", "2");
    expect(said[0]).toBe("blocked DHCP server 10.67.0.2 gives addresses on lan0");
    expect(said.at(-1)).toContain("1 client, 0 of them netbooting");
  }, 30_000);

  test("a server of another network, and the relay that brings it", async () => {
    await using network = await openNetwork();
    const relay = await network.join("10.67.0.254/24");
    await using far = await openNamespace();
    relay.run(
      "ip",
      ..."link add eth1 type veth peer name eth0".split(" "),
      "netns",
      String(far.enter[2]),
    );
    relay.run("ip", ..."addr add 10.68.0.254/24 dev eth1".split(" "));
    relay.run("ip", ..."link set eth1 up".split(" "));
    far.run("ip", ..."addr add 10.68.0.1/24 dev eth0".split(" "));
    far.run("ip", ..."link set eth0 up".split(" "));
    far.run("ip", ..."route add default via 10.68.0.254".split(" "));
    await network.dnsmasq(far, "--dhcp-range=10.67.0.50,10.67.0.60,255.255.255.0");
    await network.start(relay, "dhcrelay", [
      ...["-4", "-d", "-iu", "eth1", "-id", "eth0", "--no-pid", "10.68.0.1"],
    ]);
    const { said, stderr } = await network.doctor("--listen", "2", "--probe");
    expect(said, stderr).toContain(
      "blocked DHCP server 10.68.0.1 gives addresses on lan0, through the relay 10.67.0.254",
    );
    expect(said).toContainEqual(expect.stringMatching(/^ok DHCP relay 10\.67\.0\.254/));
  }, 30_000);

  test("a DHCP client on this machine is no hindrance", async () => {
    await using network = await openNetwork();
    const server = await network.join("10.67.0.2/24");
    await network.dnsmasq(server, "--dhcp-range=10.67.0.50,10.67.0.60");
    const files = ["-lf", "/dev/null", "-pf", "/dev/null", "-sf", "/bin/true"];
    await network.start(network.us, "dhclient", ["-d", ...files, "lan0"]);
    const { said } = await network.doctor("--listen", "2", "--probe");
    expect(said).toContain("blocked DHCP server 10.67.0.2 gives addresses on lan0");
  }, 30_000);

  test("a program that has port 68 for itself is named, once", async () => {
    await using network = await openNetwork();
    const taking = 'require("dgram").createSocket("udp4").bind(68, () => console.log("bound"))';
    await network.start(network.us, process.execPath, ["-e", taking]);
    const { said, code } = await network.doctor("--listen", "1", "--probe");
    expect(said[0]).toMatch(/^blocked UDP port 68: node\S* \(process \d+\) has it for itself/);
    expect(said.filter((line) => line.startsWith("blocked"))).toHaveLength(1);
    expect(code).toBe(1);
  }, 30_000);

  test("without the right to low ports: one line that says what to do", async () => {
    await using network = await openNetwork();
    const [command = "", ...enter] = network.us.enter;
    const drop = ["setpriv", "--bounding-set=-net_bind_service"];
    const { code, stderr } = await outcome(command, [
      ...[...enter, ...drop, process.execPath, main, "doctor", "--listen", "1"],
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^sidus: cannot listen on UDP .*: no right to bind a port below 1024; run/m,
    );
  }, 30_000);

  test("wrong words: usage", async () => {
    for (const words of [["--probe"], ["--listen", "0"], ["--listen", "serve"]]) {
      const { code } = await outcome(process.execPath, [main, "doctor", ...words]);
      expect(code, words.join(" ")).toBe(2);
    }
  });
});
