import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { DIGEST_READ_BYTES } from "../../limits.ts";

/** SHA-256 of a whole file, in hexadecimal. Others get their turn between the reads. */
export async function digestOf(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(DIGEST_READ_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}
