import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { defaultRecipe } from "../../../src/image/recipe/default.ts";
import type { DirectoryService, Recipe } from "../../../src/image/recipe/recipe.ts";
import { settingsOf } from "../../../src/image/settings/compose.ts";
import type { Settings } from "../../../src/image/settings/settings.ts";
import { sha512Crypt } from "../../../src/image/settings/sha512-crypt.ts";
import { openNamespace } from "../../namespace.ts";
import { lackingOf, title } from "../../needs.ts";

/** src/image/settings/: each item's files as their man pages have them. */

const directory = mkdtempSync(join(tmpdir(), "sidus-settings-"));
afterAll(() => rmSync(directory, { recursive: true }));

type Distribution = "debian" | "ubuntu";

function settings(recipe: Partial<Recipe>, distribution: Distribution = "debian"): Settings {
  return settingsOf({ ...defaultRecipe, ...recipe }, { architecture: "amd64", distribution });
}

/** What the recipe asks for besides what every tree gets. */
function added(recipe: Partial<Recipe>, distribution: Distribution = "debian"): Settings {
  const [all, none] = [settings(recipe, distribution), settings({}, distribution)];
  const without = <T>(list: readonly T[], old: readonly T[]) =>
    list.filter((one) => !old.some((other) => JSON.stringify(other) === JSON.stringify(one)));
  return {
    packages: without(all.packages, none.packages),
    components: without(all.components, none.components),
    pathIncludes: without(all.pathIncludes, none.pathIncludes),
    selections: without(all.selections, none.selections),
    files: without(all.files, none.files),
    commands: without(all.commands, none.commands),
    lastCommands: without(all.lastCommands, none.lastCommands),
  };
}

function fileOf({ files }: Settings, path: string): string {
  return files.find((file) => file.path === path)?.content ?? "";
}

const ldap: DirectoryService = {
  with: "sssd",
  uris: ["ldap://a.example.org", "ldap://b.example.org"],
  base: "dc=example,dc=org",
  certificate: undefined,
  startTls: true,
};

describe("every tree", () => {
  test("has C.UTF-8, UTC, and a loopback only", () => {
    const { packages, files, commands } = settings({});
    expect(packages).toEqual(["tzdata"]);
    expect(files).toEqual([
      { path: "/etc/default/locale", mode: 0o644, content: "LANG=C.UTF-8\n" },
      { path: "/etc/locale.conf", mode: 0o644, content: "LANG=C.UTF-8\n" },
      { path: "/etc/timezone", mode: 0o644, content: "Etc/UTC\n" },
      {
        path: "/etc/network/interfaces",
        mode: 0o644,
        content:
          "# The initrd brought the network up, and the root comes by it: nothing else is configured here.\nauto lo\niface lo inet loopback\n",
      },
      {
        path: "/etc/NetworkManager/conf.d/sidus.conf",
        mode: 0o644,
        content: "[keyfile]\nunmanaged-devices=type:ethernet\n",
      },
    ]);
    expect(commands.at(-1)).toBe("ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime");
  });
});

