import { createHash } from "node:crypto";
import { type MacAddress, macFromBytes } from "../bytes/mac.ts";
import type { SimulatedIdentity } from "./client.ts";

/**
 * Who the node is, the same for one seed on every machine. Its MAC address is a locally administered one (IEEE 802, second
 * bit of the first byte): no card has it.
 */
export function identityOf(index: number, seed: number): SimulatedIdentity {
  const digest = createHash("sha256").update(`storm ${seed} ${index}`).digest();
  return {
    index,
    name: `storm-${String(index + 1).padStart(4, "0")}`,
    mac: macOf(index, seed),
    uuid: uuidFrom(digest.subarray(0, 16)),
  };
}

function macOf(index: number, seed: number): MacAddress {
  const mixed = createHash("sha256").update(`storm ${seed}`).digest();
  return macFromBytes(
    Uint8Array.of(0x52, 0x53, mixed[0] ?? 0, mixed[1] ?? 0, index >> 8, index & 255),
  );
}

/** RFC 9562 §5.8: version 8, whose other bits are its maker's own. */
function uuidFrom(bytes: Uint8Array): Uint8Array {
  const uuid = Uint8Array.from(bytes);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x80;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}
