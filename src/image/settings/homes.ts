import type { HomeRecipe, Recipe } from "../recipe/recipe.ts";
import { lines, type Part } from "./part.ts";

/** nfs(5), fstab(5). The root is none of fstab's business: it is there before fstab is. */
export function homesSettings({ homes, idmapDomain }: Recipe): Part {
  if (homes.length === 0) return {};
  const mounts = {
    path: "/etc/fstab",
    mode: 0o644,
    content: lines(
      "# <file system> <mount point> <type> <options> <dump> <pass>",
      ...homes.map(line),
    ),
  };
  return {
    packages: ["nfs-common"],
    files: homes.some(({ version }) => version === 4) ? [mounts, idmapd(idmapDomain)] : [mounts],
    commands: [`mkdir -p ${homes.map(({ mount }) => mount).join(" ")}`],
  };
}

function line({ from, mount, version, options }: HomeRecipe): string {
  return `${from} ${mount} nfs nfsvers=${version},${options} 0 0`;
}

/** idmapd.conf(5). Without a domain it is that of the node's name. */
function idmapd(domain: string | undefined) {
  return {
    path: "/etc/idmapd.conf",
    mode: 0o644,
    content: lines(
      "[General]",
      ...(domain === undefined ? [] : [`Domain = ${domain}`]),
      "",
      "[Mapping]",
      "Nobody-User = nobody",
      "Nobody-Group = nogroup",
    ),
  };
}
