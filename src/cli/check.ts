import { IMAGE_NAME } from "../image/store/versions.ts";
import { UserError } from "../user-error.ts";

/** @throws UserError that names the argument. */
export function check(value: string, pattern: RegExp, what: string, expected: string): void {
  if (!pattern.test(value)) throw new UserError(`${what}: expected ${expected}, found "${value}"`);
}

/** Of a tree or an image: it names files. @throws UserError */
export function checkName(name: string): void {
  check(name, IMAGE_NAME, "NAME", "letters, digits, `.`, `_` and `-`");
}
