import { httpOrigin } from "../bytes/http-origin.ts";
import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";

/** The server that a medium goes to. */
export interface MediumServer {
  readonly address: Ipv4;
  readonly httpPort: number;
}

/** Where nobody answers, it waits so long before it asks again, for someone to read why. */
const AGAIN_SECONDS = 10;

/** The only port of HTTP that GRUB knows. */
const HTTP_PORT = 80;

/** GRUB cannot count network cards in a script: so many are looked at. */
const CARDS = 8;

export function urlOf({ address, httpPort }: MediumServer): string {
  return `${httpOrigin(address, httpPort)}/`;
}

/** For ISOLINUX: iPXE as a kernel, and its script as the initrd. */
export const isolinuxConfig = `default sidus
prompt 0
label sidus
  linux ipxe.krn
  initrd sidus.ipx
`;

/** For iPXE on BIOS. `dhcp` asks on each card in turn; the answer to it names no server of ours. */
export function ipxeScript(server: MediumServer): string {
  const url = urlOf(server);
  return `#!ipxe
:again
echo sidus: asking for an address by DHCP
dhcp || goto no_address
echo sidus: \${netX/mac} is \${netX/ip}; asking ${url}
imgfetch --name sidus ${url}boot.ipxe || goto no_server
imgexec sidus || exit 1
exit
:no_address
echo sidus: no DHCP server answers on any network card; is the cable plugged in?
goto wait
:no_server
echo sidus: ${url} does not boot this node; does sidus serve run there, and can it be reached from here?
:wait
prompt --timeout ${AGAIN_SECONDS}000 sidus: again in ${AGAIN_SECONDS} seconds; any key for iPXE's shell && shell ||
goto again
`;
}

/**
 * For GRUB on UEFI. Under Secure Boot it loads no module, and has none for HTTP in itself. `net_bootp` fails where one of
 * the cards gets no answer, so each is looked at; what was a card's answer is not yet that of GRUB.
 */
export function grubConfig(server: MediumServer): string {
  const host = formatIpv4(server.address);
  const http =
    server.httpPort === HTTP_PORT
      ? `if [ "$lockdown" != y ]; then
  if insmod http; then set sidus='(http,${host})'; fi
fi
`
      : "";
  const cards = Array.from({ length: CARDS }, (_, card) => `efinet${card}_dhcp`);
  return `set sidus='(tftp,${host})'
${http}
function boot_from {
  echo "sidus: $2 is $3; asking $sidus"
  set net_default_interface=$1
  export net_default_interface
  set net_default_server=${host}
  set root="$sidus"
  set prefix="$sidus/grub"
  configfile "$sidus/grub/grub.cfg"
  echo 'sidus: ${host} does not boot this node; does sidus serve run there, and can it be reached from here?'
}

while true; do
  echo 'sidus: asking for an address by DHCP'
  net_bootp
  set answered=
${cards.map(fromCard).join("\n")}
  if [ -z "$answered" ]; then
    echo 'sidus: no DHCP server answers on any network card; is the cable plugged in?'
  fi
  echo 'sidus: again in ${AGAIN_SECONDS} seconds'
  sleep --interruptible ${AGAIN_SECONDS}
done
`;
}

function fromCard(name: string): string {
  return `  if [ -n "$net_${name}_mac" ]; then
    set answered=y
    boot_from ${name} "$net_${name}_mac" "$net_${name}_ip"
  fi`;
}
