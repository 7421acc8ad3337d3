import { readHandle } from "../handle.ts";
import type { Procedure } from "../procedure.ts";
import { refuseToModify } from "../read-only.ts";

/** RFC 1813 §3.3.21. */
export const commit: Procedure = (call) => {
  const handle = readHandle(call.args);
  call.args.skip(12); // offset, count
  return refuseToModify(call, { handle, as: "wcc" });
};
