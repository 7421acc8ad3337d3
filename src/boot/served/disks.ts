import { Bounded } from "../../bytes/bounded.ts";
import { UEFI_DISKS_KEPT_MAX } from "../../limits.ts";
import { uefiDisk } from "../../medium/uefi-disk.ts";
import type { BootFile, Requester } from "../files.ts";
import { diskSuffix, partsOf } from "../loader.ts";
import { contentOf } from "./files.ts";
import type { ServedSettings } from "./settings.ts";
import { loaderFile } from "./trees.ts";

/**
 * `uefi-x64.img`: a disk for UEFI HTTP boot, with the signed shim and GRUB of a tree. GRUB that was itself fetched by HTTP
 * finds no server; started from a disk it asks for an address as from a medium (quirk grub-http-boot).
 */
export class UefiDisks {
  /** By the versions of what is on them: a room that is switched on fetches one and the same. */
  readonly #kept = new Bounded<string, Promise<Uint8Array>>(UEFI_DISKS_KEPT_MAX);

  /** Undefined where the name is not a disk's. */
  async file(
    name: string,
    requester: Requester,
    settings: ServedSettings,
  ): Promise<BootFile | "missing" | undefined> {
    const suffix = diskSuffix(name);
    if (suffix === undefined) return undefined;
    const [shim, grub] = await Promise.all(
      partsOf(name).map((part) => loaderFile(part, requester, settings)),
    );
    if (shim === undefined || shim === "missing") return "missing";
    if (grub === undefined || grub === "missing") return "missing";
    const { serverAddress: address, httpPort } = settings.boot;
    const version = [name, shim.version, grub.version, address, httpPort].join(" ");
    const make = async (): Promise<Uint8Array> => {
      const [first, second] = await Promise.all([contentOf(shim, name), contentOf(grub, name)]);
      const loader = { suffix, platform: "", shim: first, grub: second, httpModule: undefined };
      return uefiDisk([loader], { address, httpPort });
    };
    return fileOf(await this.#keptOr(version, make), version);
  }

  #keptOr(version: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = this.#kept.get(version);
    if (known !== undefined) return known;
    const made = make();
    void this.#kept.put(version, made);
    // What failed is tried anew.
    made.catch(() => this.#kept.delete(version));
    return made;
  }
}

function fileOf(bytes: Uint8Array, version: string): BootFile {
  return {
    size: bytes.length,
    version: version.replaceAll(" ", "-"),
    read(offset, into) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}