describe("a tree's", () => {
  test("locales are compiled, and keep their translations", () => {
    const part = added({ locale: { default: "fr_FR.UTF-8", also: ["sr_RS@latin", "C.UTF-8"] } });
    expect(part.packages).toEqual(["locales"]);
    expect(fileOf(part, "/etc/default/locale")).toBe("LANG=fr_FR.UTF-8\n");
    expect(fileOf(part, "/etc/locale.gen")).toBe("fr_FR.UTF-8 UTF-8\nsr_RS@latin UTF-8\n");
    expect(part.pathIncludes).toEqual([
      "/usr/share/locale/fr/*",
      "/usr/share/locale/fr_FR/*",
      "/usr/share/locale/sr/*",
      "/usr/share/locale/sr@latin/*",
      "/usr/share/locale/sr_RS/*",
    ]);
    expect(part.commands[0]).toBe("locale-gen");
  });

  test("keyboard is that of console and X", () => {
    const keyboard = { layout: "fr", model: "pc105", variant: "oss", options: "" };
    const part = added({ keyboard });
    expect(part.packages).toEqual(["keyboard-configuration", "console-setup"]);
    expect(fileOf(part, "/etc/default/keyboard")).toBe(
      'XKBMODEL="pc105"\nXKBLAYOUT="fr"\nXKBVARIANT="oss"\nXKBOPTIONS=""\nBACKSPACE="guess"\n',
    );
    expect(part.selections).toContain(
      "keyboard-configuration keyboard-configuration/layoutcode string fr",
    );
  });

  test("resolv.conf stands where finishTree looks for it", () => {
    const resolver = { servers: ["10.0.0.1", "10.0.0.2"], search: ["a.org", "b.org"] };
    expect(fileOf(added({ resolver }), "/etc/sidus/resolv.conf")).toBe(
      "search a.org b.org\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n",
    );
  });

  test("limits come after the distribution's", () => {
    expect(added({ limits: ["* hard nofile 65536", "@a - maxlogins 4"] }).files).toEqual([
      {
        path: "/etc/security/limits.d/90-sidus.conf",
        mode: 0o644,
        content: "* hard nofile 65536\n@a - maxlogins 4\n",
      },
    ]);
  });

  test("users have passwords and keys that no command line shows", () => {
    const part = added({
      rootPassword: { kind: "hash", text: "$6$salt$hash" },
      users: [
        {
          name: "ann",
          uid: 1001,
          gecos: "Ann O'Hara",
          groups: ["video", "audio"],
          shell: "/bin/bash",
          home: "/home/ann",
          password: { kind: "clear", text: "geheim" },
          keys: ["ssh-ed25519 AAAA ann", "ssh-rsa BBBB ann"],
        },
      ],
    });
    expect(part.packages).toEqual(["openssh-server"]);
    expect(part.commands).toEqual([
      "useradd --create-home --home-dir /home/ann --shell /bin/bash --uid 1001 --comment 'Ann O'\\''Hara' --groups video,audio ann",
      "chpasswd --encrypted </root/.sidus/passwords",
      'install -d -m 0700 -o ann -g "$(id -g ann)" /home/ann/.ssh',
      'install -m 0600 -o ann -g "$(id -g ann)" /root/.sidus/keys-ann /home/ann/.ssh/authorized_keys',
      "rm -r /root/.sidus",
    ]);
    const [passwords, keys] = part.files;
    expect(passwords?.mode).toBe(0o600);
    const [, salt = "", hash = ""] =
      /^root:\$6\$salt\$hash\nann:\$6\$([./0-9A-Za-z]{16})\$(.{86})\n$/.exec(
        passwords?.content ?? "",
      ) ?? [];
    expect(`$6$${salt}$${hash}`).toBe(crypt("geheim", `$6$${salt}`));
    expect(keys).toEqual({
      path: "/root/.sidus/keys-ann",
      mode: 0o600,
      content: "ssh-ed25519 AAAA ann\nssh-rsa BBBB ann\n",
    });
    expect(JSON.stringify(part)).not.toContain("geheim");
  });

  test("homes are fstab's, and NFSv4 has its names", () => {
    const part = added({
      homes: [
        { mount: "/home", from: "nas:/srv/home", version: 4, options: "_netdev,nofail" },
        { mount: "/scratch", from: "[fd00::1]:/s", version: 3, options: "_netdev,noauto" },
      ],
      idmapDomain: "example.org",
    });
    expect(part.packages).toEqual(["nfs-common"]);
    expect(part.commands).toEqual(["mkdir -p /home /scratch"]);
    const fstab = fileOf(part, "/etc/fstab");
    expect(fstab).toBe(
      "# <file system> <mount point> <type> <options> <dump> <pass>\n" +
        "nas:/srv/home /home nfs nfsvers=4,_netdev,nofail 0 0\n" +
        "[fd00::1]:/s /scratch nfs nfsvers=3,_netdev,noauto 0 0\n",
    );
    const table = join(directory, "fstab");
    writeFileSync(table, fstab);
    const read = execFileSync(
      "findmnt",
      ["--tab-file", table, "--noheadings", "--raw", "--output", "SOURCE,TARGET,FSTYPE,OPTIONS"],
      { encoding: "utf8" },
    );
    expect(read.split("\n")[1]).toBe("[fd00::1]:/s /scratch nfs nfsvers=3,_netdev,noauto");
    expect(fileOf(part, "/etc/idmapd.conf")).toBe(
      "[General]\nDomain = example.org\n\n[Mapping]\nNobody-User = nobody\nNobody-Group = nogroup\n",
    );
  });

  test("display manager waits for the caches of names", () => {
    const part = added({ displayManager: "gdm3" });
    expect(part.packages).toEqual(["gdm3", "nscd"]);
    expect(part.selections).toEqual(["gdm3 shared/default-x-display-manager select gdm3"]);
    expect(fileOf(part, "/etc/systemd/system/gdm.service.d/sidus.conf")).toBe(
      "[Unit]\nWants=nscd.service\nAfter=nscd.service nslcd.service sssd.service nss-user-lookup.target\n",
    );
    expect(fileOf(part, "/etc/X11/default-display-manager")).toBe("/usr/sbin/gdm3\n");
    expect(fileOf(part, "/etc/nscd.conf")).toBe("");
    const both = added({ displayManager: "xdm", directory: ldap });
    expect(fileOf(both, "/etc/nscd.conf")).toContain("enable-cache passwd no\n");
    expect(fileOf(both, "/etc/X11/default-display-manager")).toBe("/usr/bin/xdm\n");
  });

  test.each([
    [
      "bookworm",
      "debian",
      ["nvidia", "amd", "intel"],
      [
        "linux-headers-amd64",
        "nvidia-kernel-dkms",
        "nvidia-driver",
        "firmware-amd-graphics",
        "libgl1-mesa-dri",
        "firmware-misc-nonfree",
      ],
      ["contrib", "non-free", "non-free-firmware"],
    ],
    [
      "trixie",
      "debian",
      ["intel"],
      ["firmware-intel-graphics", "libgl1-mesa-dri"],
      ["contrib", "non-free", "non-free-firmware"],
    ],
    [
      "bullseye",
      "debian",
      ["amd"],
      ["firmware-amd-graphics", "libgl1-mesa-dri"],
      ["contrib", "non-free"],
    ],
    [
      "noble",
      "ubuntu",
      ["nvidia-open"],
      ["linux-headers-generic", "nvidia-driver-535-open"],
      ["restricted"],
    ],
  ] as const)("graphics have drivers from %s", (suite, distribution, gpu, packages, components) => {
    const part = added({ suite, gpu }, distribution);
    expect(part.packages).toEqual(packages);
    expect(part.components).toEqual(components);
  });

  test("graphics' headers are those of the kernel that was asked for", () => {
    const kernel = "linux-image-rt-amd64";
    expect(added({ gpu: ["nvidia"], kernel }).packages[0]).toBe("linux-headers-rt-amd64");
  });

  test("services are switched without a systemd that runs, when units of the recipe are there", () => {
    const services = { enable: ["a", "b@c"], disable: ["d"], mask: [] };
    expect(added({ services }).lastCommands).toEqual([
      "SYSTEMD_OFFLINE=1 systemctl enable 'a' 'b@c'",
      "SYSTEMD_OFFLINE=1 systemctl disable 'd'",
    ]);
  });
});

