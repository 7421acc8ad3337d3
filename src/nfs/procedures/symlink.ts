import { readHandle } from "../handle.ts";
import type { Procedure } from "../procedure.ts";
import { refuseToModify, skipName, skipNewAttributes } from "../read-only.ts";

/** RFC 1813 §3.3.10. */
export const symlink: Procedure = (call) => {
  const handle = readHandle(call.args);
  skipName(call.args);
  skipNewAttributes(call.args);
  skipName(call.args); // the target
  return refuseToModify(call, { handle, as: "wcc" });
};
