import { readHandle } from "../handle.ts";
import type { Procedure } from "../procedure.ts";
import { refuseToModify, skipName } from "../read-only.ts";

/** RFC 1813 §3.3.13. */
export const rmdir: Procedure = (call) => {
  const handle = readHandle(call.args);
  skipName(call.args);
  return refuseToModify(call, { handle, as: "wcc" });
};
