import { Writer } from "../../bytes/writer.ts";
import { SCSI_LBA_STATUS_DESCRIPTORS_MAX, VOLUME_BLOCK_BYTES } from "../../limits.ts";
import { capacityOf, outOfReach } from "../blocks.ts";
import { u32, u64 } from "../cdb.ts";
import type { Command } from "../command.ts";
import { following, notRead, type Outcome, type Step } from "../medium.ts";
import type { Operation } from "../operation.ts";
import { dataIn } from "../result.ts";
import type { Unit } from "../unit.ts";

const HEADER_BYTES = 8;
const DESCRIPTOR_BYTES = 16;

/** A descriptor counts no more blocks; another goes on. */
const COUNT_MAX = 0xffff_ffff;

/** SBC-3 §5.4.2 */
const Provisioning = { MAPPED: 0, DEALLOCATED: 1 } as const;

/** Blocks that follow one another and are alike. */
interface Alike {
  readonly lba: number;
  readonly count: number;
  readonly isAllocated: boolean;
}

/** SBC-3 §5.4: which blocks take room, from one on. */
export const getLbaStatus: Operation = {
  name: "GET LBA STATUS",
  opcode: 0x9e,
  serviceAction: 0x12,
  usage: [0x9e, 0x12, ...Array<number>(12).fill(0xff), 0, 0],
  dataOutWanted: () => 0,
  isExclusive: false,
  access: "read",
  run,
};

function run(unit: Unit, { cdb }: Command): Outcome {
  const lba = u64(cdb, 2);
  const refusal = outOfReach(unit, { lba, count: 1 }, 0);
  if (refusal !== undefined) return refusal;
  const allocationLength = u32(cdb, 10);
  const room = Math.floor((allocationLength - HEADER_BYTES) / DESCRIPTOR_BYTES);
  const countMax = Math.max(1, Math.min(room, SCSI_LBA_STATUS_DESCRIPTORS_MAX));
  const found: Alike[] = [];
  return following(
    gathering(unit, lba, { found, countMax }),
    (failed) => failed ?? dataIn(described(found), allocationLength),
  );
}

/** Asks for what follows until there are enough, or no more. */
function gathering(
  unit: Unit,
  lba: number,
  into: { readonly found: Alike[]; readonly countMax: number },
): Step {
  const left = capacityOf(unit) - lba;
  if (left <= 0 || into.found.length === into.countMax) return undefined;
  return following(unit.volume.extent(lba * VOLUME_BLOCK_BYTES), (extent) => {
    if (typeof extent === "string") return notRead(extent, 0);
    const blocks = Math.max(1, Math.floor(extent.length / VOLUME_BLOCK_BYTES));
    const count = Math.min(blocks, left, COUNT_MAX);
    into.found.push({ lba, count, isAllocated: extent.isAllocated });
    return gathering(unit, lba + count, into);
  });
}

/** SBC-3 §5.4.2, parameter data. */
function described(all: readonly Alike[]): Uint8Array {
  const bytes = all.length * DESCRIPTOR_BYTES;
  const writer = new Writer(HEADER_BYTES + bytes);
  // PARAMETER DATA LENGTH does not count itself.
  writer.u32(HEADER_BYTES - 4 + bytes).zeros(4);
  for (const { lba, count, isAllocated } of all) {
    writer.size64(lba).u32(count);
    writer.u8(isAllocated ? Provisioning.MAPPED : Provisioning.DEALLOCATED).zeros(3);
  }
  return writer.finish();
}
