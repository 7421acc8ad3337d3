import { STORM_ISCSI_ATTENTIONS_MAX } from "../../limits.ts";
import type { Instant } from "../../net/clock.ts";
import type { Done } from "../client.ts";
import type { ScsiCommand } from "../trace/trace.ts";
import { cdbOf, extentOf, Operation, placed } from "./commands.ts";
import { VolumeContent } from "./content.ts";
import { Disk, type Question } from "./disk.ts";
import { type KeeperOptions, SessionKeeper } from "./keeper.ts";
import { type Ending, Task, type TaskOptions } from "./task.ts";

export interface IscsiClientOptions extends KeeperOptions {
  /** Of what it writes. */
  readonly seed: number;
}

/** SAM-5 §5.3.1 */
const Status = { GOOD: 0x00, CHECK_CONDITION: 0x02, BUSY: 0x08, TASK_SET_FULL: 0x28 } as const;
/** SPC-4 §4.5.6 */
const SenseKey = { NOT_READY: 2, ILLEGAL_REQUEST: 5, UNIT_ATTENTION: 6 } as const;

const OVER = "iSCSI: the session is over";

interface Wanted {
  readonly command: ScsiCommand;
  readonly done: Done;
}

/** The initiator of one node: a session, and the first disk that the target has. */
export class IscsiClient {
  /** Commands that a trace had not: what a node must know of another target than the recorded one. */
  added = 0;
  readonly #options: IscsiClientOptions;
  readonly #content: VolumeContent;
  readonly #keeper: SessionKeeper;
  readonly #disk = new Disk();
  /** In their order; the first may wait for what the disk is asked. */
  readonly #wanted: Wanted[] = [];
  #login: { readonly done: Done; readonly begunAt: Instant } | undefined;
  #isAsking = false;
  #isOver = false;

