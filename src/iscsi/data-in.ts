import type { Result } from "../scsi/command.ts";
import { cut } from "../scsi/parts.ts";
import { Status } from "../scsi/status.ts";
import type { Link } from "./link.ts";
import type { Numbers } from "./numbers.ts";
import { NO_TAG, Opcode } from "./pdus/header.ts";
import type { SessionParameters } from "./rules.ts";
import type { Task } from "./task.ts";

const NOTHING = new Uint8Array(0);

/**
 * How a command ended, to its initiator: its data in Data-In PDUs, its status with the last of them, or in a
 * response of its own. RFC 7143 §11.4, §11.7. `parameters` are those of now.
 */
export function sendResult(
  link: Link,
  numbers: Numbers,
  parameters: SessionParameters,
  task: Task,
  result: Result,
): void {
  const bytes = Math.min(result.dataInBytes, task.dataInRoom);
  const residual = residualOf(task, result);
  if (bytes === 0) {
    result.release?.();
    sendResponse(link, numbers, task, result, residual, 0);
    return;
  }
  const isCollapsed = result.status === Status.GOOD;
  const sent = sendData(link, numbers, parameters, task, result, {
    bytes,
    status: isCollapsed ? result.status : undefined,
    residual: isCollapsed ? residual : 0,
  });
  if (!isCollapsed) sendResponse(link, numbers, task, result, residual, sent);
}

/** §11.4.5: what the initiator had or expected, less what the command has or takes. */
function residualOf(task: Task, result: Result): number {
  if (task.isWrite) return task.expectedBytes - result.dataOutWanted;
  if (task.isRead) return task.expectedBytes - result.dataInBytes;
  return 0 - Math.max(result.dataInBytes, result.dataOutWanted);
}

function sendResponse(
  link: Link,
  numbers: Numbers,
  task: Task,
  { status, sense }: Result,
  residual: number,
  expDataSn: number,
): void {
  const { statSn, expCmdSn, maxCmdSn } = numbers.take();
  link.send({
    opcode: Opcode.SCSI_RESPONSE,
    response: 0,
    status,
    initiatorTaskTag: task.initiatorTaskTag,
    statSn,
    expCmdSn,
    maxCmdSn,
    expDataSn,
    residual,
    readResidual: 0,
    data: sense === undefined ? NOTHING : senseSegment(sense),
  });
}

/** §11.4.7.1 */
function senseSegment(sense: Uint8Array): Uint8Array {
  const segment = new Uint8Array(2 + sense.length);
  segment[0] = sense.length >> 8;
  segment[1] = sense.length;
  segment.set(sense, 2);
  return segment;
}

/** With the status in the last PDU, unless it is undefined. Answers how many PDUs it took. */
function sendData(
  link: Link,
  numbers: Numbers,
  { peerMaxRecvDataSegmentLength: segmentMax, maxBurstLength }: SessionParameters,
  task: Task,
  { dataIn, dataInBytes, release }: Result,
  end: { readonly bytes: number; readonly status: Status | undefined; readonly residual: number },
): number {
  const { bytes } = end;
  let dataSn = 0;
  let burst = 0;
  for (let offset = 0; offset < bytes; dataSn += 1) {
    const length = Math.min(segmentMax, maxBurstLength - burst, bytes - offset);
    const isLast = offset + length === bytes;
    burst += length;
    const isFinal = isLast || burst === maxBurstLength;
    if (isFinal) burst = 0;
    const status = isLast ? end.status : undefined;
    const { statSn, expCmdSn, maxCmdSn } = status === undefined ? numbers.peek() : numbers.take();
    link.send(
      {
        opcode: Opcode.DATA_IN,
        final: isFinal,
        acknowledge: false,
        status,
        lun: 0n,
        initiatorTaskTag: task.initiatorTaskTag,
        targetTransferTag: NO_TAG,
        statSn,
        expCmdSn,
        maxCmdSn,
        dataSn,
        offset,
        residual: isLast ? end.residual : 0,
        data: length === dataInBytes ? dataIn : cut(dataIn, offset, length),
      },
      isLast ? release : undefined,
    );
    offset += length;
  }
  return dataSn;
}
