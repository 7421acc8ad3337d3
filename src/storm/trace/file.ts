import { readFile, stat, writeFile } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import { isMalformed } from "../../bytes/malformed.ts";
import { STORM_TRACE_BYTES_MAX, STORM_TRACE_FILE_BYTES_MAX } from "../../limits.ts";
import { UserError } from "../../user-error.ts";
import { columnsOf, traceOfColumns } from "./columns.ts";
import { columnsSchema } from "./columns-schema.ts";
import type { Trace } from "./trace.ts";

/**
 * Trace files: one JSON object, gzip'd (RFC 1952): `{ "format": "sidus trace", "version": 1, … }` and the columns
 * (columns-schema.ts). Whatever older readers would misunderstand makes it another version.
 */
const FORMAT = "sidus trace";
const VERSION = 1;

const envelope = z.object({ format: z.literal(FORMAT), version: z.int().min(1) });

/** @throws {UserError} */
export async function readTrace(file: string): Promise<Trace> {
  const read = async (): Promise<Uint8Array> => {
    const { size } = await stat(file);
    if (size > STORM_TRACE_FILE_BYTES_MAX) throw foreign(file, "it is too large");
    return await readFile(file);
  };
  try {
    return decodeTrace(await read(), file);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** What could not be read again is not written. @throws {UserError} */
export async function writeTrace(file: string, trace: Trace): Promise<void> {
  const bytes = encodeTrace(trace);
  decodeTrace(bytes, file);
  try {
    await writeFile(file, bytes);
  } catch (cause) {
    throw new UserError(`${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

export function encodeTrace(trace: Trace): Uint8Array {
  const text = JSON.stringify({ format: FORMAT, version: VERSION, ...columnsOf(trace) });
  return gzipSync(text, { level: 9 });
}

/** `file`: its name, for people. @throws {UserError} where it is no trace, or one that cannot be read. */
export function decodeTrace(bytes: Uint8Array, file: string): Trace {
  const content = jsonIn(bytes, file);
  const said = envelope.safeParse(content);
  if (!said.success) throw foreign(file, "it is something else");
  const { version } = said.data;
  if (version > VERSION) {
    throw new UserError(
      `${file} is a trace of version ${version}, this sidus reads up to ${VERSION}: a newer sidus made it`,
    );
  }
  const columns = columnsSchema.safeParse(content);
  if (!columns.success) {
    const [issue] = columns.error.issues;
    throw broken(file, `${issue?.path.join(".")}: ${issue?.message}`);
  }
  const trace = traceOfColumns(columns.data);
  if (isMalformed(trace)) throw broken(file, trace.malformed);
  return trace;
}

function jsonIn(bytes: Uint8Array, file: string): unknown {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) throw foreign(file, "it is not gzip'd");
  let text: string;
  try {
    text = gunzipSync(bytes, { maxOutputLength: STORM_TRACE_BYTES_MAX }).toString();
  } catch (cause) {
    throw broken(file, "its gzip is cut off or damaged, or there is too much in it", cause);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw foreign(file, "there is no JSON in it");
  }
}

function foreign(file: string, why: string): UserError {
  return new UserError(
    `${file} is no trace (${why}): expected a file that sidus storm record wrote`,
  );
}

function broken(file: string, why: string, cause?: unknown): UserError {
  return new UserError(`${file}: the trace is broken (${why}): record it again`, { cause });
}
