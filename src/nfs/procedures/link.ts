import { type Procedure, readHandle } from "../procedure.ts";
import { refuseToModify, skipName } from "../read-only.ts";

/** RFC 1813 §3.3.15. */
export const link: Procedure = (call) => {
  const file = readHandle(call);
  const directory = readHandle(call);
  skipName(call.args);
  return refuseToModify(call, { handle: file, as: "attributes" }, { handle: directory, as: "wcc" });
};
