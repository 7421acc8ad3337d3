import type { BootFile } from "../boot/files.ts";
import { HTTP_CHUNK_BYTES } from "../limits.ts";
import type { HttpResponse } from "../net/http.ts";
import type { ByteRange } from "./range.ts";

export interface Sent {
  /** What the client was sent before it ended. */
  readonly bytes: number;
  /** Undefined: all of it. `gone`: the client left. */
  readonly failure: "gone" | Error | undefined;
}

/** Sends part of a file; one chunk is read while the one before is written, and no more is held for a slow client. */
export async function send(
  file: BootFile,
  { first, last }: ByteRange,
  response: HttpResponse,
): Promise<Sent> {
  const length = last - first + 1;
  let reads = new Uint8Array(Math.min(HTTP_CHUNK_BYTES, length));
  let writes = new Uint8Array(Math.min(HTTP_CHUNK_BYTES, length - reads.length));
  let written = Promise.resolve(true);
  let bytes = 0;
  try {
    for (let at = 0; at < length; ) {
      const chunk = reads.subarray(0, length - at);
      const got = await file.read(first + at, chunk);
      if (!(await written)) return { bytes, failure: "gone" };
      bytes = at;
      if (got < chunk.length) throw new Error("the file shrank while it was sent");
      written = response.write(chunk);
      at += chunk.length;
      [reads, writes] = [writes, reads];
    }
  } catch (error) {
    return { bytes, failure: error instanceof Error ? error : new Error(String(error)) };
  }
  return (await written) ? { bytes: length, failure: undefined } : { bytes, failure: "gone" };
}
