import { matching, written } from "../../config/written.ts";

/** Single values of a recipe. Each is one line without control characters: it becomes a word or a line of a file. */

const safePath = /^\/(?!.*(?:^|\/)\.{1,2}(?:\/|$))(?!.*\/\/)[^\p{Cc}\p{Zl}\p{Zp}]*$/u;

export const suite = written(
  "the name of a suite, as bookworm",
  matching(/^[a-z][a-z0-9.-]{0,31}$/),
);
export const mirror = written(
  "a mirror: a URL, a `deb …` line, or the absolute path of a sources file",
  matching(/^(?:https?:\/\/[^\s\p{Cc}]+|file:\/[^\s\p{Cc}]+|deb [^\p{Cc}]+|\/[^\s\p{Cc}]+)$/u),
);
export const component = written(
  "a component of the archive, as main or non-free-firmware",
  matching(/^[a-z0-9][a-z0-9/.-]{0,63}$/),
);
/** Debian Policy §5.6.7. */
export const packageName = written(
  "the name of a package, as vim-tiny",
  matching(/^[a-z0-9][a-z0-9+.-]{1,127}(?::[a-z0-9-]{2,20})?$/),
);
/** glibc's name of it: with its character set, or with a modifier in its stead, as /usr/share/i18n/SUPPORTED has it. */
export const locale = written(
  "a locale in UTF-8, as fr_FR.UTF-8 or C.UTF-8",
  matching(/^(?:C\.UTF-8|[a-z]{2,3}_[A-Z]{2}(?:\.UTF-8|@[a-z]{2,20}))$/),
);
export const timezone = written("a time zone, as Europe/Paris or Etc/UTC", (text) => {
  const form = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*){0,2}$/;
  return form.test(text) && isZone(text) ? text : undefined;
});
/** As xkeyboard-config(7) names them; console-setup's files quote them for a shell. */
export const xkbNames = written(
  "keyboard names as setxkbmap(1) takes them, as fr or us,fr",
  matching(/^[A-Za-z0-9_,:.()+-]{1,200}$/),
);
export const password = written(
  "a password on one line, at most 128 characters",
  matching(/^\P{Cc}{1,128}$/u),
);
export const passwordHash = written(
  "a hash of crypt(3), as `mkpasswd` prints one: $y$… or $6$…",
  matching(/^\$[0-9a-z]{1,8}\$[./0-9A-Za-z$,=]{8,400}$/),
);
export const authorizedKey = written("a public key, as ssh-ed25519 AAAA… ann@desk", (text) =>
  /^\P{Cc}{1,16000}$/u.test(text) && isPublicKey(text) ? text : undefined,
);
/** What useradd(8) of Debian and of Ubuntu both take. */
export const userName = written(
  "a user's name: small letters, digits, dashes, underscores, at most 32; root has a key of its own",
  (text) => (/^[a-z][a-z0-9_-]{0,31}$/.test(text) && text !== "root" ? text : undefined),
);
export const userId = written(
  "a user's number from 1 to 4294967293, but for 65534 and 65535",
  (text) => {
    const number = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
    const isFree = number >= 1 && number <= 0xffff_fffd && number !== 65_534 && number !== 65_535;
    return isFree ? number : undefined;
  },
);
export const fullName = written(
  "a name without colons on one line",
  matching(/^[^:\p{Cc}]{1,200}$/u),
);
export const groupName = written(
  "the name of a group, as video",
  matching(/^[a-z_][a-z0-9_-]{0,31}$/),
);
/** Words of a shell, of /etc/passwd and of fstab(5): nothing that one of them reads otherwise. */
export const plainPath = written(
  "an absolute path without .., blanks and signs other than . _ + -",
  (text) => (safePath.test(text) && /^(?:\/[A-Za-z0-9._+-]+)+$/.test(text) ? text : undefined),
);
/** What a file of the recipe may be called. */
export const treePath = written(
  "an absolute path in the tree, without .., not below what a node mounts itself: /proc, /sys, /dev, /run, /tmp",
  (text) => {
    const isOfNode = /^\/(?:proc|sys|dev|run|tmp|var\/run|var\/tmp)(?:\/|$)/.test(text);
    return safePath.test(text) && !text.endsWith("/") && !isOfNode ? text : undefined;
  },
);
export const hostPath = written(
  "the path of a file on this machine",
  matching(/^\P{Cc}{1,4096}$/u),
);

