import type { BootFile } from "../boot/files.ts";
import { HTTP_CHUNK_BYTES, HTTP_LARGE_TRANSFERS_MAX, HTTP_SMALL_CHUNK_BYTES } from "../limits.ts";
import type { HttpResponse } from "../net/http.ts";
import { Chunks } from "./chunks.ts";
import type { ByteRange } from "./range.ts";

export interface Sent {
  /** What the client was sent before it ended. */
  readonly bytes: number;
  /** Undefined: all of it. `gone`: the client left. */
  readonly failure: "gone" | Error | undefined;
}

/** Of all connections. */
let transfers = 0;
const large = new Chunks(HTTP_CHUNK_BYTES);
const small = new Chunks(HTTP_SMALL_CHUNK_BYTES);

/** Sends part of a file; one chunk is read while the one before is written, and no more is held for a slow client. */
export async function send(
  file: BootFile,
  { first, last }: ByteRange,
  response: HttpResponse,
): Promise<Sent> {
  const length = last - first + 1;
  const isSmall = transfers >= HTTP_LARGE_TRANSFERS_MAX || length <= HTTP_SMALL_CHUNK_BYTES;
  const chunks = isSmall ? small : large;
  let reads = chunks.take();
  let writes = length > reads.length ? chunks.take() : undefined;
  let written = Promise.resolve(true);
  let bytes = 0;
  transfers += 1;
  try {
    for (let at = 0; at < length; ) {
      const chunk = reads.subarray(0, length - at);
      const got = await file.read(first + at, chunk);
      if (!(await written)) return { bytes, failure: "gone" };
      bytes = at;
      if (got < chunk.length) throw new Error("the file shrank while it was sent");
      written = response.write(chunk);
      at += chunk.length;
      if (writes !== undefined) [reads, writes] = [writes, reads];
    }
    if (!(await written)) return { bytes, failure: "gone" };
    // Of a client that left they may still be on their way.
    chunks.giveBack(reads);
    if (writes !== undefined) chunks.giveBack(writes);
    return { bytes: length, failure: undefined };
  } catch (error) {
    return { bytes, failure: error instanceof Error ? error : new Error(String(error)) };
  } finally {
    transfers -= 1;
  }
}
