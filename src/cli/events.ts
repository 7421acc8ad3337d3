import { UserError } from "../user-error.ts";
import { type Asked, reasonOf, serverUrl } from "./ask.ts";

/** One of /events. */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** Longer than as many nodes are as are told at a time (LIVE_NODES_A_TURN). */
const EVENT_CHARACTERS_MAX = 8 << 20;

/**
 * What the server tells, until it or the signal ends it. @throws UserError: none answers, or it has too many readers.
 */
export async function* serverEvents(
  given: Asked,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const url = serverUrl(given, "/events");
  const response = await fetch(url, { signal }).catch((cause) => {
    throw new UserError(`${url}: does not answer (${reasonOf(cause)})`, { cause, exitCode: 1 });
  });
  if (!response.ok || response.body === null) {
    const why = response.status === 503 ? "too many follow it already" : `HTTP ${response.status}`;
    throw new UserError(`${url}: ${why}`, { exitCode: 1 });
  }
  yield* eventsIn(response.body.pipeThrough(new TextDecoderStream()));
}

/** WHATWG HTML §9.2.6, as far as our server uses it: an empty line ends an event. */
export async function* eventsIn(chunks: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let rest = "";
  for await (const chunk of chunks) {
    const parts = `${rest}${chunk}`.split("\n\n");
    rest = parts.pop() ?? "";
    if (rest.length > EVENT_CHARACTERS_MAX)
      throw new UserError("an event of the server is too long");
    for (const part of parts) {
      const fields = new Map(part.split("\n").map(fieldOf));
      const [name, data] = [fields.get("event"), fields.get("data")];
      if (name !== undefined && data !== undefined) yield { name, data };
    }
  }
}

function fieldOf(line: string): readonly [string, string] {
  const [name = "", ...value] = line.split(": ");
  return [name, value.join(": ")];
}
