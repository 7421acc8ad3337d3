import { closeSync } from "node:fs";
import { openLibc } from "../system/libc.ts";
import type { FrameArray } from "./frame-array.ts";

/** Linux' packet sockets, packet(7): every frame that an interface receives and sends, with when it was there. */

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SO_TIMESTAMPNS = 35;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const PACKET_IGNORE_OUTGOING = 23;
/** MSG_TRUNC: a frame's length is told as it was, also where there was less room for it. MSG_DONTWAIT. */
const FLAGS = 0x20 | 0x40;
/** if_ether.h: ETH_P_ALL. */
const ALL_PROTOCOLS = 3;
/** if_arp.h: ARPHRD_ETHER, ARPHRD_LOOPBACK. */
const ETHERNET = 1;
const LOOPBACK = 772;
/** struct sockaddr_ll: family (2), protocol (2), interface (4), hardware type (2), and what we leave to the system. */
const ADDRESS_BYTES = 20;

/** Why there is no packet socket. */
export type NoPacketSocket = "no-ffi" | "denied" | "no-interface" | "no-ethernet";

/** Its descriptor. Frames wait in it, as many as `receiveBytes` hold where the system grants that. */
export function openPacketSocket(
  interfaceName: string,
  receiveBytes: number,
): number | NoPacketSocket {
  const opened = openLibc({
    if_nametoindex: { arguments: ["buffer"], return: "u32" },
    socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
    setsockopt: { arguments: ["i32", "i32", "i32", "buffer", "u32"], return: "i32" },
    bind: { arguments: ["i32", "buffer", "u32"], return: "i32" },
    getsockname: { arguments: ["i32", "buffer", "buffer"], return: "i32" },
  });
  if (opened === undefined) return "no-ffi";
  const { functions } = opened.library;
  const index = functions.if_nametoindex(Buffer.from(`${interfaceName}\0`));
  if (index === 0) return "no-interface";
  // Of no protocol until it is bound: nothing comes in from other interfaces.
  const fd = functions.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) return "denied";
  const set = (level: number, option: number, value: number): boolean =>
    functions.setsockopt(fd, level, option, words(value), 4) === 0;
  if (!set(SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes)) set(SOL_SOCKET, SO_RCVBUF, receiveBytes);
  set(SOL_SOCKET, SO_TIMESTAMPNS, 1);
  const address = new DataView(new ArrayBuffer(ADDRESS_BYTES));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, ALL_PROTOCOLS);
  address.setUint32(4, index, true);
  const isBound =
    functions.bind(fd, address, ADDRESS_BYTES) === 0 &&
    functions.getsockname(fd, address, words(ADDRESS_BYTES)) === 0;
  const hardware = isBound ? address.getUint16(8, true) : 0;
  // What leaves by the loopback comes in by it.
  if (hardware === LOOPBACK) set(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  if (hardware === ETHERNET || hardware === LOOPBACK) return fd;
  closeSync(fd);
  return isBound ? "no-ethernet" : "no-interface";
}

export interface PacketSocket {
  addressOf(memory: ArrayBuffer): bigint;
  /** How many came into the array; negative: there are none. */
  receive(array: FrameArray): number;
  /** Frames that found the socket's buffer full, since last asked. */
  dropped(): number;
}

/** Of a descriptor that openPacketSocket answered, perhaps in another thread. */
export function packetSocket(fd: number): PacketSocket {
  const opened = openLibc({
    recvmmsg: { arguments: ["i32", "pointer", "u32", "i32", "pointer"], return: "i32" },
    getsockopt: { arguments: ["i32", "i32", "i32", "buffer", "buffer"], return: "i32" },
  });
  if (opened === undefined) throw new Error("node:ffi was there before");
  const { ffi, library } = opened;
  // struct tpacket_stats: frames (4), dropped (4).
  const statistics = words(0, 0);
  return {
    addressOf: (memory) => ffi.getRawPointer(memory),
    receive(array) {
      array.clear();
      return library.functions.recvmmsg(fd, array.pointer, array.count, FLAGS, 0n);
    },
    dropped() {
      library.functions.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, statistics, words(8));
      return statistics.getUint32(4, true);
    },
  };
}

function words(...values: readonly number[]): DataView {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  for (const [at, value] of values.entries()) view.setInt32(at * 4, value, true);
  return view;
}
