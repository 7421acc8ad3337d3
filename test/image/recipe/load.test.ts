import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { defaultRecipe } from "../../../src/image/recipe/default.ts";
import { exampleRecipe } from "../../../src/image/recipe/example.ts";
import { loadRecipe } from "../../../src/image/recipe/load.ts";
import type { Recipe } from "../../../src/image/recipe/recipe.ts";
import { schema } from "../../../src/image/recipe/schema.ts";
import { UserError } from "../../../src/user-error.ts";

/** src/image/recipe/load.ts, schema.ts, values.ts, misfits.ts, example.ts */

const directory = mkdtempSync(join(tmpdir(), "sidus-recipe-"));
const file = join(directory, "room.yaml");
afterAll(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, "secret"), "from a file\nand no more\n");
writeFileSync(join(directory, "empty"), "");

function load(text: string): { recipe: Recipe; text: string } {
  writeFileSync(file, text);
  return loadRecipe(file);
}

/** The message without the file's directory. */
function refusal(text: string): string {
  try {
    load(text);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(2);
    return (error as UserError).message.replaceAll(`${directory}/`, "");
  }
  throw new Error("was accepted");
}

const key =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUrsLnTdIQ9uK8pRqN9bCjvS9vDfQLd2wOIXDSUe ann@example.org";