  constructor(options: IscsiClientOptions) {
    this.#options = options;
    this.#content = new VolumeContent(options.seed, options.target);
    this.#keeper = new SessionKeeper(options, {
      loggedIn: (received, sent) => this.#loggedIn(received, sent),
      ended: (task, ending) => this.#ended(task, ending),
      failed: (why) => this.#fail(why),
    });
  }

  login(done: Done): void {
    if (this.#isOver) done(OVER);
    else {
      this.#login = { done, begunAt: this.#options.clock.now() };
      this.#keeper.login();
    }
  }

  command(command: ScsiCommand, done: Done): void {
    if (this.#isOver) done(OVER);
    else {
      this.#wanted.push({ command, done });
      this.#advance();
    }
  }

  /** Without a word, as power fails. */
  close(): void {
    this.#isOver = true;
    this.#keeper.close();
    this.#wanted.length = 0;
  }

  #loggedIn(received: number, sent: number): void {
    const login = this.#login;
    this.#login = undefined;
    if (login === undefined) return;
    const { tally, clock } = this.#options;
    tally.answered("iscsi", "login", clock.now() - login.begunAt, received, sent);
    login.done();
  }

  /** Begins what is wanted, as far as the node knows its disk. */
  #advance(): void {
    while (!this.#isAsking && !this.#isOver) {
      const [wanted] = this.#wanted;
      if (wanted === undefined) break;
      const cdb = cdbOf(wanted.command);
      const question = cdb && this.#disk.questionBefore(cdb);
      if (question === "no disk") this.#fail("iSCSI: the target has no disk of 512-byte blocks");
      else if (question !== undefined) this.#ask(question);
      else {
        this.#wanted.shift();
        if (cdb === undefined) wanted.done("iSCSI: a command that cannot be sent");
        else this.#begin(cdb, wanted);
      }
    }
  }

  #ask({ cdb, bytes, lun }: Question): void {
    this.#isAsking = true;
    this.added += 1;
    const done = (): void => {
      this.#isAsking = false;
      this.#advance();
    };
    const command = { bytes, way: "in" } as const;
    this.#submit({ cdb, command, lun, extent: undefined, done, failed: () => {} });
  }

  #begin(cdb: Buffer, { command, done }: Wanted): void {
    const recorded = extentOf(cdb);
    const extent = recorded && placed(cdb, recorded, this.#disk.blocks ?? 0);
    if (recorded !== undefined && extent === undefined) {
      done("iSCSI: the volume is smaller than one command of the trace");
      return;
    }
    if (extent !== undefined && isOverwriting(cdb)) this.#content.forget(extent.lba, extent.blocks);
    const ended = (ending: Ending, task: Task): void => done(failureOf(task, ending));
    const lun = this.#disk.lunFor(cdb);
    this.#submit({ cdb, command, lun, extent, done: ended, failed: done });
  }

  #submit(options: Omit<TaskOptions, "content" | "begunAt">): void {
    const begunAt = this.#options.clock.now();
    this.#keeper.submit(new Task({ ...options, content: this.#content, begunAt }));
  }

  #ended(task: Task, ending: Ending): void {
    if (this.#isTriedAgain(task, ending)) return;
    this.#keeper.drop(task);
    const { tally, clock } = this.#options;
    const { cdb, lun, extent, begunAt, done } = task.options;
    const ms = clock.now() - begunAt;
    tally.answered("iscsi", task.operation, ms, task.receivedBytes, task.sentBytes);
    const { verified } = task;
    if (verified === undefined) tally.differed("iscsi", `${task.operation} of what was written`);
    else if (verified > 0) tally.verified(verified);
    if (ending.status === Status.GOOD) {
      if (task.isWrite && extent !== undefined) this.#content.wrote(extent.lba, extent.blocks);
      this.#disk.learn(cdb, lun, task.answer);
    }
    done(ending, task);
  }

  #isTriedAgain(task: Task, { status, sense }: Ending): boolean {
    const key = status === Status.CHECK_CONDITION ? sense?.key : undefined;
    if (status === Status.BUSY || status === Status.TASK_SET_FULL || key === SenseKey.NOT_READY) {
      this.#keeper.submitLater(task);
      return true;
    }
    // To hear of them is what that one is for; whoever recorded it sent it again itself.
    const isAsked = task.options.cdb[0] === Operation.TEST_UNIT_READY;
    if (key !== SenseKey.UNIT_ATTENTION || isAsked) return false;
    task.attentions += 1;
    if (task.attentions > STORM_ISCSI_ATTENTIONS_MAX) return false;
    this.#keeper.submit(task);
    return true;
  }

  /** Nothing more is done for this node. */
  #fail(why: string): void {
    const login = this.#login;
    const wanted = this.#wanted.splice(0);
    this.#isOver = true;
    const tasks = this.#keeper.close();
    login?.done(why);
    for (const { options } of tasks) options.failed(why);
    for (const { done } of wanted) done(why);
  }
}

/** What it writes is not what `content` would have been. */
function isOverwriting([operation]: Buffer): boolean {
  return operation === Operation.WRITE_SAME_10 || operation === Operation.WRITE_SAME_16;
}

/**
 * Reads and writes must be done. All else may be what another target than the recorded one has not (WRITE SAME, pages of
 * INQUIRY): an initiator learns of it, and goes on.
 */
function failureOf(task: Task, { status, sense }: Ending): string | undefined {
  if (status === Status.GOOD) return undefined;
  const isNeeded = task.isRead || task.isWrite;
  const { extent } = task.options;
  const isAnswer = extent === undefined || sense?.key === SenseKey.ILLEGAL_REQUEST;
  if (status === Status.CHECK_CONDITION && isAnswer && !isNeeded) return undefined;
  const why =
    sense === undefined
      ? `status ${status.toString(16).padStart(2, "0")}h`
      : `sense key ${sense.key}, ASC ${sense.asc.toString(16).padStart(2, "0")}h`;
  return `iSCSI: ${task.operation} failed with ${why}`;
}
