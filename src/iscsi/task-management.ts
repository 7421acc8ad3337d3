import { serialDistance } from "../bytes/serial.ts";
import { TaskFunction as F, TaskOutcome, type TaskRequest } from "./pdus/task.ts";
import { lunNumber } from "./task.ts";
import type { Tasks } from "./tasks.ts";

interface Management {
  /** Of the session that asks. */
  readonly tasks: Tasks;
  /** Of all sessions with its target, its own among them. */
  readonly siblings: readonly Tasks[];
  /**
   * Has a command of the asking session that did not come yet ignored when it comes. False: it came, or is not to
   * come.
   */
  readonly skip: (cmdSn: number) => boolean;
}

/**
 * Carries out a task management function: RFC 7143 §4.2.3, §11.5. Resolves, to what is answered, when the tasks that
 * it is about have ended; those that came after it are not concerned.
 */
export async function manageTasks(pdu: TaskRequest, management: Management): Promise<TaskOutcome> {
  const { tasks, siblings } = management;
  const isOfLun = pdu.function <= F.LOGICAL_UNIT_RESET;
  if (isOfLun && lunNumber(pdu.lun) !== 0) return TaskOutcome.LUN_DOES_NOT_EXIST;
  switch (pdu.function) {
    case F.ABORT_TASK:
      return abortTask(pdu, management);
    case F.ABORT_TASK_SET:
      await tasks.abort(tasks.all);
      return TaskOutcome.COMPLETE;
    case F.CLEAR_TASK_SET:
      await Promise.all(siblings.map((sibling) => clear(sibling, tasks)));
      return TaskOutcome.COMPLETE;
    case F.LOGICAL_UNIT_RESET:
      return reset(management, "lun");
    case F.TARGET_WARM_RESET:
    case F.TARGET_COLD_RESET:
      return reset(management, "target");
    case F.TASK_REASSIGN:
      return TaskOutcome.ALLEGIANCE_NOT_SUPPORTED;
    default:
      return TaskOutcome.NOT_SUPPORTED;
  }
}

/** §11.6.1: a task that is there; one that did not come yet, and now must not; one that is neither. */
async function abortTask(pdu: TaskRequest, { tasks, skip }: Management): Promise<TaskOutcome> {
  const task = tasks.find(pdu.referencedTaskTag);
  if (task === undefined) {
    const isBefore = serialDistance(pdu.refCmdSn, pdu.cmdSn) > 0;
    const isSkipped = isBefore && skip(pdu.refCmdSn);
    return isSkipped ? TaskOutcome.COMPLETE : TaskOutcome.TASK_DOES_NOT_EXIST;
  }
  await tasks.abort([task]);
  return TaskOutcome.COMPLETE;
}

async function clear(cleared: Tasks, by: Tasks): Promise<void> {
  const tasks = cleared.all;
  if (tasks.length > 0 && cleared !== by) cleared.disk.tellCleared(cleared.nexus);
  await cleared.abort(tasks);
}

async function reset(
  { tasks, siblings }: Management,
  cause: "lun" | "target",
): Promise<TaskOutcome> {
  const ended = siblings.map((sibling) => sibling.abort(sibling.all));
  tasks.disk.reset(tasks.nexus, cause);
  await Promise.all(ended);
  return TaskOutcome.COMPLETE;
}
