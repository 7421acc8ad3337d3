import process from "node:process";
import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { LogLevel } from "../config/config.ts";

export type Log = Logger;

/** Logs to stderr: for people on a terminal, JSON lines otherwise. Standard output is for what a command answers. */
export function openLog(level: LogLevel): Log {
  const options = { level, base: null };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ dest: 2, sync: true }));
  return pino(
    options,
    pretty({ destination: 2, sync: true, ignore: "pid,hostname", singleLine: true }),
  );
}
