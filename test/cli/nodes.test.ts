import {
  chmodSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openControl } from "../../src/cli/control.ts";
import { nodesCommand } from "../../src/cli/nodes.ts";
import { UserError } from "../../src/user-error.ts";
import { directoryOf, sidus } from "../sidus.ts";

const room = `# my room
interface: lo
dhcp: { range: 127.0.0.50-127.0.0.60 }
exports: { sidus: { source: /srv/nfsroot/sidus } }
boot: { unknown: local }
nodes: # these
  - { mac: 52:54:00:77:00:01, name: n1, ip: 127.0.0.11, label: iscsi } # one
  - mac: 52:54:00:77:01:[01-03]
    name: p[1-3]
  - { uuid: 4c4c4544-0042-3510-8052-b4c04f4e3132, name: u1 }
  - { serial: S1, ip: 127.0.0.12 }
# end
`;

/** `sidus nodes … --config`, with a configuration of its own. */
function nodes(text = room, files: Readonly<Record<string, string>> = {}) {
  const directory = directoryOf({ ...files });
  const [config, state] = [join(directory, "sidus.yaml"), join(directory, "state")];
  const whole = `${text}state: ${state}\n`;
  writeFileSync(config, whole);
  const run = (...args: readonly string[]) => sidus("nodes", ...args, "--config", config);
  const json = async (...args: readonly string[]) =>
    JSON.parse((await run(...args, "--json")).stdout);
  const read = () => readFileSync(config, "utf8").replace(`state: ${state}\n`, "");
  return { directory, config, state, run, json, read };
}

