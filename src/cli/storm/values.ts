import { UserError } from "../../user-error.ts";

/** Values of options, read strictly: what is not understood names the option and what it may be. */

export function numberIn(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UserError(`${option} ${text}: expected a whole number from ${least} to ${most}`);
}

export function factorIn(option: string, text: string): number {
  const value = /^\d{1,4}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (value <= 1000) return value;
  throw new UserError(`${option} ${text}: expected a number from 0 to 1000, as 0.5`);
}

const times: Readonly<Record<string, number>> = { ms: 1e-3, s: 1, m: 60, h: 3600 };

/** `least`: a time, and why it may not be shorter. */
export function secondsIn(
  option: string,
  text: string,
  least?: { readonly seconds: number; readonly why: string },
): number {
  const [, number, unit = ""] = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * (times[unit] ?? Number.NaN);
  if (least !== undefined && seconds < least.seconds)
    throw new UserError(`${option} ${text}: expected ${least.seconds}s or more: ${least.why}`);
  if (seconds <= 86_400) return seconds;
  throw new UserError(
    `${option} ${text}: expected a time with its unit, at most a day: 0.2ms, 30s or 2m`,
  );
}

const rates: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9 };

/** Bits a second: `100m`, `1g`, `2.5g`, `10Gb/s`, `940mbit`. */
export function rateIn(option: string, text: string): number {
  const [, number, unit = ""] =
    /^(\d{1,6}(?:\.\d{1,3})?)\s*([kmg])(?:b\/s|bit|bit\/s|bps)?$/.exec(text.trim().toLowerCase()) ??
    [];
  const rate = Number(number) * (rates[unit] ?? Number.NaN);
  if (rate >= 1e5 && rate <= 1e12) return rate;
  throw new UserError(`${option} ${text}: expected bits a second, from 100k to 1000g, as 1g`);
}

/** `0.1%` */
export function partIn(option: string, text: string): number {
  const [, number] = /^(\d{1,2}(?:\.\d{1,6})?)\s*%$/.exec(text.trim()) ?? [];
  const percent = Number(number);
  if (percent >= 0 && percent <= 50) return percent / 100;
  throw new UserError(`${option} ${text}: expected a part in percent, at most 50, as 0.1%`);
}
