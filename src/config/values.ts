import { parseIpv4, parseIpv4Range } from "../bytes/ipv4.ts";
import { parseMac, parseMacPattern } from "../bytes/mac.ts";
import {
  CACHE_CONFIGURED_BYTES_MIN,
  HOST_NAME_BYTES_MAX,
  IQN_BYTES_MAX,
  LEASE_SECONDS_MAX,
  LEASE_SECONDS_MIN,
  LOCAL_DISK_MAX,
  LOCAL_PARTITION_MAX,
  MENU_SECONDS_MAX,
  MESSAGE_CHARACTERS_MAX,
  SERIAL_BYTES_MAX,
  THREADS_MAX,
  VOLUME_BYTES_MAX,
  VOLUME_CONFIGURED_BYTES_MIN,
  VOLUME_CONFIGURED_NAME_BYTES_MAX,
} from "../limits.ts";
import { parseAddressPattern, parsePattern } from "./patterns.ts";
import { parseDurationSeconds, parseSizeBytes } from "./units.ts";
import { matching, written } from "./written.ts";

/** Single values of sidus.yaml. */

export { cidr, domain, ipv4, oneOf, oneOrMore, truth } from "./written.ts";

const numbered = (max: number) => (text: string) => {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= max ? value : undefined;
};

export const range = written("a range FIRST-LAST, as 10.13.20.50-10.13.20.250", parseIpv4Range);
export const macPattern = written(
  "a MAC address, or the first bytes of one, as 52:54:00:*",
  parseMacPattern,
);
export const lease = written("a lease time, as 12h or 7d (at least 2m), or infinite", (text) => {
  if (text === "infinite") return "infinite" as const;
  const seconds = parseDurationSeconds(text);
  if (seconds === undefined || seconds < LEASE_SECONDS_MIN || seconds > LEASE_SECONDS_MAX) {
    return undefined;
  }
  return seconds;
});
export const menu = written("a time below 1h, as 5s, or 0 for no menu", (text) => {
  const seconds = text === "0" ? 0 : parseDurationSeconds(text);
  return seconds !== undefined && seconds <= MENU_SECONDS_MAX ? seconds : undefined;
});
export const threads = written(
  `a number of threads from 1 to ${THREADS_MAX}`,
  numbered(THREADS_MAX),
);
export const port = written("a port from 1 to 65535", numbered(65_535));
export const disk = written(
  `the number of a disk, counted from 1, up to ${LOCAL_DISK_MAX}`,
  numbered(LOCAL_DISK_MAX),
);
export const partition = written(
  `the number of a partition, counted from 1, up to ${LOCAL_PARTITION_MAX}`,
  numbered(LOCAL_PARTITION_MAX),
);
export const cacheSize = written("a size of at least 16M, as 512M or 2G", (text) => {
  const bytes = parseSizeBytes(text);
  return bytes !== undefined && bytes >= CACHE_CONFIGURED_BYTES_MIN ? bytes : undefined;
});
export const volumeSize = written("a size from 64M to 8T in whole MiB, as 8G", (text) => {
  const bytes = parseSizeBytes(text);
  if (bytes === undefined || bytes % 2 ** 20 !== 0) return undefined;
  return bytes >= VOLUME_CONFIGURED_BYTES_MIN && bytes <= VOLUME_BYTES_MAX ? bytes : undefined;
});
const iqnForm =
  /^iqn\.\d{4}-(0[1-9]|1[0-2])(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(:[a-z0-9.:-]*[a-z0-9])?$/;
export const iqn = written(
  `an iSCSI name iqn.YEAR-MONTH.REVERSED-DOMAIN, as iqn.2024-01.org.example.lab, at most ${IQN_BYTES_MAX}`,
  (text) => (text.length <= IQN_BYTES_MAX && iqnForm.test(text) ? text : undefined),
);
export const name = written(
  "a name: letters, digits, dots, dashes and underscores, beginning with a letter or digit",
  matching(/^[a-z0-9][a-z0-9._-]{0,62}$/i),
);
export const absolutePath = written(
  "an absolute path, as /srv/nfsroot/sidus",
  matching(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\0]*$/),
);
/** What stands on the kernel's command line, between its blanks and commas. */
export const bootPath = written(
  "an absolute path without blanks and commas, as /srv/nfsroot/sidus",
  matching(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\s\0,]*$/),
);
export const interfaceName = written(
  "the name of a network interface, as eth1",
  matching(/^\S{1,15}$/),
);
/** One line: a line break would end PXELINUX's APPEND. */
export const commandLine = written("kernel arguments on one line", matching(/^[^\r\n\0]{0,2000}$/));
export const message = written(
  `a message on one line, at most ${MESSAGE_CHARACTERS_MAX} characters`,
  (text) => (/^\P{Cc}+$/u.test(text) && text.length <= MESSAGE_CHARACTERS_MAX ? text : undefined),
);

// Of nodes: each may be a pattern for as many.

export const macs = written(
  "a MAC address, as 52:54:00:77:00:01, or a pattern, as 52:54:00:77:00:[01-28]",
  (text) => parsePattern(text, parseMac, 16),
);
export const uuids = written("a UUID, as 4c4c4544-0042-3510-8052-b4c04f4e3132", (text) => {
  const form = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  return parsePattern(text, (one) => (form.test(one) ? one.toLowerCase() : undefined), 16);
});
export const serials = written(
  `a serial number as the firmware says it, at most ${SERIAL_BYTES_MAX} characters, or a pattern, as SN[001-040]`,
  (text) =>
    parsePattern(text, (one) =>
      /^[!-~](?:[ -~]*[!-~])?$/.test(one) && one.length <= SERIAL_BYTES_MAX ? one : undefined,
    ),
);
export const hostNames = written(
  `a host name: letters, digits and inner dashes, at most ${HOST_NAME_BYTES_MAX}, or a pattern, as n[1-40]`,
  (text) => parsePattern(text, matching(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i)),
);
export const addresses = written(
  "an IPv4 address, as 10.13.20.1, or a pattern, as 10.13.20.[11-50]",
  parseAddressPattern,
);
export const volumeNameForm = `a name: small letters, digits, inner dots and dashes, at most ${VOLUME_CONFIGURED_NAME_BYTES_MAX}, no address`;
/** RFC 3722 §6.2: what needs no preparing in an iSCSI name. An address would be the volume of the node that has it. */
export const volumeNames = written(volumeNameForm, (text) =>
  parsePattern(text, (one) => {
    const fits = one.length <= VOLUME_CONFIGURED_NAME_BYTES_MAX && parseIpv4(one) === undefined;
    return fits && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(one) ? one : undefined;
  }),
);