describe("users of a directory", () => {
  test("come by sssd", () => {
    const part = added({ directory: ldap });
    expect(part.packages).toEqual(["sssd-ldap", "libnss-sss", "libpam-sss", "ca-certificates"]);
    expect(part.files.find(({ path }) => path === "/etc/sssd/sssd.conf")).toEqual({
      path: "/etc/sssd/sssd.conf",
      mode: 0o600,
      content: `[sssd]
services = nss, pam
domains = ldap

[domain/ldap]
id_provider = ldap
auth_provider = ldap
ldap_uri = ldap://a.example.org, ldap://b.example.org
ldap_search_base = dc=example,dc=org
ldap_id_use_start_tls = true
ldap_tls_cacert = /etc/ssl/certs/ca-certificates.crt
ldap_tls_reqcert = demand
cache_credentials = true
`,
    });
    expect(fileOf(part, "/etc/nsswitch.conf")).toMatch(/^passwd: +files systemd sss$/m);
    expect(part.commands).toContain("pam-auth-update --enable mkhomedir");
  });

  test("come by nslcd, without TLS and with homes over NFS", () => {
    const home = { mount: "/home", from: "nas:/home", version: 4, options: "_netdev" } as const;
    const directory = { ...ldap, with: "nslcd", startTls: false } as const;
    const part = added({ directory, homes: [home] });
    expect(part.packages).toEqual(["nslcd", "libnss-ldapd", "libpam-ldapd", "nscd", "nfs-common"]);
    expect(fileOf(part, "/etc/nslcd.conf")).toBe(
      "uid nslcd\ngid nslcd\nuri ldap://a.example.org\nuri ldap://b.example.org\nbase dc=example,dc=org\nnss_initgroups_ignoreusers ALLLOCAL\n",
    );
    expect(part.selections).toEqual([
      "nslcd nslcd/ldap-uris string ldap://a.example.org ldap://b.example.org",
      "nslcd nslcd/ldap-base string dc=example,dc=org",
      "nslcd nslcd/ldap-starttls boolean false",
      "libnss-ldapd libnss-ldapd/nsswitch multiselect passwd, group, shadow, netgroup",
    ]);
    expect(fileOf(part, "/etc/nsswitch.conf")).toMatch(/^group: +files systemd ldap$/m);
    expect(part.commands).toEqual(["mkdir -p /home"]);
  });

  test.each([
    ["bullseye", "debian", ["/etc/libnss-ldap.conf", "/etc/pam_ldap.conf"]],
    ["noble", "ubuntu", ["/etc/ldap.conf"]],
  ] as const)("come by libnss-ldap of %s", (suite, distribution, paths) => {
    const directory = { ...ldap, with: "libnss-ldap", certificate: "/etc/lab.pem" } as const;
    const part = added({ suite, directory }, distribution);
    expect(part.packages).toEqual(["libnss-ldap", "libpam-ldap", "nscd"]);
    for (const path of paths) {
      expect(fileOf(part, path)).toContain(
        "base dc=example,dc=org\nuri ldap://a.example.org ldap://b.example.org\nldap_version 3\n",
      );
      expect(fileOf(part, path)).toContain("tls_cacertfile /etc/lab.pem\n");
    }
    expect(fileOf(part, "/etc/ldap/ldap.conf")).toBe(
      "BASE dc=example,dc=org\nURI ldap://a.example.org ldap://b.example.org\nTLS_CACERT /etc/lab.pem\n",
    );
  });
});