describe("a recipe", () => {
  test("that says nothing is the smallest tree", () => {
    expect(load("# nothing yet\n").recipe).toEqual(defaultRecipe);
  });

  test("as the example has it means what its comments say", () => {
    const { recipe, text } = load(exampleRecipe);
    const keyOf = (who: string) => key.replace("ann@example.org", who);
    expect(recipe).toEqual({
      suite: "bookworm",
      architecture: "amd64",
      bootstrap: "mmdebstrap",
      mirrors: [],
      components: ["main"],
      include: ["vim-tiny", "less", "cron"],
      exclude: ["nano"],
      purge: ["tasksel-data"],
      initramfs: "initramfs-tools",
      kernel: "linux-image-amd64",
      locale: { default: "fr_FR.UTF-8", also: [] },
      timezone: "Europe/Paris",
      keyboard: { layout: "fr", model: "pc105", variant: "", options: "" },
      rootPassword: { kind: "hash", text: expect.stringMatching(/^\$6\$saltstring\$/) },
      rootKeys: [keyOf("admin@example.org")],
      users: [
        {
          name: "ann",
          uid: 1001,
          gecos: "Ann Example",
          groups: ["video", "audio"],
          shell: "/bin/bash",
          home: "/var/lib/ann",
          password: { kind: "clear", text: "correct horse" },
          keys: [key],
        },
      ],
      resolver: { servers: ["10.13.20.1"], search: ["lab.example.org"] },
      limits: ["* hard nofile 65536", "@students - maxlogins 4"],
      directory: {
        with: "sssd",
        uris: ["ldap://ldap.example.org"],
        base: "dc=example,dc=org",
        certificate: "/etc/ssl/certs/example.pem",
        startTls: true,
      },
      homes: [
        {
          mount: "/home",
          from: "nas.example.org:/srv/home",
          version: 4,
          options: "_netdev,nofail,hard,x-systemd.automount,x-systemd.mount-timeout=60",
        },
        {
          mount: "/scratch",
          from: "nas.example.org:/srv/scratch",
          version: 3,
          options: "_netdev,nofail,noatime",
        },
      ],
      idmapDomain: "example.org",
      displayManager: "lightdm",
      infiniband: { network: "10.14.0.0/16", modules: [] },
      gpu: ["nvidia"],
      files: [
        {
          path: "/etc/motd",
          content: { kind: "text", text: "Welcome." },
          mode: undefined,
          owner: "root:root",
        },
        {
          path: "/usr/local/bin/hello",
          content: { kind: "text", text: "echo hello" },
          mode: 0o755,
          owner: "root:root",
        },
      ],
      commands: ["echo built >/etc/built"],
      services: { enable: ["ssh.service"], disable: ["cron"], mask: ["apt-daily.timer"] },
    } satisfies Recipe);
    expect(text).not.toContain("correct horse");
    expect(text.replace("(not shown)", "correct horse")).toBe(exampleRecipe);
  });

  test("has every key in the example", () => {
    const keys = Object.keys(schema.shape);
    const shown = [...exampleRecipe.matchAll(/^(?:# )?([a-z-]+):/gm)].map(([, name]) => name);
    expect(shown.sort()).toEqual(keys.sort());
  });

  test("with keys where a value would do", () => {
    const { recipe } = load(`
locale: { default: C.UTF-8, also: [de_DE.UTF-8, sr_RS@latin] }
keyboard: { layout: "us,fr", model: pc104, variant: ",oss", options: "compose:menu" }
root: { password-file: secret }
users: { bob: , eve: Eve Example }
infiniband: { network: 10.0.0.0/8, modules: mlx4_ib }
files: { /opt/secret: { from: secret, mode: 0400, owner: "bob:1000" } }
ldap: { with: nslcd, uri: [ldap://a, ldaps://b:636], base: "o=Some Place,c=FR" }
`);
    expect(recipe.locale.also).toEqual(["de_DE.UTF-8", "sr_RS@latin"]);
    expect(recipe.keyboard?.variant).toBe(",oss");
    expect(recipe.rootPassword).toEqual({ kind: "clear", text: "from a file" });
    expect(recipe.users.map(({ name, gecos, home }) => [name, gecos, home])).toEqual([
      ["bob", "", "/home/bob"],
      ["eve", "Eve Example", "/home/eve"],
    ]);
    expect(recipe.infiniband).toEqual({ network: "10.0.0.0/8", modules: ["mlx4_ib"] });
    expect(recipe.files).toEqual([
      {
        path: "/opt/secret",
        content: { kind: "from", source: join(directory, "secret") },
        mode: 0o400,
        owner: "bob:1000",
      },
    ]);
    expect(recipe.directory?.startTls).toBe(false);
  });

  test.each([
    ["plain", "root: { password: geheim }", "root: { password: (not shown) }"],
    ["quoted", 'root:\n  password: "ge\\x68eim"\n', "root:\n  password: (not shown)\n"],
    [
      "in a block",
      "root:\n  password: >-\n    geheim\nsuite: sid\n",
      "root:\n  password: (not shown)\nsuite: sid\n",
    ],
    [
      "of several, one by its alias",
      "root: { password: &p geheim }\nusers: { ann: { password: *p }, bob: { password: geheim2 } }",
      "root: { password: &p (not shown) }\nusers: { ann: { password: *p }, bob: { password: (not shown) } }",
    ],
  ])("gives its text without a password that is %s", (_, text, shown) => {
    expect(load(text).text).toBe(shown);
  });

  test.each(
    readdirSync(fileURLToPath(new URL("../../e2e/image/", import.meta.url))).filter((name) =>
      name.endsWith(".yaml"),
    ),
  )("of the tests is one: %s", (name) => {
    const path = fileURLToPath(new URL(`../../e2e/image/${name}`, import.meta.url));
    expect(loadRecipe(path).recipe.suite).toBe("bookworm");
  });
});

describe("what is wrong in a recipe", () => {
  test.each([
    ["suit: sid", "room.yaml:1: suit: unknown key; `sidus build --example` shows those there are"],
    [
      "suite: Book worm",
      'room.yaml:1: suite: expected the name of a suite, as bookworm, found "Book worm"',
    ],
    [
      "include: [vim, 'a b']",
      'room.yaml:1: include[1]: expected the name of a package, as vim-tiny, found "a b"',
    ],
    [
      "include: --yes",
      'room.yaml:1: include: expected the name of a package, as vim-tiny, found "--yes"',
    ],
    [
      "\nlocale: fr",
      'room.yaml:2: locale: expected a locale in UTF-8, as fr_FR.UTF-8 or C.UTF-8, found "fr"',
    ],
    [
      "locale: { also: [fr_FR.UTF-8] }",
      "room.yaml:1: locale.default: expected a locale in UTF-8, as fr_FR.UTF-8 or C.UTF-8, found nothing",
    ],
    ["timezone: Europe/Pariss", "expected a time zone, as Europe/Paris or Etc/UTC"],
    ["timezone: ../etc/passwd", "expected a time zone"],
    [
      "bootstrap: cdebootstrap",
      'bootstrap: expected one of mmdebstrap, debootstrap, found "cdebootstrap"',
    ],
    ["architecture: x86_64", "expected one of amd64, arm64, i386"],
    ["mirrors: ftp.example.org", "expected a mirror: a URL, a `deb …` line"],
    ["keyboard: { layout: 'fr\"' }", "keyboard.layout: expected keyboard names"],
    [
      "root: { password: a, password-hash: $6$abcdefgh$abcdefgh }",
      "root.password-hash: there is password already",
    ],
    ["root: { password-hash: geheim }", "root.password-hash: expected a hash of crypt(3)"],
    ["root: { password-file: nowhere }", "root.password-file: cannot read nowhere: ENOENT"],
    [
      "root: { password-file: empty }",
      "root.password-file: expected a password in the first line of empty, found none",
    ],
    ['root: { password: "a\\nb" }', "root.password: expected a password on one line"],
    ["root: { keys: ssh-ed25519 AAAA ann@desk }", "root.keys: expected a public key"],
    [`root: { keys: "${key}\\nssh-rsa" }`, "root.keys: expected a public key"],
    ["users: { Ann: {} }", "users.Ann: expected a user's name"],
    ["users: { root: {} }", "root has a key of its own"],
    ["users: { ann: { uid: 65534 } }", "users.ann.uid: expected a user's number"],
    ["users: { ann: { uid: 7 }, bob: { uid: 7 } }", "users.bob.uid: another user has 7 already"],
    ["users: { ann: 'a:b' }", "users.ann: expected a name without colons"],
    ["users: { ann: { home: '/home/a b' } }", "users.ann.home: expected an absolute path"],
    ["users: { ann: { shell: bash } }", "users.ann.shell: expected an absolute path"],
    [
      `users: { ann: { keys: ${key} } }\nhomes: { /home: nas:/home }`,
      "room.yaml:1: users.ann.keys: nodes mount nas:/home over /home/ann",
    ],
    [
      "resolver: { servers: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4] }",
      "resolver.servers: expected at most three servers",
    ],
    ["resolver: { servers: ns.example.org }", "resolver.servers: expected an IPv4 address"],
    ["limits: nofile 65536", "limits: expected a line of limits.conf(5)"],
    ["limits: '* hard nofiles 65536'", "limits: expected a line of limits.conf(5)"],
    [
      "ldap: { uri: ldap://x }",
      "ldap.base: expected the name of an entry, as dc=example,dc=org, found nothing",
    ],
    ["ldap: { uri: 'ldap://x y', base: o=x }", "ldap.uri: expected the URI of a directory server"],
    [
      "ldap: { with: libnss-ldap, uri: ldap://x, base: o=x }",
      "ldap.with: bookworm has no libnss-ldap and libpam-ldap any more",
    ],
    [
      "ldap: { uri: ldap://x, base: o=x, start-tls: false }",
      "ldap.start-tls: sssd sends no password in clear",
    ],
    [
      "ldap: { uri: ldaps://x, base: o=x, start-tls: true }",
      "ldap.start-tls: ldaps:// has TLS from its beginning",
    ],
    [
      "homes: { /home: nas }",
      'homes./home: expected SERVER:/PATH of an NFS server, as nas.example.org:/srv/home, found "nas"',
    ],
    ["homes: { home: nas:/home }", "homes.home: expected an absolute path"],
    [
      "homes: { /home: { from: nas:/home, version: 4.2 } }",
      "homes./home.version: expected one of 3, 4",
    ],
    [
      "homes: { /home: { from: nas:/home, options: 'rw 0 0' } }",
      "homes./home.options: expected options of mount(8)",
    ],
    ["idmap-domain: example.org", "idmap-domain: names are mapped by NFSv4 only"],
    ["display-manager: kdm", "display-manager: expected one of gdm3"],
    ["infiniband: 10.14.0.1/16", "infiniband: expected a network"],
    ["infiniband: 10.14.0.0/31", "infiniband: expected a network from /8 to /30"],
    ["gpu: [nvidia, nvidia-open]", "gpu: nvidia and nvidia-open exclude each other"],
    ["gpu: nvidia\narchitecture: i386", "gpu: there is no driver of NVIDIA's for i386"],
    ["files: { /etc/../motd: x }", "files./etc/../motd: expected an absolute path in the tree"],
    ["files: { /run/x: x }", "not below what a node mounts itself"],
    [
      "files: { /etc/motd: }",
      "files./etc/motd: expected content: TEXT or from: FILE, found neither",
    ],
    [
      "files: { /etc/motd: { content: x, from: secret } }",
      "files./etc/motd.from: there is content already",
    ],
    ["files: { /etc/motd: { from: nowhere } }", "files./etc/motd.from: there is no nowhere"],
    [
      "files: { /etc/motd: { content: x, mode: 0888 } }",
      "files./etc/motd.mode: expected an octal mode, as 0644",
    ],
    [
      "files: { /etc/motd: { content: x, owner: root } }",
      "files./etc/motd.owner: expected USER:GROUP",
    ],
    ["run: ['']", "run[0]: expected a shell command, found nothing"],
    ["services: { enable: 'a b' }", "services.enable: expected the name of a systemd unit"],
    ["services: { enable: ssh, mask: ssh.service }", "ssh is disabled or masked too"],
    ["include: vim\nexclude: vim", "include[0]: vim is in exclude too; which is it?"],
    ["services:", "services: expected keys and values, indented below, found nothing"],
  ])("%s is said with its place", (text, expected) => {
    const message = refusal(text);
    expect(message).toContain(expected);
    expect(message).toMatch(/^room\.yaml:\d+: /);
    expect(message).not.toContain("\n");
    expect(message).not.toMatch(/sidus\.yaml|--config/);
  });

  test("a file that is not there says where to get one", () => {
    expect(() => loadRecipe(join(directory, "none.yaml"))).toThrow(
      /none\.yaml: no such file; `sidus build --example` prints a recipe to begin with$/,
    );
  });

  test("libnss-ldap is taken where a suite has it", () => {
    const text = "suite: noble\nldap: { with: libnss-ldap, uri: ldap://x, base: o=x }";
    expect(load(text).recipe.directory?.with).toBe("libnss-ldap");
  });
});
