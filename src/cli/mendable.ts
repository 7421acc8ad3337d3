import { UserError } from "../user-error.ts";

/** By the system's error code: what to do. */
export type Remedies = Readonly<Record<string, string>>;

/** What the file system refuses is the user's to mend. */
export async function mendable<T>(remedies: Remedies, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    const remedy = remedies[code];
    if (!(cause instanceof Error) || remedy === undefined) throw cause;
    throw new UserError(`${cause.message}; ${remedy}`, { cause, exitCode: 1 });
  }
}
