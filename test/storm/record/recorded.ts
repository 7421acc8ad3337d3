import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { PacketReader } from "../../../src/storm/record/packets.ts";
import { readCapture } from "../../../src/storm/record/pcap.ts";
import { type Bytes, type Stream, StreamTable } from "../../../src/storm/record/streams.ts";

/** Connections of a capture below fixtures/packets, and what tshark finds in it. */

function pathOf(capture: string): string {
  return fileURLToPath(new URL(`../../../fixtures/packets/${capture}.pcap.gz`, import.meta.url));
}

export function streamsOf(capture: string): Stream[] {
  const packets = new PacketReader();
  const streams = new StreamTable();
  for (const frame of readCapture(gunzipSync(readFileSync(pathOf(capture)))).frames) {
    const packet = packets.read(frame);
    if (packet?.kind === "tcp") streams.push(packet);
  }
  return [...streams.of(() => true)];
}

/** Of all frames that the filter takes: the values of the fields, those of one frame after the other. */
export function tsharkFields(
  capture: string,
  filter: string,
  ...fields: readonly string[]
): string[][] {
  const named = fields.flatMap((field) => ["-e", field]);
  const args = ["-r", pathOf(capture), "-Y", filter, "-T", "fields", ...named];
  const lines = execFileSync("tshark", args, { encoding: "utf8", stdio: "pipe" }).split("\n");
  const rows = lines.filter((line) => line !== "").map((line) => line.split("\t"));
  return fields.map((_, at) => rows.flatMap((row) => row[at]?.split(",") ?? []));
}

/** A connection of the bytes given, of which each was on the wire at its own microsecond. */
export function streamOf(sent: Uint8Array, received: Uint8Array): Stream {
  const whole = (bytes: Uint8Array): Bytes => ({ bytes, gaps: [], timeAt: (offset) => offset });
  return {
    client: { address: LOOPBACK_ADDRESS, port: 700 },
    server: { address: LOOPBACK_ADDRESS, port: 2049 },
    openedAt: 0,
    closedAt: undefined,
    sent: whole(sent),
    received: whole(received),
    ownTime: () => 0,
  };
}
