import { bootCaptures, type UdpFrame, udpFrames } from "../captures.ts";

/** The TFTP datagrams of a boot: from a request to port 69 on, whatever ports its transfer uses (RFC 1350 §4). */
export function tftpFrames(capture: string): UdpFrame[] {
  const clients = new Set<string>();
  const key = (end: UdpFrame["from"]): string => `${end.address}:${end.port}`;
  return udpFrames(capture).filter((frame) => {
    if (frame.to.port === 69) clients.add(key(frame.from));
    return clients.has(key(frame.from)) || clients.has(key(frame.to));
  });
}

export const allTftpFrames: readonly UdpFrame[] = bootCaptures.flatMap(tftpFrames);
