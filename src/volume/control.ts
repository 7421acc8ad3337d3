/** What a command and the server of a directory of volumes say to each other: a line of JSON each. */

/** One session of an initiator, which uses a volume. */
export interface VolumeUser {
  readonly initiator: string;
  /** Dotted. */
  readonly address: string;
}

export type Question =
  /** Granted as long as the connection is there. */
  { readonly ask: "claim"; readonly name: string } | { readonly ask: "users" };

export type Answered =
  | { readonly is: "granted" }
  | { readonly is: "in-use"; readonly by: readonly VolumeUser[] }
  /** Another command works on it. */
  | { readonly is: "claimed" }
  | { readonly is: "users"; readonly users: readonly (readonly [string, VolumeUser[]])[] };

/** Undefined where the line is none. */
export function questionIn(line: string): Question | undefined {
  const value = objectIn(line);
  const [ask, name] = [value["ask"], value["name"]];
  if (ask === "users") return { ask };
  return ask === "claim" && typeof name === "string" ? { ask, name } : undefined;
}

/** The server is ours, of this version or another one. */
export function answerIn(line: string): Answered | undefined {
  const value = objectIn(line);
  switch (value["is"]) {
    case "granted":
    case "claimed":
      return { is: value["is"] };
    case "in-use":
      return { is: "in-use", by: usersOf(value["by"]) };
    case "users": {
      const entries = Array.isArray(value["users"]) ? value["users"] : [];
      return { is: "users", users: entries.map(([name, users]) => [String(name), usersOf(users)]) };
    }
    default:
      return undefined;
  }
}

function usersOf(value: unknown): VolumeUser[] {
  const list = Array.isArray(value) ? value : [];
  return list.map((user) => ({
    initiator: String(user?.initiator),
    address: String(user?.address),
  }));
}

function objectIn(line: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(line) };
  } catch {
    return {};
  }
}
