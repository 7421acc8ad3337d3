import { tcpStreams } from "../captures.ts";

/** Both directions of iSCSI connections, as real initiators and targets sent them; what tshark counts in them. */
export const captured = [
  ...streams("b1-bios-iscsi", 3260),
  ...streams("g2-uefi-iscsi-2boots", 3260),
  ...streams("../iscsi/libiscsi-tgt", 3271),
];

function streams(capture: string, port: number) {
  return tcpStreams(capture, port).map(({ from, bytes }) => ({
    capture,
    isInitiator: from.port !== port,
    bytes,
  }));
}
