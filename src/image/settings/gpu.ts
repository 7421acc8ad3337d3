import type { GpuDriver, Recipe } from "../recipe/recipe.ts";
import type { Machine, Part } from "./part.ts";

/** Suites of Debian whose firmware is still in non-free. */
const beforeFirmware = new Set(["buster", "bullseye"]);
/** Where firmware of Intel's graphics is in a package with others. */
const beforeIntel = new Set(["buster", "bullseye", "bookworm"]);

/** Of the branches of the driver, the one that Ubuntu maintains for as long as the suite. */
const ubuntuNvidia = "nvidia-driver-535";

/** A driver that is compiled needs the headers of the kernel that runs, and the compiler, which dkms brings. */
const build = `for kernel in /lib/modules/*; do [ ! -e "$kernel/build" ] || dkms autoinstall -k "\${kernel##*/}"; done`;

export function gpuSettings(recipe: Recipe, machine: Machine): Part {
  const { gpu, suite } = recipe;
  if (gpu.length === 0) return {};
  const isCompiled = gpu.some((driver) => driver.startsWith("nvidia"));
  const compiled = isCompiled ? { commands: [build] } : {};
  const headers = isCompiled ? [headersPackage(recipe, machine)] : [];
  if (machine.distribution === "ubuntu") {
    const components = isCompiled ? ["restricted"] : [];
    return { ...compiled, packages: [...headers, ...gpu.flatMap(ubuntuPackages)], components };
  }
  const firmware = beforeFirmware.has(suite) ? [] : ["non-free-firmware"];
  return {
    ...compiled,
    packages: [...headers, ...gpu.flatMap((driver) => debianPackages(driver, suite))],
    components: ["contrib", "non-free", ...firmware],
  };
}

function debianPackages(driver: GpuDriver, suite: string): string[] {
  switch (driver) {
    case "nvidia":
      return ["nvidia-kernel-dkms", "nvidia-driver"];
    case "nvidia-open":
      return ["nvidia-open-kernel-dkms", "nvidia-driver"];
    case "amd":
      return ["firmware-amd-graphics", "libgl1-mesa-dri"];
    case "intel": {
      const firmware = beforeIntel.has(suite) ? "firmware-misc-nonfree" : "firmware-intel-graphics";
      return [firmware, "libgl1-mesa-dri"];
    }
  }
}

function ubuntuPackages(driver: GpuDriver): string[] {
  switch (driver) {
    case "nvidia":
      return [ubuntuNvidia];
    case "nvidia-open":
      return [`${ubuntuNvidia}-open`];
    case "amd":
    case "intel":
      return ["linux-firmware", "libgl1-mesa-dri"];
  }
}

/** `linux-image-amd64` → `linux-headers-amd64`, `linux-generic` → `linux-headers-generic`. */
function headersPackage({ kernel }: Recipe, { architecture, distribution }: Machine): string {
  const own = distribution === "ubuntu" ? "linux-generic" : `linux-image-${architecture}`;
  return (kernel ?? own).replace(/^linux-(?:image-)?(?:unsigned-)?/, "linux-headers-");
}
