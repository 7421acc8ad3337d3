import { expect, test } from "vitest";
import type { Fetched } from "../../../src/storm/record/fetched.ts";
import { withRoles } from "../../../src/storm/record/roles.ts";

function fetched(path: string, text?: string): Fetched {
  const deed = { kind: "http", path, options: [], ends: "whole", bytes: 1 } as const;
  return { sentAt: 0, endedAt: 1, deed, text };
}

function rolesOf(...all: readonly Fetched[]): string[] {
  return withRoles(all, ["boot.ipxe"], (path) => path).flatMap(({ deed }) =>
    deed.kind === "http" ? deed.role : [],
  );
}

test("kernel and initrd by the configuration that names them", () => {
  const menu =
    "menuentry x {\n linux (http)/live/image-6 ip=dhcp\n initrd /live/first /live/second\n}";
  expect(
    rolesOf(
      fetched("/boot.ipxe"),
      fetched("/menu", menu),
      fetched("/live/image-6"),
      fetched("/live/second"),
      fetched("/live/third"),
    ),
  ).toEqual(["loader", "config", "kernel", "initrd", "other"]);
});

test("thousands of configurations and thousands of files: each is looked at once", () => {
  const count = 5000;
  const all = Array.from({ length: count }, (_, index) => [
    fetched(`/menu${index}`, `linux a${index}\ninitrd b${index}\n`.repeat(4)),
    fetched(`/file${index}`),
  ]).flat();
  expect(rolesOf(...all).filter((role) => role === "other")).toHaveLength(count);
});
