import { formatIpv4, type Ipv4 } from "./ipv4.ts";

const HTTP_PORT = 80;

/** `http://10.0.0.1`, with its port where that is not the usual one (RFC 9110 §4.2.1); no slash at its end. */
export function httpOrigin(address: Ipv4, port: number): string {
  return `http://${formatIpv4(address)}${port === HTTP_PORT ? "" : `:${port}`}`;
}
