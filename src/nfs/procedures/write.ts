import { RPC_RECORD_BYTES_MAX } from "../../limits.ts";
import { readOpaque } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import type { Procedure } from "../procedure.ts";
import { refuseToModify } from "../read-only.ts";

/** RFC 1813 §3.3.7. */
export const write: Procedure = (call) => {
  const handle = readHandle(call.args);
  call.args.skip(16); // offset, count, stable
  readOpaque(call.args, RPC_RECORD_BYTES_MAX);
  return refuseToModify(call, { handle, as: "wcc" });
};
