/**
 * Something that the user can mend: wrong configuration, a missing package, a port in use. Its message is one
 * line that says what to do next; the command line prints it without a stack and exits with `exitCode`.
 */
export class UserError extends Error {
  /** 1: it failed; 2: wrong usage, configuration or surroundings. */
  readonly exitCode: 1 | 2;

  constructor(message: string, options: { cause?: unknown; exitCode?: 1 | 2 } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "UserError";
    this.exitCode = options.exitCode ?? 2;
  }
}
