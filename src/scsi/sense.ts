/** SPC-4 §4.5: what went wrong with a command, for its initiator. */

/** SPC-4 table 44 */
export const SenseKey = {
  NO_SENSE: 0x0,
  NOT_READY: 0x2,
  MEDIUM_ERROR: 0x3,
  HARDWARE_ERROR: 0x4,
  ILLEGAL_REQUEST: 0x5,
  UNIT_ATTENTION: 0x6,
  DATA_PROTECT: 0x7,
  ABORTED_COMMAND: 0xb,
  MISCOMPARE: 0xe,
} as const;
export type SenseKey = (typeof SenseKey)[keyof typeof SenseKey];

/** Additional sense code and its qualifier. */
export type AdditionalSense = readonly [asc: number, ascq: number];

/** SPC-4 annex F.2: to be spread, `check(SenseKey.ILLEGAL_REQUEST, ...Additional.INVALID_FIELD_IN_CDB)`. */
export const Additional = {
  NONE: [0x00, 0x00],
  NOT_READY_INITIALIZING_COMMAND_REQUIRED: [0x04, 0x02],
  WRITE_ERROR: [0x0c, 0x00],
  INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT: [0x0e, 0x03],
  UNRECOVERED_READ_ERROR: [0x11, 0x00],
  PARAMETER_LIST_LENGTH_ERROR: [0x1a, 0x00],
  MISCOMPARE_DURING_VERIFY: [0x1d, 0x00],
  INVALID_COMMAND_OPERATION_CODE: [0x20, 0x00],
  LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE: [0x21, 0x00],
  INVALID_FIELD_IN_CDB: [0x24, 0x00],
  LOGICAL_UNIT_NOT_SUPPORTED: [0x25, 0x00],
  INVALID_FIELD_IN_PARAMETER_LIST: [0x26, 0x00],
  INVALID_RELEASE_OF_PERSISTENT_RESERVATION: [0x26, 0x04],
  WRITE_PROTECTED: [0x27, 0x00],
  SPACE_ALLOCATION_FAILED_WRITE_PROTECT: [0x27, 0x07],
  LOGICAL_UNIT_SOFTWARE_WRITE_PROTECTED: [0x27, 0x02],
  POWER_ON_OCCURRED: [0x29, 0x01],
  BUS_RESET_OCCURRED: [0x29, 0x02],
  DEVICE_RESET_OCCURRED: [0x29, 0x03],
  NEXUS_LOSS_OCCURRED: [0x29, 0x07],
  MODE_PARAMETERS_CHANGED: [0x2a, 0x01],
  RESERVATIONS_PREEMPTED: [0x2a, 0x03],
  RESERVATIONS_RELEASED: [0x2a, 0x04],
  REGISTRATIONS_PREEMPTED: [0x2a, 0x05],
  CAPACITY_DATA_HAS_CHANGED: [0x2a, 0x09],
  COMMANDS_CLEARED_BY_ANOTHER_INITIATOR: [0x2f, 0x00],
  SAVING_PARAMETERS_NOT_SUPPORTED: [0x39, 0x00],
  INTERNAL_TARGET_FAILURE: [0x44, 0x00],
  INSUFFICIENT_REGISTRATION_RESOURCES: [0x55, 0x04],
} as const satisfies Record<string, AdditionalSense>;

export interface SenseDetails {
  /** SPC-4 §4.5.3: the block that it is about; the offset of the first difference. 32 bits. */
  readonly information?: number;
  /** Which field is invalid: of the parameter list where that is what the additional sense says, else of the CDB. */
  readonly field?: SenseField;
}

export interface SenseField {
  readonly byte: number;
  /** Its most significant bit. */
  readonly bit?: number | undefined;
}

const FIXED_BYTES = 18;
const FIXED = 0x70;
const DESCRIPTOR = 0x72;
const INFORMATION_VALID = 0x80;
const FIELD_VALID = 0x80;
const FIELD_OF_CDB = 0x40;
const BIT_VALID = 0x08;

/** SPC-4 §4.5.3: current information in the fixed format. */
export function senseOf(
  key: SenseKey,
  asc: number,
  ascq: number,
  { information, field }: SenseDetails = {},
): Uint8Array {
  const sense = new Uint8Array(FIXED_BYTES);
  sense[0] = FIXED;
  sense[2] = key;
  sense[7] = FIXED_BYTES - 8;
  sense[12] = asc;
  sense[13] = ascq;
  const view = new DataView(sense.buffer);
  if (information !== undefined) {
    sense[0] |= INFORMATION_VALID;
    view.setUint32(3, information);
  }
  if (field !== undefined) {
    sense[15] =
      FIELD_VALID | (asc === Additional.INVALID_FIELD_IN_PARAMETER_LIST[0] ? 0 : FIELD_OF_CDB);
    if (field.bit !== undefined) sense[15] |= BIT_VALID | field.bit;
    view.setUint16(16, field.byte);
  }
  return sense;
}

/** SPC-4 §4.5.2: the same in the descriptor format, for D_SENSE=1 and REQUEST SENSE with DESC=1. */
export function inDescriptorFormat(fixed: Uint8Array): Uint8Array {
  const at = (index: number): number => fixed[index] ?? 0;
  const hasInformation = (at(0) & INFORMATION_VALID) !== 0;
  const hasField = (at(15) & FIELD_VALID) !== 0;
  const header = [DESCRIPTOR, at(2) & 0x0f, at(12), at(13), 0, 0, 0, 0];
  const information = hasInformation
    ? [0x00, 0x0a, 0x80, 0, 0, 0, 0, 0, at(3), at(4), at(5), at(6)]
    : [];
  const field = hasField ? [0x02, 0x06, 0, 0, at(15), at(16), at(17), 0] : [];
  header[7] = information.length + field.length;
  return Uint8Array.from([...header, ...information, ...field]);
}
