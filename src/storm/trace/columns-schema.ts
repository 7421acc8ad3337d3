import { z } from "zod";
import {
  PATH_BYTES_MAX,
  STORM_FILE_BYTES_MAX,
  STORM_FILES_MAX,
  STORM_STEPS_MAX,
  STORM_THINK_US_MAX,
} from "../../limits.ts";

/**
 * A trace as a file has it: a column a field instead of an object a call, each text once. Columns of arguments are as long
 * as the steps that have them are many, in the order of the steps.
 *
 *   files.paths, files.sizes   a file each; files.types has a letter each: f file, d directory, l link, o other, m missing
 *   kinds                      what steps are: `dhcp`, `tftp`, `http`, `portmap`, `mount`, `login`, `scsi`, `up`, `nfs read` …
 *   steps.kind                 an index into kinds
 *   steps.back                 so many steps before it is the one whose end it waits for; its own index and one more: none
 *   steps.think                µs after that end
 *   nfs.file                   of every call, an index into files; the others only of calls that have them:
 *   nfs.access                   ACCESS
 *   nfs.offset, nfs.count        READ
 *   nfs.continues (0 or 1), nfs.dircount, nfs.maxcount   READDIR and READDIRPLUS
 *   scsi.cdb                   an index into cdbs (hexadecimal); scsi.bytes; scsi.way has a letter each: i in, o out, n none
 *   spoken                     the deeds of DHCP, TFTP, HTTP and portmap, as trace.ts has them
 */

const U32_MAX = 0xffff_ffff;

const column = (most: number, lengthMax = STORM_STEPS_MAX) =>
  z.array(z.int().min(0).max(most)).max(lengthMax);

/** Below the root: a tree is made of these, so nothing may lead out of it. */
const filePath = z
  .string()
  .max(PATH_BYTES_MAX)
  .refine((path) => path === "" || isPlain(path), "expected a path below the root");

function isPlain(path: string): boolean {
  return !path.includes("\0") && path.split("/").every((name) => !["", ".", ".."].includes(name));
}

const about = z.object({
  title: z.string().max(200),
  firmware: z.enum(["bios", "uefi"]),
  layer: z.enum(["tmpfs", "iscsi", "none"]),
  recordedAt: z.iso.datetime(),
  kernel: z.string().max(100),
  mac: z.string().regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/),
  address: z.ipv4(),
});

const think = z.int().min(0).max(STORM_THINK_US_MAX);
const options = z
  .array(
    z.object({
      code: z.int().min(1).max(254),
      value: z.string().regex(/^(?:[0-9a-f]{2}){0,1024}$/),
    }),
  )
  .max(64);

const dhcp = z.object({
  kind: z.literal("dhcp"),
  client: z.enum(["pxe", "ipxe", "kernel"]),
  flags: z.int().min(0).max(0xffff),
  discover: options,
  request: options,
  think,
});

const file = z.object({
  kind: z.enum(["tftp", "http"]),
  role: z.enum(["loader", "config", "kernel", "initrd", "other"]),
  path: z.string().max(PATH_BYTES_MAX),
  options: z.array(z.tuple([z.string().max(64), z.string().max(255)])).max(16),
  ends: z.enum(["whole", "missing", "size"]),
  bytes: z.int().min(0).max(STORM_FILE_BYTES_MAX),
});

const portmap = z.object({
  kind: z.literal("portmap"),
  program: z.int().min(0).max(U32_MAX),
  version: z.int().min(0).max(U32_MAX),
});

export const columnsSchema = z.object({
  about,
  files: z.object({
    paths: z.array(filePath).max(STORM_FILES_MAX),
    types: z.string().regex(/^[fdlom]*$/),
    sizes: column(STORM_FILE_BYTES_MAX, STORM_FILES_MAX),
  }),
  kinds: z.array(z.string().max(20)).max(32),
  steps: z.object({
    kind: column(31),
    back: column(STORM_STEPS_MAX),
    think: column(STORM_THINK_US_MAX),
  }),
  nfs: z.object({
    file: column(STORM_FILES_MAX),
    access: column(U32_MAX),
    offset: column(Number.MAX_SAFE_INTEGER),
    count: column(U32_MAX),
    continues: column(1),
    dircount: column(U32_MAX),
    maxcount: column(U32_MAX),
  }),
  scsi: z.object({
    cdb: column(STORM_STEPS_MAX),
    bytes: column(U32_MAX),
    way: z.string().regex(/^[ion]*$/),
  }),
  cdbs: z.array(z.string().regex(/^(?:[0-9a-f]{2}){6,260}$/)).max(STORM_STEPS_MAX),
  spoken: z.array(z.discriminatedUnion("kind", [dhcp, file, portmap])).max(STORM_STEPS_MAX),
});

export type Columns = z.infer<typeof columnsSchema>;
