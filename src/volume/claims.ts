import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { VOLUME_CONTROL_CONNECTIONS_MAX, VOLUME_CONTROL_LINE_BYTES_MAX } from "../limits.ts";
import type { LocalConnection, LocalHandler } from "../net/local.ts";
import { UserError } from "../user-error.ts";
import { type ClaimOptions, claimDirectory, controlOf } from "./claim.ts";
import { type Answered, questionIn, type VolumeUser } from "./control.ts";
import { makeDirectory } from "./durable.ts";

/** Held by the process that serves a directory of volumes: who uses which, and which a command works on. */
export interface Claims extends AsyncDisposable {
  /** From before the volume is opened until after it is closed. Undefined while a command works on it. */
  use(name: string, initiator: { name: string; address: Ipv4 }): Disposable | undefined;
}

/** @throws UserError where another process has the directory. */
export async function serveClaims(options: ClaimOptions): Promise<Claims> {
  await makeDirectory(options.directory);
  const lock = await claimDirectory(options);
  const table = new ClaimTable();
  let listener: AsyncDisposable;
  try {
    listener = await options.sockets.listen({
      path: controlOf(options.directory),
      connectionsMax: VOLUME_CONTROL_CONNECTIONS_MAX,
      lineBytesMax: VOLUME_CONTROL_LINE_BYTES_MAX,
      accept: (connection) => new Asker(table, connection),
    });
  } catch (error) {
    lock[Symbol.dispose]();
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot listen in ${options.directory} (${String(error)})`, {
      cause: error,
    });
  }
  return {
    use: (name, initiator) =>
      table.use(name, { initiator: initiator.name, address: formatIpv4(initiator.address) }),
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      lock[Symbol.dispose]();
    },
  };
}

class ClaimTable {
  readonly #users = new Map<string, Set<VolumeUser>>();
  readonly #claimed = new Set<string>();

  use(name: string, user: VolumeUser): Disposable | undefined {
    if (this.#claimed.has(name)) return undefined;
    const users = this.#users.get(name) ?? new Set();
    this.#users.set(name, users.add(user));
    return {
      [Symbol.dispose]: () => {
        if (users.delete(user) && users.size === 0) this.#users.delete(name);
      },
    };
  }

  claim(name: string): Answered {
    const users = this.#users.get(name);
    if (users !== undefined) return { is: "in-use", by: [...users] };
    if (this.#claimed.has(name)) return { is: "claimed" };
    this.#claimed.add(name);
    return { is: "granted" };
  }

  release(name: string): void {
    this.#claimed.delete(name);
  }

  users(): Answered {
    return { is: "users", users: [...this.#users].map(([name, users]) => [name, [...users]]) };
  }
}

/** A command; what it was granted ends with its connection. */
class Asker implements LocalHandler {
  readonly #table: ClaimTable;
  readonly #connection: LocalConnection;
  #granted: string | undefined;

  constructor(table: ClaimTable, connection: LocalConnection) {
    this.#table = table;
    this.#connection = connection;
  }

  line(text: string): void {
    const question = questionIn(text);
    if (question?.ask === "users") this.#answer(this.#table.users());
    else if (question === undefined || this.#granted !== undefined) this.#connection.destroy();
    else this.#claim(question.name);
  }

  closed(): void {
    if (this.#granted !== undefined) this.#table.release(this.#granted);
  }

  #claim(name: string): void {
    const answer = this.#table.claim(name);
    if (answer.is === "granted") this.#granted = name;
    this.#answer(answer);
  }

  #answer(answer: Answered): void {
    this.#connection.send(JSON.stringify(answer));
  }
}
