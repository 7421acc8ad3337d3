import { readHandle } from "../handle.ts";
import type { Procedure } from "../procedure.ts";
import { refuseToModify, skipName } from "../read-only.ts";

/** RFC 1813 §3.3.15. */
export const link: Procedure = (call) => {
  const file = readHandle(call.args);
  const directory = readHandle(call.args);
  skipName(call.args);
  return refuseToModify(call, { handle: file, as: "attributes" }, { handle: directory, as: "wcc" });
};
