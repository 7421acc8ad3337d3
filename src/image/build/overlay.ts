import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { placeFile } from "../place.ts";
import type { Recipe } from "../recipe/recipe.ts";

const source = fileURLToPath(new URL("../overlay/", import.meta.url));

/** What every tree gets of ours, by path below its root. Modes are said here: a checkout or a package may lose them. */
export const overlayFiles: Readonly<Record<string, number>> = {
  "etc/dracut.conf.d/sidus.conf": 0o644,
  "etc/hosts": 0o644,
  "etc/initramfs-tools/conf.d/open-iscsi": 0o644,
  "etc/initramfs-tools/conf.d/sidus": 0o644,
  "etc/initramfs-tools/hooks/rootaufs": 0o755,
  "etc/initramfs-tools/scripts/init-bottom/rootaufs": 0o755,
  "etc/initramfs-tools/scripts/nfs-top/linkup": 0o755,
  "etc/systemd/system.conf.d/sidus.conf": 0o644,
  "etc/systemd/system/open-iscsi.service.d/sidus.conf": 0o644,
  "etc/systemd/system/sidus-ssh-keys.service": 0o644,
  "etc/systemd/system/sidus-up.service": 0o644,
  "etc/systemd/system/ssh.service.d/sidus.conf": 0o644,
  "etc/systemd/system/ssh@.service.d/sidus.conf": 0o644,
  "etc/udev/hwdb.d/20-OUI.hwdb": 0o644,
  "etc/udev/hwdb.d/20-acpi-vendor.hwdb": 0o644,
  "etc/udev/hwdb.d/20-bluetooth-vendor-product.hwdb": 0o644,
  "etc/udev/hwdb.d/20-pci-vendor-model.hwdb": 0o644,
  "etc/udev/hwdb.d/20-usb-vendor-model.hwdb": 0o644,
  "usr/lib/dracut/modules.d/99sidus/cmdline.sh": 0o755,
  "usr/lib/dracut/modules.d/99sidus/functions": 0o644,
  "usr/lib/dracut/modules.d/99sidus/module-setup.sh": 0o755,
  "usr/lib/dracut/modules.d/99sidus/mount.sh": 0o755,
  "usr/lib/dracut/modules.d/99sidus/nfs-root": 0o755,
  "usr/lib/sidus/initrd/linkup": 0o755,
  "usr/lib/sidus/initrd/modules": 0o644,
  "usr/lib/sidus/initrd/rootaufs": 0o755,
  "usr/lib/sidus/up": 0o755,
};

/** Lays the files out below `directory`, as they are to be in the tree; of initramfs makers only what the one needs. */
export function writeOverlay(directory: string, initramfs: Recipe["initramfs"]): void {
  const other = initramfs === "dracut" ? "initramfs-tools" : "dracut";
  for (const [path, mode] of Object.entries(overlayFiles)) {
    if (path.split("/").some((part) => part.startsWith(other))) continue;
    placeFile(join(directory, path), readFileSync(join(source, path)), mode);
  }
}
