import { serialDistance, serialPlus } from "../bytes/serial.ts";
import { ISCSI_WINDOW_COMMANDS } from "../limits.ts";
import type { TargetNumbers } from "./pdus/header.ts";

/** The numbers of one session and its only connection: RFC 7143 §4.2.2. */
export class Numbers {
  /** Of the next response. */
  statSn: number;
  /** The command that is expected next. */
  expCmdSn: number;
  /** Commands that were taken and have not ended. */
  pending = 0;

  constructor(statSn: number, expCmdSn: number) {
    this.statSn = statSn;
    this.expCmdSn = expCmdSn;
  }

  /** The last one that is taken now. It never goes back: what is pending was counted before. */
  get maxCmdSn(): number {
    return serialPlus(this.expCmdSn, ISCSI_WINDOW_COMMANDS - 1 - this.pending);
  }

  isInWindow(cmdSn: number): boolean {
    const ahead = serialDistance(this.expCmdSn, cmdSn);
    return ahead >= 0 && ahead < ISCSI_WINDOW_COMMANDS - this.pending;
  }

  /** For a response, which uses its StatSN up. */
  take(): TargetNumbers {
    const { statSn, expCmdSn, maxCmdSn } = this;
    this.statSn = serialPlus(statSn, 1);
    return { statSn, expCmdSn, maxCmdSn };
  }

  /** For what is no response: R2T, a ping. */
  peek(): TargetNumbers {
    const { statSn, expCmdSn, maxCmdSn } = this;
    return { statSn, expCmdSn, maxCmdSn };
  }
}
