import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";

export interface Endpoint {
  readonly address: Ipv4;
  readonly port: number;
}

export function formatEndpoint(endpoint: Endpoint): string {
  return `${formatIpv4(endpoint.address)}:${endpoint.port}`;
}