/** pam_limits: domain, type, item, value; limits.conf(5). */
export const limit = written(
  "a line of limits.conf(5): DOMAIN soft|hard|- ITEM VALUE, as * hard nofile 65536",
  (text) => {
    const form = /^([@%]?[\w.:*$-]+) +(soft|hard|-) +([a-z]+) +(-?\d+|unlimited|infinity)$/;
    const [, , , item = ""] = form.exec(text) ?? [];
    return limitItems.has(item) ? text : undefined;
  },
);
export const ldapUri = written(
  "the URI of a directory server, as ldap://ldap.example.org or ldaps://…",
  matching(/^ldaps?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?\/?$/),
);
/** RFC 4514, without what it needs quotes and backslashes for. */
export const distinguishedName = written(
  "the name of an entry, as dc=example,dc=org",
  matching(
    /^[A-Za-z][A-Za-z0-9-]*=[^\p{Cc},+"\\<>;=#]+(?:,[A-Za-z][A-Za-z0-9-]*=[^\p{Cc},+"\\<>;=#]+)*$/u,
  ),
);
export const nfsSource = written(
  "SERVER:/PATH of an NFS server, as nas.example.org:/srv/home",
  matching(/^(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\]):\/[A-Za-z0-9._+@/-]*$/),
);
export const mountOptions = written(
  "options of mount(8), as rw,hard,noatime",
  matching(/^\w[\w.=:/@%+-]*(?:,\w[\w.=:/@%+-]*)*$/),
);
export const moduleName = written(
  "the name of a kernel module, as mlx5_ib",
  matching(/^[a-z0-9][a-z0-9_-]{0,63}$/),
);
export const fileMode = written("an octal mode, as 0644", (text) =>
  /^[0-7]{3,4}$/.test(text) ? Number.parseInt(text, 8) : undefined,
);
export const owner = written(
  "USER:GROUP, as root:root",
  matching(/^(?:[a-z_][a-z0-9_-]{0,31}|\d{1,10}):(?:[a-z_][a-z0-9_-]{0,31}|\d{1,10})$/),
);
export const fileText = written("the text of the file", (text) =>
  text.includes("\0") ? undefined : text,
);
export const command = written("a shell command", (text) =>
  text.trim() === "" || text.includes("\0") ? undefined : text,
);
/** systemd.unit(5). */
export const unit = written(
  "the name of a systemd unit, as ssh.service",
  matching(/^[A-Za-z0-9][A-Za-z0-9:_.@\\-]{0,254}$/),
);

/** limits.conf(5). */
const limitItems = new Set(
  "core data fsize memlock nofile rss stack cpu nproc as maxlogins maxsyslogins nonewprivs priority locks sigpending msgqueue nice rtprio chroot".split(
    " ",
  ),
);

/** The tree is asked again when it is there: a suite may have moved a name into another package. */
function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}

/** sshd(8), AUTHORIZED_KEYS FILE FORMAT: what is encoded names its own type first. */
function isPublicKey(line: string): boolean {
  const [, type = "", data = ""] =
    /(?:^|[ ,"])((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})(?: |$)/.exec(line) ??
    [];
  const bytes = Buffer.from(data, "base64");
  if (type === "" || bytes.length < 4 + type.length) return false;
  return (
    bytes.readUInt32BE(0) === type.length && bytes.toString("latin1", 4, 4 + type.length) === type
  );
}
