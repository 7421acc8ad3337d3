import { execFileSync } from "node:child_process";
import { UserError } from "../../user-error.ts";
import { emulateArchitecture } from "../chroot/foreign.ts";

/** What runs programs of another kind by itself. */
const runsToo: Readonly<Record<string, readonly string[]>> = { amd64: ["i386"], arm64: ["armhf"] };

/** Debian's name of this machine's. */
export function ownArchitecture(): string {
  return execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim();
}

/** @throws UserError where this machine cannot run the programs of the tree. */
export function refuseForeign(architecture: string): void {
  const own = ownArchitecture();
  if (architecture === own || runsToo[own]?.includes(architecture) === true) return;
  if (emulateArchitecture(architecture)) return;
  throw new UserError(
    `architecture ${architecture}: this machine (${own}) runs its programs only with qemu-user: apt-get install qemu-user-static binfmt-support`,
  );
}
