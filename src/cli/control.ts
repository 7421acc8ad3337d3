import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CONTROL_CONNECTIONS_MAX, CONTROL_LINE_BYTES_MAX } from "../limits.ts";
import { localSockets } from "../net/local.ts";
import { UserError } from "../user-error.ts";

/** How commands reach the server that runs with a configuration: a line of JSON each way, on a socket beside its state. */

export interface ControlDeps {
  /** Directory of the state. */
  readonly state: string;
  /** Reads the configuration again. @throws UserError for what is wrong with it: the old one then stays. */
  readonly reload: () => Promise<void>;
  readonly report: (what: string, error: unknown) => void;
}

/** @throws UserError where another server has the socket, or none can be made. */
export async function openControl({
  state,
  reload,
  report,
}: ControlDeps): Promise<AsyncDisposable> {
  const path = socketIn(state);
  const answer = async (line: string): Promise<object> => {
    const { ask: asked } = objectIn(line);
    if (asked === "ping") return { is: "here" };
    if (asked !== "reload") return { is: "refused", error: "the server knows no such question" };
    try {
      await reload();
      return { is: "reloaded" };
    } catch (error) {
      if (error instanceof UserError) return { is: "refused", error: error.message };
      report("reload", error);
      return { is: "refused", error: "it failed; the server's log says more" };
    }
  };
  try {
    await mkdir(state, { recursive: true });
    if ((await ask(path, "ping")) !== undefined) {
      throw new UserError(`${path} is another server's: stop it, or set another \`state:\``);
    }
    return await localSockets.listen({
      path,
      connectionsMax: CONTROL_CONNECTIONS_MAX,
      lineBytesMax: CONTROL_LINE_BYTES_MAX,
      accept: (connection) => ({
        line: (text) => void answer(text).then((said) => connection.send(JSON.stringify(said))),
        closed() {},
      }),
    });
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`no commands reach this server: ${path} cannot be made: ${cause}`, {
      cause,
    });
  }
}

/** Lets the server that runs with this state read its configuration again. */
export async function askReload(
  state: string,
): Promise<"reloaded" | "not-running" | { readonly error: string }> {
  const said = await ask(socketIn(state), "reload").catch((cause: Error) => ({
    is: "refused",
    error: `it cannot be asked: ${cause.message}`,
  }));
  if (said === undefined) return "not-running";
  return said["is"] === "reloaded" ? "reloaded" : { error: String(said["error"]) };
}

function socketIn(state: string): string {
  return join(resolve(state), "control.sock");
}

/** Undefined where nobody listens. */
async function ask(
  path: string,
  question: "ping" | "reload",
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const answered = Promise.withResolvers<string>();
  const connection = await localSockets.connect(path, CONTROL_LINE_BYTES_MAX, {
    line: answered.resolve,
    closed: () => answered.resolve(JSON.stringify({ error: "the server ended meanwhile" })),
  });
  if (connection === undefined) return undefined;
  connection.send(JSON.stringify({ ask: question }));
  const line = await answered.promise;
  connection.destroy();
  return objectIn(line);
}

function objectIn(line: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(line) };
  } catch {
    return {};
  }
}
