import { readHandle } from "../handle.ts";
import type { Procedure } from "../procedure.ts";
import { refuseToModify, skipName, skipNewAttributes } from "../read-only.ts";

const EXCLUSIVE = 2;

/** RFC 1813 §3.3.8. */
export const create: Procedure = (call) => {
  const handle = readHandle(call.args);
  skipName(call.args);
  const how = call.args.u32();
  if (how > EXCLUSIVE) call.args.fail();
  if (how === EXCLUSIVE)
    call.args.skip(8); // createverf3
  else skipNewAttributes(call.args);
  return refuseToModify(call, { handle, as: "wcc" });
};
