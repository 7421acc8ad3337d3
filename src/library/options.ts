import { type Cidr, type Ipv4, parseCidr, parseIpv4 } from "../bytes/ipv4.ts";
import { UserError } from "../user-error.ts";

/** What the servers for other programs take alike. */

/** @throws UserError for what is no address. */
export function hostAddress(host: string): Ipv4 {
  const address = parseIpv4(host);
  if (address !== undefined) return address;
  throw new UserError(`host: expected an IPv4 address, found "${host}"`);
}

/** Reads a network, or an address as a network of one. @throws UserError, which names the option, for what is neither. */
export function network(option: string): (text: string) => Cidr {
  return (text) => {
    const found = parseCidr(text.includes("/") ? text : `${text}/32`);
    if (found !== undefined) return found;
    throw new UserError(
      `${option}: expected a network or address, as 10.0.0.0/24, found "${text}"`,
    );
  };
}

export function warn(error: Error): void {
  process.emitWarning(error);
}