/** A server that says what /status.json says. */
async function heard(answer: object) {
  const server = createServer((_, response) => response.end(JSON.stringify(answer)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

describe("sidus nodes", () => {
  test("each command has help, with an example", () => {
    const { commands } = nodesCommand();
    const names = commands.map((command) => command.name());
    expect(names.join(" ")).toBe("list add rm import export");
    for (const command of commands) {
      let help = "";
      const writeOut = (text: string): void => {
        help += text;
      };
      command.configureOutput({ writeOut }).outputHelp();
      expect(help).toMatch(new RegExp(`\nExample:\n  (sudo )?sidus nodes ${command.name()}`));
      expect(help).toContain("--config <file>");
    }
  });

  test.each<[readonly string[], RegExp, number]>([
    [["add", "52:54:00"], /^MAC: expected a MAC address as .*, found "52:54:00"$/, 2],
    [["add", "525400770009", "--name", "a b"], /^--name: expected letters, /, 2],
    [
      ["add", "525400770009", "--name", "a_b"],
      /sidus\.yaml:12: nodes\[4\]\.name: expected a host name: .*; nothing was changed$/,
      2,
    ],
    [["add", "525400770009", "--label", "x"], /nodes\[4\]\.label: expected one of tmpfs, /, 2],
    [["add", "525400770009", "--ip", "10.0.0.1"], /nodes\[4\]\.ip: expected an address in 127/, 2],
    [["add", "525400770009", "--name", "n1"], /\.name: n1 is already that of nodes\[0\]/, 2],
    [["add", "525400770102"], /: 525400770102 is nodes\[1\] already: /, 1],
    [["rm", "p2"], /: p2 is one of 3 nodes of a pattern, nodes\[1\]: change that by hand$/, 1],
    [["rm", "nobody"], /: names no node nobody: sidus nodes list has them$/, 1],
    [["import", "/nowhere/d.conf"], /^ENOENT: .*; name a file that is there$/, 1],
    [["import", "/dev/null"], /: neither `dhcp-host=` lines of dnsmasq nor `host … \{ \}` blo/, 2],
  ])("what is wrong is one line, and changes nothing: %j", async (args, message, exitCode) => {
    const { config, read, directory } = nodes();
    const command = nodesCommand().parseAsync([...args, "--config", config], { from: "user" });
    const error = await command.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof UserError)) throw new Error(`ended with ${error}`);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("\n");
    expect(error.exitCode).toBe(exitCode);
    expect(read()).toBe(room);
    expect(readdirSync(directory)).toEqual(["sidus.yaml"]);
  });
});

describe("sidus nodes list", () => {
  test("the configuration's nodes, where no server runs", async () => {
    const { run, config } = nodes(`${room}ports: { http: 1 }\n`);
    const { code, stdout, stderr } = await run("list");
    expect(code).toBe(0);
    expect(stderr).toBe(`no server answers at http://127.0.0.1:1: this is what ${config} says\n`);
    expect(
      stdout,
    ).toBe(`NAME  MAC                                   ADDRESS     LABEL  STAGE  LAST HEARD
n1    52:54:00:77:00:01                     127.0.0.11  iscsi  -      -
p1    52:54:00:77:01:01                     -           tmpfs  -      -
p2    52:54:00:77:01:02                     -           tmpfs  -      -
p3    52:54:00:77:01:03                     -           tmpfs  -      -
u1    4c4c4544-0042-3510-8052-b4c04f4e3132  -           tmpfs  -      -
-     S1                                    127.0.0.12  tmpfs  -      -
`);
  });

  test("with what the running server heard of them, and of others", async () => {
    const seen = { known: true, seconds: {}, stage: "up", lastHeardSecondsAgo: 7 };
    const stranger = { known: false, stage: "heard", mac: "52:54:00:00:00:01" };
    await using server = await heard({
      nodes: [
        { ...seen, ...stranger },
        { ...seen, mac: "52:54:00:77:00:01", address: "127.0.0.11", name: "n1" },
        { ...seen, mac: "02:00:00:00:00:01", address: "127.0.0.51", name: "u1", stage: "root" },
        { ...seen, mac: "02:00:00:00:00:02", address: "127.0.0.12" },
      ],
    });
    const { run, json } = nodes(`${room}ports: { http: ${server.port} }\n`);
    const { stdout, stderr } = await run("list");
    expect(stderr).toBe("");
    expect(stdout).toBe(`NAME     MAC                ADDRESS     LABEL  STAGE  LAST HEARD
n1       52:54:00:77:00:01  127.0.0.11  iscsi  up     7 s ago
p1       52:54:00:77:01:01  -           tmpfs  -      -
p2       52:54:00:77:01:02  -           tmpfs  -      -
p3       52:54:00:77:01:03  -           tmpfs  -      -
u1       02:00:00:00:00:01  127.0.0.51  tmpfs  root   7 s ago
-        02:00:00:00:00:02  127.0.0.12  tmpfs  up     7 s ago
unknown  52:54:00:00:00:01  -           local  heard  7 s ago
`);
    expect(await json("list", "--unknown")).toEqual([
      {
        mac: "52:54:00:00:00:01",
        label: "local",
        known: false,
        stage: "heard",
        lastHeardSecondsAgo: 7,
      },
    ]);
  });
});

describe("sidus nodes add and rm", () => {
  test("change what they must, and keep comments, mode and links", async () => {
    const { run, read, config, directory } = nodes();
    chmodSync(config, 0o640);
    symlinkSync(config, join(directory, "link.yaml"));
    const args = ["--name", "n9", "--ip", "127.0.0.19", "--label", "local"];
    const link = ["--config", join(directory, "link.yaml")];
    const added = await sidus("nodes", "add", "52-54-00-77-00-09", ...args, ...link);
    expect(added.stdout).toMatch(/^n9: is a node of .*link\.yaml now; no server runs with it\n$/);
    const added9 = "  - { mac: 52:54:00:77:00:09, name: n9, ip: 127.0.0.19, label: local }\n";
    expect(read()).toBe(room.replace("# end\n", `${added9}# end\n`));
    expect(statSync(config).mode & 0o777).toBe(0o640);
    expect(readdirSync(directory).sort()).toEqual(["link.yaml", "sidus.yaml"]);
    for (const name of ["4C4C4544-0042-3510-8052-B4C04F4E3132", "s1"]) {
      expect(await run("rm", name)).toMatchObject({ code: 0, stderr: "" });
    }
    expect(read()).toBe(
      room
        .split("\n")
        .filter((line) => !/uuid|serial/.test(line))
        .join("\n")
        .replace("# end\n", `${added9}# end\n`),
    );
  });

  test("tell the running server, and what it says", async () => {
    const { run, read, json, state } = nodes();
    let refusal: string | undefined;
    let reloads = 0;
    await using _control = await openControl({
      state,
      async reload() {
        reloads += 1;
        if (refusal !== undefined) throw new UserError(refusal);
      },
      report() {},
    });
    expect((await run("add", "525400770009")).stdout).toMatch(
      /^52:54:00:77:00:09: is a node of .*, and the running server knows\n$/,
    );
    expect(await json("rm", "525400770009")).toMatchObject({ server: "reloaded" });
    expect(reloads).toBe(2);
    refusal = "the tree is gone";
    const { code, stderr } = await run("rm", "n1");
    expect(code).toBe(1);
    expect(stderr).toBe("sidus: the running server did not take it on: the tree is gone\n");
    expect(read()).not.toContain("n1");
  });
});

const dnsmasq = `dhcp-range=10.0.0.1,10.0.0.2
dhcp-host=52:54:00:77:00:21,n21,127.0.0.21
dhcp-host=52:54:00:77:00:22,n22,set:red
dhcp-host=52:54:00:77:00:01,again
`;

describe("sidus nodes import and export", () => {
  test("print what a configuration would say", async () => {
    const { directory, run, json } = nodes(room, { "d.conf": dnsmasq });
    const file = join(directory, "d.conf");
    expect(await run("import", file)).toEqual({
      code: 0,
      stdout: `nodes:
  - { mac: 52:54:00:77:00:21, name: n21, ip: 127.0.0.21 }
  - { mac: 52:54:00:77:00:22, name: n22 }
  - { mac: 52:54:00:77:00:01, name: again }
`,
      stderr: `${file}:3: left out: the tag set:red\n`,
    });
    expect(await json("import", file)).toMatchObject({
      nodes: [{ mac: "52:54:00:77:00:21", name: "n21", ip: "127.0.0.21" }, {}, {}],
      notes: [{ line: 3, text: "left out: the tag set:red", isLost: false }],
    });
  });

  test("write them, but for those that are there", async () => {
    const { directory, run, read } = nodes(room, { "d.conf": dnsmasq });
    const file = join(directory, "d.conf");
    const { code, stdout, stderr } = await run("import", file, "--write");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^2 nodes are added to .*; no server runs with it\n$/);
    expect(stderr).toContain(
      `${file}:4: 52:54:00:77:00:01 is already that of nodes[0]; not imported\n`,
    );
    expect(read()).toBe(
      room.replace(
        "# end\n",
        "  - { mac: 52:54:00:77:00:21, name: n21, ip: 127.0.0.21 }\n  - { mac: 52:54:00:77:00:22, name: n22 }\n# end\n",
      ),
    );
  });

  test("what is exported is imported again", async () => {
    const { directory, run } = nodes();
    const { stdout } = await run("export", "--format", "isc");
    const file = join(directory, "exported");
    writeFileSync(file, stdout);
    expect(await run("import", file)).toEqual({
      code: 0,
      stdout: `nodes:
  - { mac: 52:54:00:77:00:01, name: n1, ip: 127.0.0.11 }
  - { mac: 52:54:00:77:01:01, name: p1 }
  - { mac: 52:54:00:77:01:02, name: p2 }
  - { mac: 52:54:00:77:01:03, name: p3 }
`,
      stderr: "",
    });
  });
});
