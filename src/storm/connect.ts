import { STORM_RPC_RECEIVED_BYTES } from "../limits.ts";
import { streamConnector } from "../net/stream.ts";

/** How nodes of this thread open connections, unless they are given another way. */
export const connectStream = streamConnector(STORM_RPC_RECEIVED_BYTES);
