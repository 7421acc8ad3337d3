import { registerHooks } from "node:module";

/** `switched.ts ARGUMENTS` is sidus, to which nothing is told unless a signal turned its watching on (served.ts). */

const told = new URL("../../src/watch/told.ts", import.meta.url).href;
const switched = new URL("switched-told.ts", import.meta.url).href;
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const isForUs = found.url === told && context.parentURL !== switched;
    return isForUs ? { ...found, url: switched } : found;
  },
});
await import("../../src/main.ts");
