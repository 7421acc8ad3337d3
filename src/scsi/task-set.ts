import { SCSI_TASKS_MAX } from "../limits.ts";

/** SAM-5 §8.6: which tasks wait for which. */
export interface Task<T> {
  /** Who may have it abandoned. */
  readonly owner: object;
  /** Waits for those before it, and those after it wait. */
  readonly isAlone: boolean;
  /** HEAD OF QUEUE: before those that wait. */
  readonly isFirst: boolean;
  /** Neither throws nor rejects. */
  readonly start: () => T | Promise<T>;
}

interface Waiting<T> extends Task<T> {
  readonly settle: (answer: T | Promise<T>) => void;
}

/** Tasks of one disk. One that answers at once, while none waits, costs no promise. */
export class TaskSet<T> {
  readonly #waiting: Waiting<T>[] = [];
  #running = 0;
  #isAlone = false;

  /** `undefined`: there are too many. */
  run(task: Task<T>): T | Promise<T> | undefined {
    if (this.#running + this.#waiting.length >= SCSI_TASKS_MAX) return undefined;
    if (this.#mayStart(task) && (task.isFirst || this.#waiting.length === 0)) {
      return this.#begin(task);
    }
    return new Promise<T>((settle) => {
      const waiting = { ...task, settle };
      if (task.isFirst) this.#waiting.unshift(waiting);
      else this.#waiting.push(waiting);
    });
  }

  /** Those that wait, of one owner or of all, end with this answer; those that run end by themselves. */
  abandon(owner: object | undefined, answer: T): void {
    const stay: Waiting<T>[] = [];
    for (const task of this.#waiting) {
      if (owner === undefined || task.owner === owner) task.settle(answer);
      else stay.push(task);
    }
    this.#waiting.splice(0, this.#waiting.length, ...stay);
    this.#proceed();
  }

  #mayStart(task: Task<T>): boolean {
    return this.#running === 0 || !(task.isAlone || this.#isAlone);
  }

  #begin(task: Task<T>): T | Promise<T> {
    this.#running += 1;
    this.#isAlone = task.isAlone;
    const answer = task.start();
    if (answer instanceof Promise) {
      return answer.then((late) => {
        this.#running -= 1;
        this.#proceed();
        return late;
      });
    }
    this.#running -= 1;
    return answer;
  }

  #proceed(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#mayStart(next)) return;
      this.#waiting.shift();
      next.settle(this.#begin(next));
    }
  }
}
