import type { Recipe } from "../recipe/recipe.ts";
import { lines, type Part } from "./part.ts";

/** Where finish.ts finds that a tree has a resolv.conf of its own. */
export const RESOLV_CONF = "/etc/sidus/resolv.conf";

/** The card is up since the initrd, and carries the root: whoever configures it again hangs the node. */
export function networkSettings({ resolver }: Recipe): Part {
  return {
    files: [
      {
        path: "/etc/network/interfaces",
        mode: 0o644,
        content: lines(
          "# The initrd brought the network up, and the root comes by it: nothing else is configured here.",
          "auto lo",
          "iface lo inet loopback",
        ),
      },
      {
        path: "/etc/NetworkManager/conf.d/sidus.conf",
        mode: 0o644,
        content: lines("[keyfile]", "unmanaged-devices=type:ethernet"),
      },
      ...(resolver === undefined ? [] : [resolvConf(resolver)]),
    ],
  };
}

/** resolv.conf(5). Nodes write what DHCP said into /etc/resolv.conf unless that is a link, as it becomes to this. */
function resolvConf({ servers, search }: NonNullable<Recipe["resolver"]>) {
  return {
    path: RESOLV_CONF,
    mode: 0o644,
    content: lines(
      ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
      ...servers.map((server) => `nameserver ${server}`),
    ),
  };
}