describe("InfiniBand", () => {
  const part = added({ infiniband: { network: "10.14.0.0/16", modules: ["ib_srp", "ib_umad"] } });

  test("has its modules, each once", () => {
    expect(fileOf(part, "/etc/modules-load.d/sidus-infiniband.conf")).toBe(
      "ib_ipoib\nib_umad\nib_uverbs\nrdma_cm\nrdma_ucm\nib_srp\n",
    );
  });

  const lacking = lackingOf("ip", "unshare");
  test.skipIf(lacking)(
    title("addresses end as those of the Ethernet card, one a node", lacking),
    async () => {
      const script = join(directory, "infiniband");
      writeFileSync(script, fileOf(part, "/usr/lib/sidus/infiniband"), { mode: 0o755 });
      await using network = await openNamespace();
      const inside = (command: string): string =>
        network.run("unshare", "--mount", "sh", "-ec", `mount -t sysfs sysfs /sys; ${command}`);
      const run = (name: string, net: string): string =>
        inside(`${script} ${name} ${net}; ip -4 -o address show dev ${name}`).replaceAll(
          / +/g,
          " ",
        );
      for (const name of ["ib0", "ib1", "ib2"])
        network.run("ip", "link", "add", name, "type", "bridge");
      expect(() => run("ib0", "10.14.0.0/16")).toThrow("no Ethernet card has an address");
      network.run("ip", "link", "add", "eno1", "type", "bridge");
      network.run("ip", "address", "add", "10.13.20.157/24", "dev", "eno1");
      network.run("ip", "link", "set", "eno1", "up");
      expect(run("ib0", "10.14.0.0/16")).toContain("inet 10.14.20.157/16");
      expect(run("ib1", "10.14.0.0/16")).toBe("");
      expect(run("ib2", "172.16.32.0/20")).toContain("inet 172.16.36.157/20");
    },
  );
});

describe("crypt(3)", () => {
  test.each([
    ["Hello world!", "saltstring"],
    ["a", "x"],
    ["é".repeat(64), "0123456789abcdef"],
    ["0123456789abcdef0123456789abcdef", "./AZaz"],
    ["x".repeat(65), "short"],
  ])("of %s is as the C library has it", (password, salt) => {
    expect(sha512Crypt(password, salt)).toBe(crypt(password, `$6$${salt}`));
  });

  test("is that of its specification", () => {
    expect(sha512Crypt("Hello world!", "saltstring")).toBe(
      "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    );
  });
});

function crypt(password: string, salt: string): string {
  const { stdout, stderr } = spawnSync(
    "perl",
    ["-e", "print crypt($ARGV[0], $ARGV[1])", password, salt],
    {
      encoding: "utf8",
    },
  );
  expect(stderr).toBe("");
  return stdout;
}
