import { UNPACK_CACHE_BYTES } from "../../limits.ts";
import { BlockCache } from "../../tree/cache/cache.ts";
import type { ErofsTree } from "../../tree/erofs/tree.ts";
import { openErofs } from "../../tree/erofs.ts";
import type { Attributes } from "../../tree/tree.ts";
import { UserError } from "../../user-error.ts";
import { isInUserNamespace } from "../namespace/user-namespace.ts";
import { placeDirectory } from "../place.ts";
import type { Device } from "../store/device.ts";
import { runTool } from "../tool.ts";
import { archiveOf, placesOf } from "./archive.ts";
import { placeSocket } from "./socket.ts";

export interface UnpackOptions {
  /** An image: an .erofs file. */
  readonly file: string;
  /** A directory, empty or not yet there. */
  readonly to: string;
  /** Bytes of files that were unpacked so far, and the path of the last. */
  readonly progress?: (path: string, bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface Unpacked {
  /** Those that root of a user namespace cannot make. */
  readonly devices: readonly Device[];
}

/**
 * Makes a directory of an image again: the same owners, modes, times to the nanosecond, links, devices, sockets and
 * extended attributes, so that it would be sealed to the same image.
 * @throws UserError
 */
export async function unpackImage({ file, ...options }: UnpackOptions): Promise<Unpacked> {
  await using tree = await openImage(file);
  placeDirectory(options.to);
  const devices: Device[] = [];
  const sockets: [path: string, attributes: Attributes][] = [];
  const isLimited = isInUserNamespace();
  for await (const { path, attributes } of placesOf(tree)) {
    options.signal?.throwIfAborted();
    if (attributes.type === "socket") sockets.push([path, attributes]);
    if (isLimited && isDevice(attributes)) devices.push(deviceOf(path, attributes));
    if (isLimited) await refuseTrusted(tree, path, attributes);
  }
  // First: what is put into a directory changes its time.
  for (const [path, attributes] of sockets) await placeSocket(options.to, path, attributes);
  await unpackPart(tree, {
    ...options,
    has: (_, attributes) => !(isLimited && isDevice(attributes)),
  });
  return { devices };
}

/** It is read whole only once: what it should be was said when it was sealed. */
export function openImage(file: string): Promise<ErofsTree> {
  return openErofs(file, { cache: BlockCache.create(UNPACK_CACHE_BYTES), identity: 0n });
}

export interface UnpackPartOptions extends Omit<UnpackOptions, "file"> {
  /** Which are unpacked, by path from the root, such as `etc/hosts`; "" is the root. */
  readonly has: (path: string, attributes: Attributes) => boolean;
}

/** As they are in the image, over what is there. @throws UserError */
export async function unpackPart(tree: ErofsTree, options: UnpackPartOptions): Promise<void> {
  const { status, complaints } = await runTool({
    command: [...tar, `--directory=${options.to}`],
    debian: "tar",
    // Names are bytes: in this locale it leaves them as they are.
    environment: { LC_ALL: "C.UTF-8", TAR_OPTIONS: "" },
    input: archiveOf(tree, options),
    signal: options.signal,
  });
  // What it cannot give to a file is a complaint only.
  if (status === 0 && complaints.length === 0) return;
  // Its first complaint may be of what it could write only in part.
  const complaint = complaints.find((line) => line.includes("No space left")) ?? complaints[0];
  const why = complaint?.replace(/^tar: /, "") ?? `tar ended with ${status}`;
  throw new UserError(`unpacking to ${options.to} failed: ${why}`, { exitCode: 1 });
}

const tar = [
  "tar",
  "--extract",
  "--file=-",
  "--numeric-owner",
  "--same-owner",
  "--preserve-permissions",
  "--xattrs",
  "--xattrs-include=*",
  // Times are what they are, also those before 1970.
  "--warning=no-timestamp",
] as const;

function isDevice({ type }: Attributes): boolean {
  return type === "character" || type === "block";
}

function deviceOf(path: string, { type, mode, uid, gid, device }: Attributes): Device {
  return {
    path: `/${path}`,
    type: type === "block" ? "block" : "character",
    mode,
    uid,
    gid,
    ...device,
  };
}

/** They are for root of the machine alone, also to read: sealed again, they would be lost. */
async function refuseTrusted(tree: ErofsTree, path: string, { id }: Attributes): Promise<void> {
  const xattrs = await tree.xattrs(id);
  const name = typeof xattrs === "string" ? undefined : [...xattrs.keys()].find(isTrusted);
  if (name === undefined) return;
  const file = Buffer.from(path, "latin1").toString();
  throw new UserError(`/${file} has the attribute ${name}, which only root can keep: use sudo`);
}

function isTrusted(name: string): boolean {
  return name.startsWith("trusted.");
}
