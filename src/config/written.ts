import { z } from "zod";
import { parseCidr, parseIpv4 } from "../bytes/ipv4.ts";

/** How values are read that are written as text, and those that sidus.yaml and recipes both have. */

/** A value written as text; `expected` is what the error says, with an example. */
export function written<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const parsed = typeof value === "string" ? parse(value) : undefined;
    if (parsed === undefined) {
      context.addIssue({ code: "custom", message: `expected ${expected}` });
      return z.NEVER;
    }
    return parsed;
  });
}

/** One, or a list of them. */
export function oneOrMore<T extends z.ZodType>(item: T) {
  return z.preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(item));
}

export function oneOf<const T extends readonly string[]>(choices: T) {
  return z.enum(choices, { error: `expected one of ${choices.join(", ")}` });
}

export const matching = (form: RegExp) => (text: string) => (form.test(text) ? text : undefined);

export const ipv4 = written("an IPv4 address, as 10.13.20.1", parseIpv4);
export const cidr = written(
  "a network, as 10.13.20.0/24 (no bits set after the prefix)",
  parseCidr,
);
export const domain = written(
  "a domain name, as lab.example.org",
  matching(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i),
);
export const truth = written("true or false", (text) =>
  text === "true" || text === "false" ? text === "true" : undefined,
);
