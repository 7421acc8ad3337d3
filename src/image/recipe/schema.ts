import { z } from "zod";
import { cidr, domain, ipv4, oneOf, oneOrMore, truth } from "../../config/written.ts";
import * as values from "./values.ts";

/** A recipe as it is written. What a key may be left out for is said in default.ts. */

const packages = oneOrMore(values.packageName).optional();

const passwords = {
  password: values.password.optional(),
  "password-hash": values.passwordHash.optional(),
  "password-file": values.hostPath.optional(),
  keys: oneOrMore(values.authorizedKey).optional(),
};

const user = z.strictObject({
  name: values.fullName.optional(),
  uid: values.userId.optional(),
  groups: oneOrMore(values.groupName).optional(),
  shell: values.plainPath.optional(),
  home: values.plainPath.optional(),
  ...passwords,
});

/** Keys; or a plain value for the one that says most, or nothing at all. */
function orKeys<T extends z.ZodType>(short: string, keys: T) {
  return z.preprocess((value) => {
    if (typeof value !== "string") return value;
    return value === "" ? {} : { [short]: value };
  }, keys);
}

const home = z.strictObject({
  from: values.nfsSource,
  version: oneOf(["3", "4"]).optional(),
  options: values.mountOptions.optional(),
});

const file = z.strictObject({
  content: values.fileText.optional(),
  from: values.hostPath.optional(),
  mode: values.fileMode.optional(),
  owner: values.owner.optional(),
});

const units = oneOrMore(values.unit).optional();

export const schema = z.strictObject({
  suite: values.suite.optional(),
  architecture: oneOf(["amd64", "arm64", "i386"]).optional(),
  bootstrap: oneOf(["mmdebstrap", "debootstrap"]).optional(),
  mirrors: oneOrMore(values.mirror).optional(),
  components: oneOrMore(values.component).optional(),
  include: packages,
  exclude: packages,
  purge: packages,
  initramfs: oneOf(["initramfs-tools", "dracut"]).optional(),
  kernel: values.packageName.optional(),
  locale: orKeys(
    "default",
    z.strictObject({ default: values.locale, also: oneOrMore(values.locale).optional() }),
  ).optional(),
  timezone: values.timezone.optional(),
  keyboard: orKeys(
    "layout",
    z.strictObject({
      layout: values.xkbNames,
      model: values.xkbNames.optional(),
      variant: values.xkbNames.optional(),
      options: values.xkbNames.optional(),
    }),
  ).optional(),
  root: z.strictObject(passwords).optional(),
  users: z.record(values.userName, orKeys("name", user)).optional(),
  resolver: z
    .strictObject({
      // resolv.conf(5): glibc asks the first three.
      servers: oneOrMore(ipv4).refine((all) => all.length <= 3, "expected at most three servers"),
      search: oneOrMore(domain).optional(),
    })
    .optional(),
  limits: oneOrMore(values.limit).optional(),
  ldap: z
    .strictObject({
      with: oneOf(["sssd", "nslcd", "libnss-ldap"]).optional(),
      uri: oneOrMore(values.ldapUri),
      base: values.distinguishedName,
      certificate: values.plainPath.optional(),
      "start-tls": truth.optional(),
    })
    .optional(),
  homes: z.record(values.plainPath, orKeys("from", home)).optional(),
  "idmap-domain": domain.optional(),
  "display-manager": oneOf(["gdm3", "lightdm", "sddm", "xdm", "lxdm", "slim", "wdm"]).optional(),
  infiniband: orKeys(
    "network",
    z.strictObject({ network: cidr, modules: oneOrMore(values.moduleName).optional() }),
  ).optional(),
  gpu: oneOrMore(oneOf(["nvidia", "nvidia-open", "amd", "intel"])).optional(),
  files: z.record(values.treePath, orKeys("content", file)).optional(),
  run: oneOrMore(values.command).optional(),
  services: z.strictObject({ enable: units, disable: units, mask: units }).optional(),
});

export type WrittenRecipe = z.output<typeof schema>;
export type WrittenPasswords = Pick<
  z.output<typeof user>,
  "password" | "password-hash" | "password-file"
>;
