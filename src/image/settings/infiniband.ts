import type { Recipe } from "../recipe/recipe.ts";
import { lines, type Part } from "./part.ts";

/** The card's own driver is loaded by udev; nobody asks for these: IPoIB, and what MPI opens. */
const modules = ["ib_ipoib", "ib_umad", "ib_uverbs", "rdma_cm", "rdma_ucm"];

/** ARPHRD_INFINIBAND: whatever udev calls the interface, ib0 or ibp1s0. `$name` is what it calls it in the end. */
const rule =
  'SUBSYSTEM=="net", ACTION=="add", ATTR{type}=="32", TAG+="systemd", ENV{SYSTEMD_WANTS}+="sidus-infiniband@$name.service"';

/** Of interfaces of type 1, ARPHRD_ETHER, the first with an address is the one that the node booted by. */
const script = `#!/bin/sh
# Gives the IPoIB interface $1 an address in the network $2: it ends as that of the Ethernet card does.
set -eu

interface=$1
network=\${2%/*}
mask=$(((1 << (32 - \${2#*/})) - 1))

number() { # A.B.C.D
	(
		IFS=.
		set -- $1
		echo $((($1 << 24) | ($2 << 16) | ($3 << 8) | $4))
	)
}

ethernet=
for link in /sys/class/net/*; do
	# bonding_masters is a file among them.
	[ -e "$link/type" ] || continue
	read -r type <"$link/type"
	[ "$type" = 1 ] || continue
	ethernet=$(ip -4 -o address show dev "\${link##*/}" scope global | sed -n '1s/.* inet \\([0-9.]*\\).*/\\1/p')
	[ -z "$ethernet" ] || break
done
if [ -z "$ethernet" ]; then
	echo "no Ethernet card has an address: $interface gets none" >&2
	exit 1
fi

host=$(($(number "$ethernet") & mask))
sum=$(($(number "$network") | host))
address=$((sum >> 24)).$((sum >> 16 & 255)).$((sum >> 8 & 255)).$((sum & 255))
ip link set "$interface" up
# The second port of a card is up without an address: two of the same would split the network.
[ -z "$(ip -4 -o address show to "$address")" ] || exit 0
ip address add "$address/\${2#*/}" dev "$interface"
`;

export function infinibandSettings({ infiniband }: Recipe): Part {
  if (infiniband === undefined) return {};
  return {
    packages: ["rdma-core", "ibverbs-providers", "iproute2"],
    files: [
      {
        path: "/etc/modules-load.d/sidus-infiniband.conf",
        mode: 0o644,
        content: lines(...new Set([...modules, ...infiniband.modules])),
      },
      {
        path: "/etc/udev/rules.d/90-sidus-infiniband.rules",
        mode: 0o644,
        content: lines(rule),
      },
      {
        path: "/etc/systemd/system/sidus-infiniband@.service",
        mode: 0o644,
        content: lines(
          "[Unit]",
          "Description=Address of %I, after that of the Ethernet card",
          "",
          "[Service]",
          "Type=oneshot",
          "RemainAfterExit=yes",
          `ExecStart=/usr/lib/sidus/infiniband %I ${infiniband.network}`,
        ),
      },
      { path: "/usr/lib/sidus/infiniband", mode: 0o755, content: script },
    ],
  };
}
