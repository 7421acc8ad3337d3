import { ISCSI_READING_BYTES_MAX, ISCSI_TASK_BYTES_MAX } from "../limits.ts";
import type { Nexus, Result } from "../scsi/command.ts";
import type { Disk } from "../scsi/disk.ts";
import { sendResult } from "./data-in.ts";
import { Transfers } from "./data-out.ts";
import type { Link } from "./link.ts";
import type { Numbers } from "./numbers.ts";
import type { DataOut } from "./pdus/data.ts";
import { Opcode } from "./pdus/header.ts";
import type { ScsiCommand } from "./pdus/scsi.ts";
import type { SessionParameters } from "./rules.ts";
import { Task } from "./task.ts";

interface TasksOptions {
  readonly disk: Disk;
  readonly nexus: Nexus;
  readonly link: Link;
  readonly numbers: Numbers;
  /** As they are at the time. */
  readonly parameters: () => SessionParameters;
  readonly report: (what: string, error: unknown) => void;
}

/**
 * The SCSI commands of one session. Those that have all their data run as they come, as far as memory goes; an
 * ordered one (SAM-5 §8.9.3) and those after it wait for those before it. What the disk answers at once leaves no
 * trace here.
 */
export class Tasks {
  readonly #options: TasksOptions;
  readonly #transfers: Transfers;
  /** By initiator task tag, in the order in which they came. */
  readonly #tasks = new Map<number, Task>();
  /** Those that do not run yet, in the same order; those collecting included. */
  readonly #held: Task[] = [];
  /** Immediate ones that have not ended. */
  immediate = 0;
  #readyHeld = 0;
  #orderedHeld = 0;
  #readingBytes = 0;

  constructor(options: TasksOptions) {
    this.#options = options;
    this.#transfers = new Transfers({
      parameters: options.parameters(),
      ask: (task, { tag, r2tSn, offset, bytes }) =>
        options.link.send({
          opcode: Opcode.R2T,
          lun: task.wireLun,
          initiatorTaskTag: task.initiatorTaskTag,
          targetTransferTag: tag,
          ...options.numbers.peek(),
          r2tSn,
          offset,
          desiredBytes: bytes,
        }),
      complete: (task, failure) => this.#ready(task, failure),
    });
  }

  get disk(): Disk {
    return this.#options.disk;
  }

  get nexus(): Nexus {
    return this.#options.nexus;
  }

  get all(): readonly Task[] {
    return [...this.#tasks.values()];
  }

  find(initiatorTaskTag: number): Task | undefined {
    return this.#tasks.get(initiatorTaskTag);
  }

  /** Its initiator task tag is no other task's. */
  command(pdu: ScsiCommand): void {
    const task = new Task(this.#options.nexus, pdu, pdu.write ? this.#wanted(pdu) : 0);
    if (!this.#transfers.isWhole(task, pdu)) {
      this.#hold(task);
      this.#transfers.collect(task, pdu);
    } else if (this.#mayPass(task) && this.#hasRoom(task)) this.#run(task);
    else {
      this.#hold(task);
      this.#ready(task, undefined);
    }
  }

  /** False: nobody expects it. */
  dataOut(pdu: DataOut): boolean {
    return this.#transfers.receive(pdu);
  }

  /** Takes them from their initiator, who hears no more of them. Resolves when none of them does anything any more. */
  async abort(tasks: readonly Task[]): Promise<void> {
    const running: Promise<void>[] = [];
    for (const task of tasks) {
      task.isAborted = true;
      if (task.state === "running") running.push(new Promise((ended) => task.tell(ended)));
      else {
        this.#unhold(task);
        this.#end(task);
      }
    }
    this.proceed();
    await Promise.all(running);
  }

  /** Begins what may begin: something ended, or there is room again. */
  proceed(): void {
    for (let at = 0; at < this.#held.length; ) {
      const task = this.#held[at];
      if (task === undefined) return;
      const isOrdered = task.attribute === "ordered";
      if (task.state === "ready" && (at === 0 || !isOrdered) && this.#hasRoom(task)) {
        this.#unhold(task);
        this.#run(task);
      } else if (task.state === "ready" || isOrdered) return;
      else at += 1;
    }
  }

  /** A command that takes more than any disk does is refused by it, whether its data is there or not. */
  #wanted({ cdb, expectedBytes }: ScsiCommand): number {
    const wanted = Math.min(expectedBytes, this.#options.disk.dataOutWanted(cdb));
    return wanted > ISCSI_TASK_BYTES_MAX ? 0 : wanted;
  }

  #mayPass({ attribute }: Task): boolean {
    if (this.#held.length === 0 || attribute === "head-of-queue") return true;
    return this.#readyHeld === 0 && this.#orderedHeld === 0 && attribute !== "ordered";
  }

  #hasRoom({ dataInRoom }: Task): boolean {
    if (this.#options.link.isStalled) return false;
    return this.#readingBytes === 0 || this.#readingBytes + dataInRoom <= ISCSI_READING_BYTES_MAX;
  }

  /** Its data is there, or will not be: then it ended before it began. */
  #ready(task: Task, failure: Result | undefined): void {
    if (failure === undefined) {
      task.state = "ready";
      this.#readyHeld += 1;
    } else {
      this.#unhold(task);
      this.#end(task);
      this.#answer(task, failure);
    }
    this.proceed();
  }

  #run(task: Task): void {
    task.state = "running";
    const result = this.#options.disk.execute(task);
    if (result instanceof Promise) this.#await(task, result);
    else {
      this.#end(task);
      this.#answer(task, result);
    }
  }

  #await(task: Task, result: Promise<Result>): void {
    const { link, report } = this.#options;
    const tell = (error: unknown): void => report("SCSI command", error);
    this.#track(task);
    this.#readingBytes += task.dataInRoom;
    const settle = (late: Result | undefined): void => {
      this.#readingBytes -= task.dataInRoom;
      this.#end(task);
      if (late !== undefined) this.#answer(task, late);
      this.proceed();
      link.flush();
    };
    const fail = (error: unknown): void => {
      tell(error);
      link.abandon("target failure");
      settle(undefined);
    };
    result.then(settle, fail).catch(tell);
  }

  #answer(task: Task, result: Result): void {
    const { link, numbers, parameters } = this.#options;
    if (task.isAborted) result.release?.();
    else sendResult(link, numbers, parameters(), task, result);
  }

  #track(task: Task): void {
    if (this.#tasks.has(task.initiatorTaskTag)) return;
    this.#tasks.set(task.initiatorTaskTag, task);
    if (task.isImmediate) this.immediate += 1;
    else this.#options.numbers.pending += 1;
  }

  #hold(task: Task): void {
    this.#track(task);
    this.#held.push(task);
    if (task.attribute === "ordered") this.#orderedHeld += 1;
  }

  #unhold(task: Task): void {
    this.#held.splice(this.#held.indexOf(task), 1);
    if (task.state === "ready") this.#readyHeld -= 1;
    if (task.attribute === "ordered") this.#orderedHeld -= 1;
  }

  #end(task: Task): void {
    task.state = "ended";
    if (this.#tasks.delete(task.initiatorTaskTag)) {
      if (task.isImmediate) this.immediate -= 1;
      else this.#options.numbers.pending -= 1;
      this.#transfers.ended(task);
    }
    task.hasEnded();
  }
}
