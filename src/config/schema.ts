import { z } from "zod";
import { parseCidr, parseIpv4, parseIpv4Range } from "../bytes/ipv4.ts";
import { parseMac } from "../bytes/mac.ts";
import {
  CACHE_CONFIGURED_BYTES_MIN,
  HOST_NAME_BYTES_MAX,
  IQN_BYTES_MAX,
  LEASE_SECONDS_MAX,
  LEASE_SECONDS_MIN,
  NODES_MAX,
  THREADS_MAX,
  VOLUME_BYTES_MAX,
  VOLUME_CONFIGURED_BYTES_MIN,
  VOLUME_NAME_BYTES_MAX,
} from "../limits.ts";
import { chaps, layers, logLevels, squashes } from "./config.ts";
import { parseDurationSeconds, parseSizeBytes } from "./units.ts";

/** One schema for sidus.yaml: shapes and single values. What hangs together is checked in resolve.ts. */

/** A value written as text; `expected` is what the error says, with an example. */
function written<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const parsed = typeof value === "string" ? parse(value) : undefined;
    if (parsed === undefined) {
      context.addIssue({ code: "custom", message: `expected ${expected}` });
      return z.NEVER;
    }
    return parsed;
  });
}

/** One, or a list of them. */
function oneOrMore<T extends z.ZodType>(item: T) {
  return z.preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(item));
}

const matching = (form: RegExp) => (text: string) => (form.test(text) ? text : undefined);

const ipv4 = written("an IPv4 address, as 10.13.20.1", parseIpv4);
const cidr = written("a network, as 10.13.20.0/24 (no bits set after the prefix)", parseCidr);
const range = written("a range FIRST-LAST, as 10.13.20.50-10.13.20.250", parseIpv4Range);
const mac = written("a MAC address, as 52:54:00:77:00:01", parseMac);
const lease = written("a lease time, as 12h or 7d (at least 2m), or infinite", (text) => {
  if (text === "infinite") return "infinite" as const;
  const seconds = parseDurationSeconds(text);
  if (seconds === undefined || seconds < LEASE_SECONDS_MIN || seconds > LEASE_SECONDS_MAX) {
    return undefined;
  }
  return seconds;
});
const threads = written(`a number of threads from 1 to ${THREADS_MAX}`, (text) => {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= THREADS_MAX ? value : undefined;
});
const cacheSize = written("a size of at least 16M, as 512M or 2G", (text) => {
  const bytes = parseSizeBytes(text);
  return bytes !== undefined && bytes >= CACHE_CONFIGURED_BYTES_MIN ? bytes : undefined;
});
const volumeSize = written("a size from 64M to 8T in whole MiB, as 8G", (text) => {
  const bytes = parseSizeBytes(text);
  if (bytes === undefined || bytes % 2 ** 20 !== 0) return undefined;
  return bytes >= VOLUME_CONFIGURED_BYTES_MIN && bytes <= VOLUME_BYTES_MAX ? bytes : undefined;
});
const volumeNameForm = `a name: small letters, digits, inner dots and dashes, at most ${VOLUME_NAME_BYTES_MAX}, no address`;
/** RFC 3722 §6.2: what needs no preparing in an iSCSI name. An address would be the volume of the node that has it. */
const volumeName = written(volumeNameForm, (text) => {
  const fits = text.length <= VOLUME_NAME_BYTES_MAX && parseIpv4(text) === undefined;
  return fits && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text) ? text : undefined;
});
const iqnForm =
  /^iqn\.\d{4}-(0[1-9]|1[0-2])(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(:[a-z0-9.:-]*[a-z0-9])?$/;
const iqn = written(
  `an iSCSI name iqn.YEAR-MONTH.REVERSED-DOMAIN, as iqn.2024-01.org.example.lab, at most ${IQN_BYTES_MAX}`,
  (text) => (text.length <= IQN_BYTES_MAX && iqnForm.test(text) ? text : undefined),
);
const hostName = written(
  `a host name: letters, digits and inner dashes, at most ${HOST_NAME_BYTES_MAX}`,
  matching(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i),
);
const domain = written(
  "a domain name, as lab.example.org",
  matching(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i),
);
const name = written(
  "a name: letters, digits, dots, dashes and underscores, beginning with a letter or digit",
  matching(/^[a-z0-9][a-z0-9._-]{0,62}$/i),
);
const absolutePath = written(
  "an absolute path, as /srv/nfsroot/sidus",
  matching(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\0]*$/),
);
/** What stands on the kernel's command line, between its blanks and commas. */
const bootPath = written(
  "an absolute path without blanks and commas, as /srv/nfsroot/sidus",
  matching(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\s\0,]*$/),
);
const interfaceName = written("the name of a network interface, as eth1", matching(/^\S{1,15}$/));
const port = written("a port from 1 to 65535", (text) => {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= 65_535 ? value : undefined;
});
/** One line: a line break would end PXELINUX's APPEND. */
const commandLine = written("kernel arguments on one line", matching(/^[^\r\n\0]{0,2000}$/));
const truth = written("true or false", (text) =>
  text === "true" || text === "false" ? text === "true" : undefined,
);

