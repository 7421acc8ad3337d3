import { VOLUME_BLOCK_BYTES } from "../../limits.ts";
import { u16, u32, u64 } from "../cdb.ts";
import type { Command, Nexus } from "../command.ts";
import { finished, flushing, type Outcome } from "../medium.ts";
import type { Operation } from "../operation.ts";
import { parameterList } from "../parameter-list.ts";
import { good, invalidField, invalidParameter, parameterListLengthError } from "../result.ts";
import { Additional } from "../sense.ts";
import type { Unit } from "../unit.ts";

const PF = 0x10;
const SP = 0x01;

export const operations: readonly Operation[] = [
  {
    name: "MODE SELECT(6)",
    opcode: 0x15,
    serviceAction: undefined,
    usage: [0x15, PF, 0x00, 0x00, 0xff, 0x00],
    dataOutWanted: length6,
    isExclusive: true,
    access: "manage",
    run: (unit, command) => modeSelect(unit, command, length6(command.cdb), header6),
  },
  {
    name: "MODE SELECT(10)",
    opcode: 0x55,
    serviceAction: undefined,
    usage: [0x55, PF, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0x00],
    dataOutWanted: length10,
    isExclusive: true,
    access: "manage",
    run: (unit, command) => modeSelect(unit, command, length10(command.cdb), header10),
  },
];

function length6(cdb: Uint8Array): number {
  return cdb[4] ?? 0;
}

function length10(cdb: Uint8Array): number {
  return u16(cdb, 7);
}

/** SPC-4 §7.5.4: what comes before the pages. */
interface Header {
  readonly bytes: number;
  readonly descriptorsLength: (list: Uint8Array) => number;
  readonly isLong: (list: Uint8Array) => boolean;
}

const header6: Header = {
  bytes: 4,
  descriptorsLength: (list) => list[3] ?? 0,
  isLong: () => false,
};
const header10: Header = {
  bytes: 8,
  descriptorsLength: (list) => u16(list, 6),
  isLong: (list) => ((list[4] ?? 0) & 1) !== 0,
};

/** SPC-4 §6.11. Pages as the standard has them, which are not saved; no list changes nothing. */
function modeSelect(unit: Unit, command: Command, length: number, header: Header): Outcome {
  const flags = command.cdb[1] ?? 0;
  if ((flags & PF) === 0) return invalidField(length, 1, 4);
  if ((flags & SP) !== 0) return invalidField(length, 1, 0);
  const list = parameterList(command, length);
  if (list === undefined) return parameterListLengthError(length);
  if (length === 0) return good();
  const start = header.bytes + header.descriptorsLength(list);
  if (list.length < header.bytes || list.length < start) return parameterListLengthError(length);
  const refused = refusedDescriptor(unit, list, header);
  if (refused !== undefined) return invalidParameter(length, refused);
  return changed(unit, command.nexus, list, start);
}

/** Takes the pages of a list whose rest is right. */
function changed(unit: Unit, by: Nexus, list: Uint8Array, start: number): Outcome {
  const wanted = list.length;
  const wasWriteThrough = unit.modes.isWriteThrough;
  const outcome = unit.modes.change(list, start);
  if (outcome === "same") return good([], { wanted });
  if (outcome === "changed") {
    unit.attentions.establishWhere((nexus) => nexus !== by, Additional.MODE_PARAMETERS_CHANGED);
    // SBC-3 §6.5.5: what the cache held when WCE was cleared is on disk too.
    const mustFlush = unit.modes.isWriteThrough && !wasWriteThrough;
    return finished(mustFlush ? flushing(unit, wanted) : undefined, wanted);
  }
  if (outcome.why === "length") return parameterListLengthError(wanted);
  return invalidParameter(wanted, outcome.byte, outcome.bit);
}

/** SBC-3 §6.5.2: the disk stays as large, in blocks of the same size. Where the block descriptor says another thing. */
function refusedDescriptor(unit: Unit, list: Uint8Array, header: Header): number | undefined {
  const length = header.descriptorsLength(list);
  if (length === 0) return undefined;
  const isLong = header.isLong(list);
  const at = header.bytes;
  if (length !== (isLong ? 16 : 8)) return at - 1;
  const blocks = isLong ? u64(list, at) : u32(list, at);
  const isAll = blocks === 0 || (!isLong && blocks === 0xffff_ffff);
  if (!isAll && blocks * VOLUME_BLOCK_BYTES !== unit.volume.bytes) return at;
  const sizeAt = at + (isLong ? 12 : 4);
  return u32(list, sizeAt) === VOLUME_BLOCK_BYTES ? undefined : sizeAt;
}
