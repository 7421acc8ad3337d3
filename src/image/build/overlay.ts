import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { placeFile } from "../place.ts";

const source = fileURLToPath(new URL("../overlay/", import.meta.url));

/** What every tree gets of ours, by path below its root. Modes are said here: a checkout or a package may lose them. */
export const overlayFiles: Readonly<Record<string, number>> = {
  "etc/hosts": 0o644,
  "etc/initramfs-tools/conf.d/open-iscsi": 0o644,
  "etc/initramfs-tools/conf.d/sidus": 0o644,
  "etc/initramfs-tools/hooks/rootaufs": 0o755,
  "etc/initramfs-tools/scripts/init-bottom/rootaufs": 0o755,
  "etc/initramfs-tools/scripts/nfs-top/linkup": 0o755,
  "etc/systemd/system.conf.d/sidus.conf": 0o644,
  "etc/systemd/system/open-iscsi.service.d/sidus.conf": 0o644,
  "etc/systemd/system/sidus-up.service": 0o644,
  "usr/lib/sidus/up": 0o755,
};

/** Lays the files out below `directory`, as they are to be in the tree. */
export function writeOverlay(directory: string): void {
  for (const [path, mode] of Object.entries(overlayFiles)) {
    placeFile(join(directory, path), readFileSync(join(source, path)), mode);
  }
}
