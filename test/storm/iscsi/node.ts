import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { IscsiClient, type IscsiClientOptions } from "../../../src/storm/iscsi/client.ts";
import { seededRandom } from "../../../src/storm/random.ts";
import type { ScsiCommand } from "../../../src/storm/trace/trace.ts";
import { RecordingTally } from "../recording-tally.ts";

/** A simulated node's initiator, asked in promises. */

export const TARGET = "iqn.2024-01.org.example:disk";

export class Node implements Disposable {
  readonly tally = new RecordingTally();
  readonly client: IscsiClient;

  constructor(options: { readonly port: number } & Partial<IscsiClientOptions>) {
    const { port, ...others } = options;
    this.client = new IscsiClient({
      server: { address: LOOPBACK_ADDRESS, port },
      target: TARGET,
      initiator: "iqn.2024-01.org.example:node1",
      chap: undefined,
      from: { address: undefined },
      clock: systemClock,
      random: seededRandom(1),
      tally: this.tally,
      patienceMs: 20_000,
      seed: 1,
      ...others,
    });
  }

  /** Undefined: well. */
  login(): Promise<string | undefined> {
    return new Promise((resolve) => this.client.login(resolve));
  }

  command(cdb: string, way: ScsiCommand["way"] = "none", bytes = 0): Promise<string | undefined> {
    return new Promise((resolve) => this.client.command({ cdb, way, bytes }, resolve));
  }

  read(lba: number, blocks: number): Promise<string | undefined> {
    return this.command(block10("28", lba, blocks), "in", blocks * 512);
  }

  write(lba: number, blocks: number): Promise<string | undefined> {
    return this.command(block10("2a", lba, blocks), "out", blocks * 512);
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}

/** SBC-3 §5.8, §5.33 */
function block10(operation: string, lba: number, blocks: number): string {
  return `${operation}00${hex(lba, 8)}00${hex(blocks, 4)}00`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
