import { readFileSync } from "node:fs";

/** Of sidus, as its package says; package.json is two up from here, in the sources as in the package. */
export const version: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;
