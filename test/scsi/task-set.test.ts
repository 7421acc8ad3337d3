import { describe, expect, test } from "vitest";
import { SCSI_TASKS_MAX } from "../../src/limits.ts";
import { TaskSet } from "../../src/scsi/task-set.ts";

type Kind = "simple" | "alone" | "first";

/** Starts tasks that end when they are told to, and writes down what happened. */
class Stage {
  readonly log: string[] = [];
  readonly #set = new TaskSet<string>();
  readonly #ends = new Map<string, () => void>();
  readonly #answers = new Map<string, string | Promise<string> | undefined>();

  run(name: string, kind: Kind = "simple", owner: object = this): void {
    const answer = this.#set.run({
      owner,
      isAlone: kind === "alone",
      isFirst: kind === "first",
      start: () => {
        this.log.push(`+${name}`);
        return new Promise((resolve) => this.#ends.set(name, () => resolve(name)));
      },
    });
    this.#answers.set(name, answer);
  }

  answerOf(name: string): string | Promise<string> | undefined {
    return this.#answers.get(name);
  }

  /** What a task that is quick says at once: its name, that it waits, or that there are too many. */
  now(name: string): string {
    const start = (): string => name;
    const answer = this.#set.run({ owner: this, isAlone: false, isFirst: false, start });
    return answer instanceof Promise ? "waits" : (answer ?? "full");
  }

  abandon(owner: object | undefined): void {
    this.#set.abandon(owner, "abandoned");
  }

  async end(...names: string[]): Promise<void> {
    for (const name of names) {
      this.#ends.get(name)?.();
      this.log.push(`-${name}`);
    }
    for (let turns = 0; turns < 10; turns += 1) await undefined;
  }
}

describe("SAM-5 §8.6: tasks of one disk", () => {
  test("one that answers at once, where none waits, is answered at once", () => {
    const stage = new Stage();
    expect(stage.now("a")).toBe("a");
    stage.run("b");
    expect(stage.now("c")).toBe("c");
  });

  test("SIMPLE ones run side by side; one alone waits for them, those after it wait for it", async () => {
    const stage = new Stage();
    stage.run("a");
    stage.run("b");
    stage.run("only", "alone");
    stage.run("c");
    stage.run("d");
    expect(stage.now("quick")).toBe("waits");
    await stage.end("a");
    expect(stage.log).toEqual(["+a", "+b", "-a"]);
    await stage.end("b");
    expect(stage.log.slice(3)).toEqual(["-b", "+only"]);
    await stage.end("only");
    expect(stage.log.slice(5)).toEqual(["-only", "+c", "+d"]);
    expect(stage.now("quick")).toBe("quick");
  });

  test("two that run alone run one after the other", async () => {
    const stage = new Stage();
    stage.run("a", "alone");
    stage.run("b", "alone");
    expect(stage.log).toEqual(["+a"]);
    await stage.end("a");
    expect(stage.log).toEqual(["+a", "-a", "+b"]);
    expect(stage.now("c")).toBe("waits");
  });

  test("HEAD OF QUEUE does not wait for those that wait, only for one that runs alone", async () => {
    const stage = new Stage();
    stage.run("a");
    stage.run("only", "alone");
    stage.run("b");
    stage.run("head", "first");
    expect(stage.log).toEqual(["+a", "+head"]);
    await stage.end("a", "head");
    stage.run("next", "first");
    expect(stage.log.slice(2)).toEqual(["-a", "-head", "+only"]);
    await stage.end("only");
    expect(stage.log.slice(5)).toEqual(["-only", "+next", "+b"]);
  });

  test("those that wait are abandoned with their owner, and let others go on", async () => {
    const stage = new Stage();
    const other = {};
    stage.run("a");
    stage.run("only", "alone", other);
    stage.run("c", "simple", other);
    stage.run("d");
    stage.abandon(other);
    expect(await stage.answerOf("only")).toBe("abandoned");
    expect(await stage.answerOf("c")).toBe("abandoned");
    expect(stage.log).toEqual(["+a", "+d"]);
    stage.run("e", "alone");
    stage.abandon(undefined);
    expect(await stage.answerOf("e")).toBe("abandoned");
    await stage.end("a");
    expect(await stage.answerOf("a")).toBe("a");
  });

  test("there are only so many, running or waiting", async () => {
    const stage = new Stage();
    stage.run("only", "alone");
    for (let index = 1; index < SCSI_TASKS_MAX; index += 1) stage.now(`${index}`);
    expect(stage.now("more")).toBe("full");
    stage.run("head", "first");
    expect(stage.answerOf("head")).toBe(undefined);
    await stage.end("only");
    expect(stage.now("again")).toBe("again");
  });
});
