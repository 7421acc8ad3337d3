import type { DirectoryService, Recipe } from "../recipe/recipe.ts";
import { lines, type Machine, type Part } from "./part.ts";
import type { SettingsFile } from "./settings.ts";

/** All authorities that Debian trusts; the package that has them comes along where they are asked. */
const allAuthorities = "/etc/ssl/certs/ca-certificates.crt";

interface Directory extends DirectoryService {
  readonly hasTls: boolean;
  /** Certificates that a server's must be signed by. */
  readonly authorities: string;
}

/** Users from LDAP: who they are (NSS), whether they may log in (PAM), and a home where none is mounted. */
export function directorySettings({ directory: service, homes }: Recipe, machine: Machine): Part {
  if (service === undefined) return {};
  const directory = {
    ...service,
    hasTls: service.startTls || service.uris.some((uri) => uri.startsWith("ldaps:")),
    authorities: service.certificate ?? allAuthorities,
  };
  const part = partOf(directory, machine);
  const isDebians = directory.hasTls && directory.authorities.startsWith("/etc/ssl/certs/");
  return {
    packages: [...(part.packages ?? []), ...(isDebians ? ["ca-certificates"] : [])],
    selections: part.selections ?? [],
    files: [nsswitch(directory), ldapConf(directory), ...(part.files ?? [])],
    commands: [
      ...(part.commands ?? []),
      // Over NFS a home is made where it is kept: nodes' roots are nobody there.
      ...(homes.length === 0 ? ["pam-auth-update --enable mkhomedir"] : []),
    ],
  };
}

function partOf(directory: Directory, machine: Machine): Part {
  switch (directory.with) {
    case "sssd":
      return sssd(directory);
    case "nslcd":
      return nslcd(directory);
    case "libnss-ldap":
      return libnssLdap(directory, machine);
  }
}

/** nsswitch.conf(5). Modules that are not installed are passed over: mdns4_minimal, myhostname. */
function nsswitch({ with: service }: Directory): SettingsFile {
  const source = service === "sssd" ? "sss" : "ldap";
  return {
    path: "/etc/nsswitch.conf",
    mode: 0o644,
    content: lines(
      `passwd:         files systemd ${source}`,
      `group:          files systemd ${source}`,
      `shadow:         files ${source}`,
      "gshadow:        files",
      "",
      "hosts:          files mdns4_minimal [NOTFOUND=return] dns myhostname",
      "networks:       files",
      "",
      "protocols:      db files",
      "services:       db files",
      "ethers:         db files",
      "rpc:            db files",
      "",
      `netgroup:       ${source}`,
    ),
  };
}

/** ldap.conf(5), for ldapsearch and what else is linked with OpenLDAP. */
function ldapConf({ base, uris, authorities }: Directory): SettingsFile {
  return {
    path: "/etc/ldap/ldap.conf",
    mode: 0o644,
    content: lines(`BASE ${base}`, `URI ${uris.join(" ")}`, `TLS_CACERT ${authorities}`),
  };
}

/** sssd.conf(5), sssd-ldap(5): refused unless root alone may read it. */
function sssd({ uris, base, startTls, authorities }: Directory): Part {
  return {
    packages: ["sssd-ldap", "libnss-sss", "libpam-sss"],
    files: [
      {
        path: "/etc/sssd/sssd.conf",
        mode: 0o600,
        content: lines(
          "[sssd]",
          "services = nss, pam",
          "domains = ldap",
          "",
          "[domain/ldap]",
          "id_provider = ldap",
          "auth_provider = ldap",
          `ldap_uri = ${uris.join(", ")}`,
          `ldap_search_base = ${base}`,
          `ldap_id_use_start_tls = ${startTls}`,
          `ldap_tls_cacert = ${authorities}`,
          "ldap_tls_reqcert = demand",
          "cache_credentials = true",
        ),
      },
    ],
    // Debian would start both by socket too; beside the list of services those units fail at each boot.
    commands: [
      "SYSTEMD_OFFLINE=1 systemctl mask sssd-nss.socket sssd-pam.socket sssd-pam-priv.socket",
    ],
  };
}

/** nslcd.conf(5). Its package writes into what it finds there: it must get the same answers from debconf. */
function nslcd({ uris, base, startTls, hasTls, authorities }: Directory): Part {
  const tls = hasTls ? ["tls_reqcert demand", `tls_cacertfile ${authorities}`] : [];
  return {
    packages: ["nslcd", "libnss-ldapd", "libpam-ldapd", "nscd"],
    selections: [
      `nslcd nslcd/ldap-uris string ${uris.join(" ")}`,
      `nslcd nslcd/ldap-base string ${base}`,
      `nslcd nslcd/ldap-starttls boolean ${startTls}`,
      ...(hasTls
        ? [
            "nslcd nslcd/ldap-reqcert select demand",
            `nslcd nslcd/ldap-cacertfile string ${authorities}`,
          ]
        : []),
      "libnss-ldapd libnss-ldapd/nsswitch multiselect passwd, group, shadow, netgroup",
    ],
    files: [
      {
        path: "/etc/nslcd.conf",
        mode: 0o640,
        content: lines(
          "uid nslcd",
          "gid nslcd",
          ...uris.map((uri) => `uri ${uri}`),
          `base ${base}`,
          // Without the server, who is of the tree logs in at once all the same.
          "nss_initgroups_ignoreusers ALLLOCAL",
          ...(startTls ? ["ssl start_tls"] : []),
          ...tls,
        ),
      },
    ],
  };
}

/** As SIDUS was first built. Debian has a file for each of the two, Ubuntu one for both. */
function libnssLdap(
  { uris, base, startTls, hasTls, authorities }: Directory,
  { distribution }: Machine,
): Part {
  const content = lines(
    `base ${base}`,
    `uri ${uris.join(" ")}`,
    "ldap_version 3",
    "bind_policy soft",
    "nss_initgroups_ignoreusers root",
    ...(startTls ? ["ssl start_tls"] : []),
    ...(hasTls ? ["tls_checkpeer yes", `tls_cacertfile ${authorities}`] : []),
    "pam_password crypt",
  );
  const isDebian = distribution === "debian";
  const paths = isDebian ? ["/etc/libnss-ldap.conf", "/etc/pam_ldap.conf"] : ["/etc/ldap.conf"];
  const owners = isDebian ? ["libnss-ldap", "libpam-ldap"] : ["ldap-auth-config"];
  return {
    packages: ["libnss-ldap", "libpam-ldap", "nscd"],
    selections: owners.flatMap((owner) => [
      `${owner} shared/ldapns/ldap-server string ${uris.join(" ")}`,
      `${owner} shared/ldapns/base-dn string ${base}`,
    ]),
    files: paths.map((path) => ({ path, mode: 0o644, content })),
  };
}
