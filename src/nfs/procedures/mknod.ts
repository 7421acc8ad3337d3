import { readHandle } from "../handle.ts";
import type { Procedure } from "../procedure.ts";
import { refuseToModify, skipName, skipNewAttributes } from "../read-only.ts";

/** RFC 1813 §2.5: ftype3. */
const Type = { FIRST: 1, BLOCK: 3, CHARACTER: 4, SOCKET: 6, FIFO: 7 } as const;

/** RFC 1813 §3.3.11. */
export const mknod: Procedure = (call) => {
  const handle = readHandle(call.args);
  skipName(call.args);
  const type = call.args.u32();
  switch (type) {
    case Type.BLOCK:
    case Type.CHARACTER:
      skipNewAttributes(call.args);
      call.args.skip(8); // specdata3
      break;
    case Type.SOCKET:
    case Type.FIFO:
      skipNewAttributes(call.args);
      break;
    default:
      if (type < Type.FIRST || type > Type.FIFO) call.args.fail();
  }
  return refuseToModify(call, { handle, as: "wcc" });
};
