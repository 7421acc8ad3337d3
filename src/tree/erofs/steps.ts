import type { Answer, TreeError } from "../tree.ts";

/** Work that waits where something must be read first, written straight through: at once where nothing must. */
export type Steps<T extends object> = Generator<Promise<void>, T | TreeError, void>;

export function* known<T extends object>(answer: Answer<T>): Steps<T> {
  if (!(answer instanceof Promise)) return answer;
  let found: T | TreeError = "io";
  yield answer.then((value) => {
    found = value;
  });
  return found;
}

export function finish<T extends object>(steps: Steps<T>): Answer<T> {
  const step = steps.next();
  return step.done === true ? step.value : step.value.then(() => finish(steps));
}
