import { closeSync } from "node:fs";
import { openLibc } from "../system/libc.ts";
import type { Endpoint } from "./endpoint.ts";

/** The system's calls for many datagrams at once, which Node itself has not: recvmmsg(2), sendmmsg(2). */
export interface Libc {
  /** A UDP socket that does not block, at a port that the system chooses where that is 0; undefined: there is none. */
  udpSocket(local: Endpoint, isShared: boolean): number | undefined;
  /** Where memory is; it stays there for as long as something refers to it. */
  addressOf(memory: ArrayBuffer): bigint;
  /** How many were received into an array of `struct mmsghdr`; negative: none, or an error. */
  recvmmsg(fd: number, array: bigint, count: number): number;
  sendmmsg(fd: number, array: bigint, count: number): number;
}

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const MSG_DONTWAIT = 0x40;

/** Undefined as with openLibc. */
export function loadLibc(): Libc | undefined {
  const opened = openLibc({
    socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
    setsockopt: { arguments: ["i32", "i32", "i32", "buffer", "u32"], return: "i32" },
    bind: { arguments: ["i32", "buffer", "u32"], return: "i32" },
    recvmmsg: { arguments: ["i32", "pointer", "u32", "i32", "pointer"], return: "i32" },
    sendmmsg: { arguments: ["i32", "pointer", "u32", "i32"], return: "i32" },
  });
  if (opened === undefined) return undefined;
  const { ffi, library } = opened;
  return {
    udpSocket({ address, port }, isShared) {
      const fd = library.functions.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (fd < 0) return undefined;
      const yes = new DataView(new ArrayBuffer(4));
      yes.setInt32(0, 1, true);
      if (isShared) library.functions.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, yes, yes.byteLength);
      const name = new DataView(new ArrayBuffer(16));
      name.setUint16(0, AF_INET, true);
      name.setUint16(2, port);
      name.setUint32(4, address);
      if (library.functions.bind(fd, name, name.byteLength) === 0) return fd;
      closeSync(fd);
      return undefined;
    },
    addressOf: (memory) => ffi.getRawPointer(memory),
    recvmmsg: (fd, array, count) => library.functions.recvmmsg(fd, array, count, MSG_DONTWAIT, 0n),
    sendmmsg: (fd, array, count) => library.functions.sendmmsg(fd, array, count, MSG_DONTWAIT),
  };
}
