import { z } from "zod";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import type { StormResult } from "../../storm/result.ts";
import { askServer } from "../ask.ts";

const statusShape = z.object({
  refused: z.record(z.string(), z.record(z.string(), z.number())),
});

/** What a sidus says that it refused so far. Undefined: it is another server, or does not answer. */
export async function refusedBy(http: Endpoint | undefined): Promise<StormResult["refused"]> {
  if (http === undefined) return undefined;
  try {
    const server = `http://${formatEndpoint(http)}`;
    const { read } = await askServer({ server }, "/status.json", statusShape);
    return read.refused;
  } catch {
    return undefined;
  }
}
