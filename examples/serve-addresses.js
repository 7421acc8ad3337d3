// node serve-addresses.js ADDRESS: as root, gives addresses beside its own, and names a loader to BIOS and UEFI firmware.
import { serveDhcp } from "sidus/dhcp";

const [host = "10.0.0.1"] = process.argv.slice(2);
const beside = host.replace(/\.\d+$/, ".");

await using server = await serveDhcp({
  host,
  subnets: [{ network: `${beside}0/24`, ranges: [`${beside}100-${beside}199`] }],
  hosts: [{ mac: "52:54:00:77:00:01", name: "one", address: `${beside}11` }],
  bootFile: ({ architecture }) => (architecture === 0 ? "pxelinux.0" : "grubnetx64.efi"),
  onEvent: (event) => console.log(event),
});

console.log(`port ${server.port}`);

await new Promise((stop) => process.once("SIGINT", stop).once("SIGTERM", stop));
