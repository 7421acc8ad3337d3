import { z } from "zod";
import { NODES_MAX } from "../limits.ts";
import { chaps, dhcpModes, layers, loaders, logLevels, squashes } from "./config.ts";
import * as values from "./values.ts";

/** One schema for sidus.yaml: shapes and single values. What hangs together is checked in resolve/. */

const { absolutePath, bootPath, cidr, commandLine, ipv4, name, oneOf, oneOrMore, port } = values;

/** Which of its keys go together is checked later: one shape gives better errors than four. */
const labelKeys = z.strictObject({
  local: z.strictObject({ disk: values.disk, partition: values.partition.optional() }).optional(),
  message: values.message.optional(),
  program: bootPath.optional(),
  export: name.optional(),
  layer: oneOf(layers).optional(),
  kernel: bootPath.optional(),
  initrd: oneOrMore(bootPath).optional(),
  append: commandLine.optional(),
});

const label = z.union([z.literal("local"), labelKeys], {
  error: `expected local, or keys of: ${Object.keys(labelKeys.shape).join(", ")}`,
});

const volume = z.union(
  [
    values.volumeNames.transform((text) => ({ name: text, size: undefined })),
    z.strictObject({
      name: values.volumeNames.optional(),
      size: values.volumeSize.optional(),
    }),
  ],
  { error: `expected keys of: name, size, or ${values.volumeNameForm}` },
);

const node = z.strictObject({
  mac: values.macs.optional(),
  uuid: values.uuids.optional(),
  serial: values.serials.optional(),
  name: values.hostNames.optional(),
  ip: values.addresses.optional(),
  label: name.optional(),
  loader: oneOf(loaders).optional(),
  append: commandLine.optional(),
  volume: volume.optional(),
});

const ports = z.strictObject({
  dhcp: port.optional(),
  proxy: port.optional(),
  tftp: port.optional(),
  http: port.optional(),
  nfs: port.optional(),
  portmap: port.optional(),
  iscsi: port.optional(),
});

/** What DHCP says to the nodes of one network. */
const offered = {
  range: oneOrMore(values.range).optional(),
  lease: values.lease.optional(),
  router: ipv4.optional(),
  dns: oneOrMore(ipv4).optional(),
  domain: values.domain.optional(),
};

const dhcp = z.strictObject({
  mode: oneOf(dhcpModes).optional(),
  ...offered,
  "deny-unknown": values.truth.optional(),
  allow: oneOrMore(values.macPattern).optional(),
  subnets: z.array(z.strictObject({ network: cidr, ...offered })).optional(),
});

export const schema = z.strictObject({
  interface: values.interfaceName,
  address: ipv4.optional(),
  state: absolutePath.optional(),
  images: absolutePath.optional(),
  "image-keys": oneOrMore(absolutePath).optional(),
  threads: values.threads.optional(),
  cache: values.cacheSize.optional(),
  ports: ports.optional(),
  dhcp: dhcp.optional(),
  iscsi: z
    .strictObject({
      iqn: values.iqn.optional(),
      size: values.volumeSize.optional(),
      chap: oneOf(chaps).optional(),
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
      squash: oneOf(squashes).optional(),
    }),
  ),
  boot: z
    .strictObject({
      default: name.optional(),
      unknown: name.optional(),
      menu: values.menu.optional(),
      loader: oneOf(loaders).optional(),
      overlay: absolutePath.optional(),
      labels: z.record(name, label).optional(),
    })
    .optional(),
  nodes: z.array(node).max(NODES_MAX, `expected at most ${NODES_MAX} nodes`).optional(),
  log: z.strictObject({ level: oneOf(logLevels).optional() }).optional(),
});

export type Written = z.output<typeof schema>;
export type WrittenLabel = z.output<typeof labelKeys>;
export type WrittenNode = z.output<typeof node>;
