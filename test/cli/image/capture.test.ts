import { describe, expect, test } from "vitest";
import { captureCommand, goldenOf } from "../../../src/cli/image/capture.ts";
import { UserError } from "../../../src/user-error.ts";
import { directoryOf } from "../../sidus.ts";

describe("what a golden client is named by", () => {
  const host = {
    kind: "host",
    user: "root",
    port: undefined,
    ssh: ["ssh"],
    isSudo: false,
  } as const;

  test.each([
    ["golden", { ...host, host: "golden" }],
    ["golden.example.org", { ...host, host: "golden.example.org" }],
    ["admin@192.0.2.1:2222", { ...host, user: "admin", host: "192.0.2.1", port: 2222 }],
    ["[2001:db8::1]:22", { ...host, host: "[2001:db8::1]", port: 22 }],
    ["/mnt/golden", { kind: "directory", path: "/mnt/golden" }],
    ["/mnt//golden/", { kind: "directory", path: "/mnt/golden" }],
  ])("%s", (source, golden) => {
    expect(goldenOf(source, { ssh: "ssh" })).toEqual(golden);
  });

  test("ssh with options, and sudo", () => {
    const { kind, ...golden } = goldenOf("golden", { ssh: "ssh  -i /key", sudo: true });
    expect(kind).toBe("host");
    expect(golden).toMatchObject({ ssh: ["ssh", "-i", "/key"], isSudo: true });
  });

  test.each(["", "-oProxyCommand=x", "a b", "golden:port", "golden:", "@golden", "a@b@c", "a;b"])(
    "not by %j",
    (source) =>
      expect(() => goldenOf(source, { ssh: "ssh" })).toThrow(/^SOURCE: expected \[USER@\]/),
  );
});

describe("sidus image capture", () => {
  async function refusal(...args: readonly string[]): Promise<string> {
    const images = directoryOf({});
    const all = ["room", ...args, "--images", images];
    const error = await captureCommand()
      .exitOverride()
      .parseAsync(all, { from: "user" })
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(UserError);
    return error instanceof Error ? error.message : "";
  }

  test("has help with an example, and says what is left out", () => {
    let help = "";
    const writeOut = (text: string): void => {
      help += text;
    };
    captureCommand().configureOutput({ writeOut }).outputHelp();
    expect(help).toMatch(/\nExample:\n {2}sudo sidus image capture room /);
    expect(help).toContain("keys of its ssh server, machine-id");
    expect(help).toContain("--json");
  });

  test("wrong usage is said before anything is asked", async () => {
    expect(await refusal("golden", "--output", "/x", "--update")).toMatch(/^--update: only for an/);
    expect(await refusal("golden", "--also", "home")).toMatch(
      /^--also: expected an absolute path,/,
    );
    expect(await refusal("golden", "--exclude-from", "/no/file")).toMatch(/there is no file \/no/);
    expect(await refusal("/mnt/golden", "--sudo")).toMatch(/^--sudo: only for a HOST; /);
  });
});
