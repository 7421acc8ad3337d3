import { Reader } from "../bytes/reader.ts";
import { readOpaque } from "./xdr.ts";

/** Who calls, as AUTH_SYS says. */
export interface Credential {
  readonly uid: number;
  readonly gid: number;
  readonly gids: readonly number[];
}

export const AuthFlavor = { NONE: 0, SYS: 1 } as const;
/** RFC 5531 §8.2: opaque_auth. */
export const AUTH_BYTES_MAX = 400;
/** RFC 5531 appendix A: machinename<255>, gids<16>. */
const MACHINE_NAME_BYTES_MAX = 255;
const GIDS_MAX = 16;

/** The credentials of one connection: a process says the same in all its calls, so the last are remembered. */
export class Credentials {
  /** As they were on the wire. */
  #bytes: Uint8Array | undefined;
  #credential: Credential | undefined;

  /** RFC 5531 §8.2. Undefined: AUTH_NONE. What is not all there fails the reader. */
  read(reader: Reader): Credential | undefined | "bad" {
    if (this.#bytes !== undefined && reader.isNext(this.#bytes)) {
      reader.skip(this.#bytes.length);
      return this.#credential;
    }
    const start = reader.offset;
    const flavor = reader.u32();
    const body = readOpaque(reader, AUTH_BYTES_MAX);
    if (reader.failed || flavor === AuthFlavor.NONE) return undefined;
    const credential = flavor === AuthFlavor.SYS ? readSys(body) : "bad";
    if (credential !== "bad") {
      this.#bytes = reader.bytes.slice(start, reader.offset);
      this.#credential = credential;
    }
    return credential;
  }
}

/** RFC 5531 appendix A: authsys_parms. */
function readSys(body: Uint8Array): Credential | "bad" {
  const reader = new Reader(body);
  reader.skip(4); // stamp
  readOpaque(reader, MACHINE_NAME_BYTES_MAX);
  const uid = reader.u32();
  const gid = reader.u32();
  const count = reader.u32();
  if (count > GIDS_MAX) return "bad";
  const gids: number[] = [];
  for (let left = count; left > 0; left -= 1) gids.push(reader.u32());
  return reader.failed || reader.remaining > 0 ? "bad" : { uid, gid, gids };
}
