import { readHandle } from "../handle.ts";
import type { Procedure } from "../procedure.ts";
import { refuseToModify, skipName } from "../read-only.ts";

/** RFC 1813 §3.3.14. */
export const rename: Procedure = (call) => {
  const from = readHandle(call.args);
  skipName(call.args);
  const to = readHandle(call.args);
  skipName(call.args);
  return refuseToModify(call, { handle: from, as: "wcc" }, { handle: to, as: "wcc" });
};
