import type { Command } from "commander";
import type { z } from "zod";
import { httpOrigin } from "../bytes/http-origin.ts";
import { loadConfig } from "../config/load.ts";
import { interfaceAddresses } from "../net/interfaces.ts";
import { UserError } from "../user-error.ts";

export const CONFIG = "/etc/sidus.yaml";
const ANSWER_MS = 10_000;

/** How a command was told which server to ask. */
export interface Asked {
  readonly config?: string;
  readonly server?: string;
  readonly json?: true;
}

export function withServerOptions(command: Command): Command {
  return command
    .option("-c, --config <file>", `the configuration of the server (default: ${CONFIG})`)
    .option("--server <url>", "the server itself: http://10.13.20.1")
    .option("--json", "print the answer as JSON");
}

export interface Answer<T> {
  /** As it came: one line of JSON. */
  readonly body: string;
  readonly read: T;
}

/**
 * Asks the running server; 404 is an answer, too, where it is JSON.
 * @throws UserError: none answers, or something else does.
 */
export async function askServer<T>(
  given: Asked,
  path: string,
  shape: z.ZodType<T>,
): Promise<Answer<T>> {
  const url = serverUrl(given, path);
  const server = url.origin;
  let body: string;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    body = (await response.text()).trim();
  } catch (cause) {
    const todo = "is `sidus serve` running there? --server URL names another";
    throw new UserError(`${server}: does not answer (${reasonOf(cause)}): ${todo}`, {
      cause,
      exitCode: 1,
    });
  }
  const read = shape.safeParse(parsed(body));
  if (read.success) return { body, read: read.data };
  throw new UserError(
    `${url}: answers, but not as this version of sidus does: is it another server?`,
    {
      exitCode: 1,
    },
  );
}

/** @throws UserError */
export function serverUrl(given: Asked, path: string): URL {
  return urlOf(given.server ?? serverOf(given.config ?? CONFIG), path);
}

function serverOf(file: string): string {
  const { address, ports } = loadConfig(file, interfaceAddresses());
  return httpOrigin(address, ports.http);
}

function urlOf(server: string, path: string): URL {
  const url = URL.parse(path, server);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new UserError(`--server: expected a URL as http://10.13.20.1, found "${server}"`);
}

/** `fetch failed` says nothing; its cause does. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error.name === "TimeoutError") return `nothing within ${ANSWER_MS / 1000} s`;
  return cause instanceof Error ? cause.message : error.message;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
