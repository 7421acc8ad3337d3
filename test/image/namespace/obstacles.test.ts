import { describe, expect, test } from "vitest";
import { type NamespaceFacts, obstaclesIn } from "../../../src/image/namespace/obstacles.ts";

const well: NamespaceFacts = {
  user: "ada",
  uid: 1000,
  hasNewuidmap: true,
  subuid: "bob:100000:65536\nada:165536:65536\n",
  subgid: "bob:100000:65536\nada:165536:65536\n",
  setting: () => undefined,
};

const settings = (values: Readonly<Record<string, string>>) => (name: string) => values[name];

describe("what keeps an ordinary user from a user namespace", () => {
  test("nothing, where all is there; the owner may be a number (subuid(5))", () => {
    expect(obstaclesIn(well)).toEqual([]);
    expect(obstaclesIn({ ...well, subuid: "1000:165536:65536" })).toEqual([]);
    const open = { "kernel.unprivileged_userns_clone": "1", "user.max_user_namespaces": "31384" };
    expect(obstaclesIn({ ...well, setting: settings(open) })).toEqual([]);
  });

  test("the package of newuidmap", () => {
    expect(obstaclesIn({ ...well, hasNewuidmap: false })).toEqual([
      { what: "newuidmap", todo: "sudo apt-get install --no-install-recommends uidmap" },
    ]);
  });

  test("numbers: those proposed come after all that are given", () => {
    const what = "a range of 65536 numbers for ada in /etc/subuid and /etc/subgid";
    expect(obstaclesIn({ ...well, subuid: "", subgid: "" })).toEqual([
      {
        what,
        todo: "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ada",
      },
    ]);
    expect(obstaclesIn({ ...well, subgid: "bob:100000:65536\n" })).toEqual([
      { what, todo: "sudo usermod --add-subgids 231072-296607 ada" },
    ]);
  });

  test("a first range that is too short for nobody, and lines that are none", () => {
    const short = { ...well, subuid: "ada:100000:1000\nada:200000:65536\n" };
    expect(obstaclesIn(short)).toHaveLength(1);
    const odd = { ...well, subuid: "# ada:1:65536\nada:x:65536\nada:1\n::\n" };
    expect(obstaclesIn(odd)).toHaveLength(1);
  });

  test("settings of the kernel, each with the command that mends it", () => {
    const setting = settings({
      "kernel.unprivileged_userns_clone": "0",
      "kernel.apparmor_restrict_unprivileged_userns": "1",
      "user.max_user_namespaces": "0",
    });
    expect(obstaclesIn({ ...well, setting }).map(({ todo }) => todo)).toEqual([
      "sudo sysctl -w kernel.unprivileged_userns_clone=1",
      "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
      "sudo sysctl -w user.max_user_namespaces=10000",
    ]);
  });
});
