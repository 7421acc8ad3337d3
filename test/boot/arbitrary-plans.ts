import fc from "fast-check";
import type { Menu, Origin, Plan } from "../../src/boot/plan.ts";
import { parseIpv4 } from "../../src/bytes/ipv4.ts";

/** What renderers are given: names as the configuration lets them be, and one-line texts full of what loaders' syntaxes use. */

const oneLine = fc
  .array(
    fc.oneof(
      fc.constantFrom(..." '\"\\$`;|&#{}()<>^%!*?~=-"),
      fc.constantFrom(" || ", " && ", " ; ", " #", "${", "$(", "'\\''", "ENDTEXT", "menuentry x {"),
      fc.string({ unit: "grapheme", maxLength: 8 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) =>
    parts
      .join("")
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ")
      .trim(),
  );

const label = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,20}$/);
const name = fc.stringMatching(/^[a-z]{1,8}(@[0-9a-f]{16})?\/[\w.~+@/-]{1,40}$/);
const disk = fc.integer({ min: 1, max: 128 });
const partition = fc.option(fc.integer({ min: 1, max: 128 }), { nil: undefined });

export const anyPlan: fc.Arbitrary<Plan> = fc.oneof(
  fc.record({
    kind: fc.constant("linux"),
    label,
    kernel: name,
    initrd: name,
    commandLine: oneLine,
  }),
  fc.record({
    kind: fc.constant("program"),
    label,
    program: fc.tuple(name, fc.constantFrom("", ".efi", ".c32")).map((parts) => parts.join("")),
    initrds: fc.array(name, { maxLength: 3 }),
    commandLine: oneLine,
  }),
  fc.record({
    kind: fc.constant("local"),
    label,
    from: fc.option(fc.record({ disk, partition }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("message"), label, message: oneLine }),
);

export const anyMenu: fc.Arbitrary<Menu> = fc.record({
  plans: fc.uniqueArray(anyPlan, { minLength: 1, maxLength: 8, selector: (plan) => plan.label }),
  seconds: fc.integer({ min: 0, max: 3599 }),
});

export function originWith(change: Partial<Origin> = {}): Origin {
  const server = parseIpv4("10.77.0.1");
  if (server === undefined) throw new Error("server");
  return { server, httpPort: 80, http: true, ...change };
}

type Of<K> = Extract<Plan, { kind: K }>;

export const tmpfs: Of<"linux"> = {
  kind: "linux",
  label: "tmpfs",
  kernel: "sidus@0123456789abcdef/boot/vmlinuz-6.1.0-56-amd64",
  initrd: "sidus@0123456789abcdef/boot/initrd.img-6.1.0-56-amd64",
  commandLine: "root=/dev/nfs ip=dhcp ro aufs=tmpfs",
};
export const installer: Of<"program"> = {
  kind: "program",
  label: "installer",
  program: "tools/linux",
  initrds: ["tools/initrd.gz", "tools/firmware.gz"],
  commandLine: "priority=low",
};
export const shell: Of<"program"> = {
  kind: "program",
  label: "shell",
  program: "tools/shellx64.efi",
  initrds: [],
  commandLine: "",
};
export const local: Of<"local"> = { kind: "local", label: "local", from: undefined };
export const disk2: Of<"local"> = {
  kind: "local",
  label: "disk2",
  from: { disk: 2, partition: undefined },
};
export const freebsd: Of<"local"> = {
  kind: "local",
  label: "freebsd",
  from: { disk: 1, partition: 3 },
};
export const stranger: Of<"message"> = {
  kind: "message",
  label: "stranger",
  message: "nobody knows this node; ask the administrator of this room to write it below nodes:",
};
