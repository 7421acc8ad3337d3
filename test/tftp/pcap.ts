/** UDP datagrams between ports of 127.0.0.1 as a pcap file of bare IPv4 packets (LINKTYPE_RAW). */
export function writePcap(
  datagrams: readonly { readonly from: number; readonly to: number; readonly bytes: Uint8Array }[],
): Buffer {
  const fileHeader = Buffer.alloc(24);
  fileHeader.writeUInt32LE(0xa1b2c3d4, 0);
  fileHeader.writeUInt16LE(2, 4);
  fileHeader.writeUInt16LE(4, 6);
  fileHeader.writeUInt32LE(65_535, 16);
  fileHeader.writeUInt32LE(101, 20);
  const records = datagrams.map(({ from, to, bytes }, index) => {
    const record = Buffer.alloc(16 + 28);
    record.writeUInt32LE(index, 0);
    record.writeUInt32LE(28 + bytes.length, 8);
    record.writeUInt32LE(28 + bytes.length, 12);
    const packet = record.subarray(16);
    packet[0] = 0x45;
    packet.writeUInt16BE(28 + bytes.length, 2);
    packet[8] = 64;
    packet[9] = 17;
    packet.writeUInt32BE(0x7f00_0001, 12);
    packet.writeUInt32BE(0x7f00_0001, 16);
    packet.writeUInt16BE(from, 20);
    packet.writeUInt16BE(to, 22);
    packet.writeUInt16BE(8 + bytes.length, 24);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([fileHeader, ...records]);
}
