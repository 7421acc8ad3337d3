import type { FunctionDefinitions } from "node:ffi";
import { endianness } from "node:os";
import process from "node:process";

/**
 * The system's calls by their C signatures, which are good for as long as `library` is referred to. Undefined where Node
 * has no node:ffi or does not permit it, or where C's structures may look different from those that we write.
 */
export function openLibc<const T extends FunctionDefinitions>(functions: T) {
  const isKnown = ["x64", "arm64"].includes(process.arch) && endianness() === "LE";
  if (process.platform !== "linux" || !isKnown) return undefined;
  return quietly(() => {
    try {
      const ffi = process.getBuiltinModule("node:ffi");
      return { ffi, library: ffi.dlopen(null, functions) };
    } catch {
      return undefined;
    }
  });
}

/** Node warns on stderr that it may change; we bring our own Node, and without it there is another way. */
function quietly<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
