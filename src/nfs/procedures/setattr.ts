import { readBool } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import type { Procedure } from "../procedure.ts";
import { refuseToModify, skipNewAttributes } from "../read-only.ts";

/** RFC 1813 §3.3.2. */
export const setattr: Procedure = (call) => {
  const handle = readHandle(call.args);
  skipNewAttributes(call.args);
  if (readBool(call.args)) call.args.skip(8); // guard: ctime
  return refuseToModify(call, { handle, as: "wcc" });
};