const label = z.union(
  [
    z.literal("local"),
    z.strictObject({
      export: name.optional(),
      kernel: bootPath.optional(),
      initrd: bootPath.optional(),
      append: commandLine.optional(),
      layer: z.enum(layers, { error: `expected one of ${layers.join(", ")}` }).optional(),
    }),
  ],
  { error: "expected local, or keys of: export, layer, kernel, initrd, append" },
);

const volume = z.union(
  [
    volumeName.transform((text) => ({ name: text, size: undefined })),
    z.strictObject({ name: volumeName.optional(), size: volumeSize.optional() }),
  ],
  { error: `expected keys of: name, size, or ${volumeNameForm}` },
);

export const schema = z.strictObject({
  interface: interfaceName,
  address: ipv4.optional(),
  state: absolutePath.optional(),
  images: absolutePath.optional(),
  threads: threads.optional(),
  cache: cacheSize.optional(),
  ports: z
    .strictObject({
      dhcp: port.optional(),
      tftp: port.optional(),
      http: port.optional(),
      nfs: port.optional(),
      portmap: port.optional(),
      iscsi: port.optional(),
    })
    .optional(),
  dhcp: z
    .strictObject({
      mode: z.enum(["server", "off"], { error: "expected server or off" }).optional(),
      range: oneOrMore(range).optional(),
      lease: lease.optional(),
      router: ipv4.optional(),
      dns: oneOrMore(ipv4).optional(),
      domain: domain.optional(),
      "deny-unknown": truth.optional(),
    })
    .optional(),
  iscsi: z
    .strictObject({
      iqn: iqn.optional(),
      size: volumeSize.optional(),
      chap: z.enum(chaps, { error: `expected one of ${chaps.join(", ")}` }).optional(),
      volumes: absolutePath.optional(),
    })
    .optional(),
  exports: z.record(
    name,
    z.strictObject({
      source: absolutePath.optional(),
      image: name.optional(),
      path: bootPath.optional(),
      clients: oneOrMore(cidr).optional(),
      squash: z.enum(squashes, { error: `expected one of ${squashes.join(", ")}` }).optional(),
    }),
  ),
  boot: z
    .strictObject({
      default: name.optional(),
      overlay: absolutePath.optional(),
      labels: z.record(name, label).optional(),
    })
    .optional(),
  nodes: z
    .array(
      z.strictObject({
        mac,
        name: hostName.optional(),
        ip: ipv4.optional(),
        label: name.optional(),
        append: commandLine.optional(),
        volume: volume.optional(),
      }),
    )
    .max(NODES_MAX, `expected at most ${NODES_MAX} nodes`)
    .optional(),
  log: z
    .strictObject({
      level: z.enum(logLevels, { error: `expected one of ${logLevels.join(", ")}` }).optional(),
    })
    .optional(),
});

export type Written = z.output<typeof schema>;
