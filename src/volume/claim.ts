import { join } from "node:path";
import {
  VOLUME_CLAIM_AGAIN_MS,
  VOLUME_CLAIM_WAIT_MS,
  VOLUME_CONTROL_ANSWER_BYTES_MAX,
} from "../limits.ts";
import type { Clock, Instant } from "../net/clock.ts";
import type { LocalSockets } from "../net/local.ts";
import { UserError } from "../user-error.ts";
import { type Answered, answerIn, type Question, type VolumeUser } from "./control.ts";
import { lockDirectory } from "./lock.ts";

/** Who wants to work on a directory's volumes, and with what. */
export interface ClaimOptions {
  readonly directory: string;
  readonly sockets: LocalSockets;
  readonly clock: Pick<Clock, "now" | "alarm">;
}

/** Nobody else works on the volume until it is disposed of. */
export interface Claim extends Disposable {
  /** False: the server that granted it is gone. Whoever serves now knows nothing of it. */
  readonly isHeld: boolean;
}

export function controlOf(directory: string): string {
  return join(directory, ".control");
}

/** @throws UserError where nodes, or other commands, use the volume. */
export async function claimVolume(name: string, options: ClaimOptions): Promise<Claim> {
  const asked = (): Promise<Claim | undefined> => askFor(name, options);
  const claim = await repeated(options, async () => (await asked()) ?? heldAlone(options));
  if (claim !== undefined) return claim;
  throw new UserError(
    `${options.directory} is in use: another sidus works on it; try again when that has ended`,
  );
}

/** For as long as the process serves the directory. @throws UserError where another one does. */
export async function claimDirectory(options: ClaimOptions): Promise<Disposable> {
  const lock = await repeated(options, async () => {
    const held = lockDirectory(options.directory);
    return held === undefined && (await isServed(options)) ? "served" : held;
  });
  if (lock !== undefined && lock !== "served") return lock;
  throw new UserError(
    `${options.directory} is in use: another sidus ${lock === undefined ? "works on" : "serves"} it; stop that, or choose another directory for the volumes`,
  );
}

/** Who uses which volume, as the server says; undefined where none serves the directory. */
export async function usersIn(
  options: ClaimOptions,
): Promise<ReadonlyMap<string, readonly VolumeUser[]> | undefined> {
  const asked = await ask(options, { ask: "users" });
  asked?.connection.destroy();
  return asked?.answer.is === "users" ? new Map(asked.answer.users) : undefined;
}

async function isServed(options: ClaimOptions): Promise<boolean> {
  return (await usersIn(options)) !== undefined;
}

/** Of the server, where there is one. */
async function askFor(name: string, options: ClaimOptions): Promise<Claim | undefined> {
  const asked = await ask(options, { ask: "claim", name });
  if (asked === undefined) return undefined;
  const { answer, connection } = asked;
  if (answer.is === "granted") {
    return {
      get isHeld() {
        return asked.isOpen();
      },
      [Symbol.dispose]: () => connection.destroy(),
    };
  }
  connection.destroy();
  if (answer.is === "in-use") throw inUse(name, answer.by);
  throw new UserError(
    `${name} is in use: another sidus volume works on it; try again when that has ended`,
  );
}

function inUse(name: string, [first, ...others]: readonly VolumeUser[]): UserError {
  const who = first === undefined ? "?" : `${first.initiator} at ${first.address}`;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return new UserError(
    `${name} is in use by ${who}${more}: shut that node down, or log it out, and try again`,
  );
}

function heldAlone({ directory }: ClaimOptions): Claim | undefined {
  const lock = lockDirectory(directory);
  return lock === undefined
    ? undefined
    : { isHeld: true, [Symbol.dispose]: () => lock[Symbol.dispose]() };
}

interface Asked {
  readonly connection: { destroy(): void };
  readonly answer: Answered;
  isOpen(): boolean;
}

/** Undefined where nobody serves the directory, or stops doing so just now. */
async function ask(options: ClaimOptions, question: Question): Promise<Asked | undefined> {
  const { promise, resolve } = Promise.withResolvers<Answered | undefined>();
  let isOpen = true;
  const connection = await options.sockets.connect(
    controlOf(options.directory),
    VOLUME_CONTROL_ANSWER_BYTES_MAX,
    {
      line: (text) => resolve(answerIn(text)),
      closed() {
        isOpen = false;
        resolve(undefined);
      },
    },
  );
  if (connection === undefined) return undefined;
  connection.send(JSON.stringify(question));
  const answer = await promise;
  if (answer !== undefined) return { connection, answer, isOpen: () => isOpen };
  connection.destroy();
  return undefined;
}

/** Tries again for a while: another command may have the directory for a moment, or a server be about to answer. */
async function repeated<T>(
  { clock }: ClaimOptions,
  attempt: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const until = clock.now() + VOLUME_CLAIM_WAIT_MS;
  for (;;) {
    const result = await attempt();
    const now = clock.now();
    if (result !== undefined || now >= until) return result;
    await passed(clock, (now + VOLUME_CLAIM_AGAIN_MS) as Instant);
  }
}

async function passed(clock: Pick<Clock, "alarm">, at: Instant): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using alarm = clock.alarm(resolve);
  alarm.set(at);
  await promise;
}
