import type { Malformed } from "../bytes/malformed.ts";
import type { Reader } from "../bytes/reader.ts";
import { PATH_BYTES_MAX } from "../limits.ts";
import { successReply } from "../rpc/message.ts";
import { type Later, type RpcResult, whenKnown } from "../rpc/program.ts";
import { isRead, readBool, readOpaque } from "../rpc/xdr.ts";
import type { Handle } from "./handle.ts";
import { locate, type NfsCall, type NfsObject, POST_OP_BYTES, writePostOp } from "./procedure.ts";
import { NfsStatus } from "./status.ts";

/** What the twelve modifying procedures have in common: they are read as far as needed, and refused. */

/** What a failure tells of an object: its attributes, or wcc_data (RFC 1813 §2.6), which has those before the call too. */
interface Told {
  readonly handle: Handle | Malformed;
  readonly as: "attributes" | "wcc";
}

/** NFS3ERR_ROFS, with the attributes of all objects as they are. */
export function refuseToModify(call: NfsCall, ...told: readonly Told[]): Later<RpcResult> {
  if (!isRead(call.args)) return "garbage-arguments";
  const located = told.map(({ handle }) => locate(call, handle));
  return whenKnown(allKnown(located), (objects) => {
    const failed = objects.find((object) => typeof object === "number");
    let bytes = 4;
    for (const [at, object] of objects.entries()) {
      bytes += (told[at]?.as === "wcc" ? 4 : 0) + (typeof object === "number" ? 4 : POST_OP_BYTES);
    }
    const writer = successReply(call.xid, bytes).u32(failed ?? NfsStatus.ROFS);
    for (const [at, object] of objects.entries()) {
      // Nothing was changed, so nothing need be said of before.
      if (told[at]?.as === "wcc") writer.u32(0);
      if (typeof object === "number") writer.u32(0);
      else writePostOp(writer, object);
    }
    return writer.full();
  });
}

function allKnown(
  located: readonly Later<NfsObject | NfsStatus>[],
): Later<readonly (NfsObject | NfsStatus)[]> {
  const known: (NfsObject | NfsStatus)[] = [];
  for (const object of located) {
    if (object instanceof Promise) return Promise.all(located);
    known.push(object);
  }
  return known;
}

/** A name or path that is not going to be used; whatever its length, the record bounds it. */
export function skipName(args: Reader): void {
  readOpaque(args, PATH_BYTES_MAX);
}

/** RFC 1813 §2.6: sattr3. */
export function skipNewAttributes(args: Reader): void {
  for (let field = 0; field < 3; field += 1) {
    if (readBool(args)) args.skip(4); // mode, uid, gid
  }
  if (readBool(args)) args.skip(8); // size
  for (let time = 0; time < 2; time += 1) {
    const how = args.u32();
    if (how > SET_TO_CLIENT_TIME) args.fail();
    if (how === SET_TO_CLIENT_TIME) args.skip(8);
  }
}

const SET_TO_CLIENT_TIME = 2;
