import { expect, test } from "vitest";
import { check, conflict, dataIn, good } from "../../src/scsi/result.ts";
import { Additional, inDescriptorFormat, SenseKey, senseOf } from "../../src/scsi/sense.ts";
import { bytes } from "./small-unit.ts";

test("SPC-4 §4.5.3: fixed format, key and additional sense", () => {
  const sense = senseOf(SenseKey.ILLEGAL_REQUEST, ...Additional.INVALID_COMMAND_OPERATION_CODE);
  expect(sense).toEqual(new Uint8Array(bytes("70 00 05 00000000 0a 00000000 20 00 00 000000")));
});

test("SPC-4 §4.5.3: the information field, valid", () => {
  const sense = senseOf(SenseKey.MISCOMPARE, ...Additional.MISCOMPARE_DURING_VERIFY, {
    information: 0x1234,
  });
  expect(sense).toEqual(new Uint8Array(bytes("f0 00 0e 00001234 0a 00000000 1d 00 00 000000")));
});

test("SPC-4 §4.5.2.4.2: the field pointer is into the CDB, or into the parameter list", () => {
  const inCdb = check(SenseKey.ILLEGAL_REQUEST, ...Additional.INVALID_FIELD_IN_CDB, {
    field: { byte: 2, bit: 5 },
  });
  expect(Buffer.from(inCdb.sense ?? []).subarray(15)).toEqual(bytes("cd 0002"));
  const inList = check(SenseKey.ILLEGAL_REQUEST, ...Additional.INVALID_FIELD_IN_PARAMETER_LIST, {
    field: { byte: 0x0114 },
  });
  expect(Buffer.from(inList.sense ?? []).subarray(15)).toEqual(bytes("80 0114"));
});

test("SPC-4 §4.5.2: the same in the descriptor format, with the descriptors that are needed", () => {
  const plain = senseOf(SenseKey.UNIT_ATTENTION, ...Additional.POWER_ON_OCCURRED);
  expect(Buffer.from(inDescriptorFormat(plain))).toEqual(bytes("72 06 29 01 000000 00"));
  const rich = senseOf(SenseKey.ILLEGAL_REQUEST, ...Additional.INVALID_FIELD_IN_CDB, {
    information: 0xfffffffe,
    field: { byte: 7 },
  });
  expect(Buffer.from(inDescriptorFormat(rich))).toEqual(
    bytes("72 05 24 00 000000 14  00 0a 80 00 00000000fffffffe  02 06 0000 c00007 00"),
  );
});

test("SPC-4 §4.3.5.6: data longer than the allocation length is cut, and that is no error", () => {
  const data = bytes("0102030405");
  expect(dataIn(data, 3)).toMatchObject({ status: 0, dataIn: [bytes("010203")], dataInBytes: 3 });
  expect(dataIn(data, 5)).toMatchObject({ dataIn: [data], dataInBytes: 5 });
  expect(dataIn(data, 4096)).toMatchObject({ dataIn: [data], dataInBytes: 5 });
  expect(dataIn(data, 0)).toMatchObject({ dataIn: [], dataInBytes: 0 });
});

test("what a command takes is said whatever became of it", () => {
  expect(good([], { wanted: 512 })).toMatchObject({ status: 0x00, dataOutWanted: 512 });
  expect(conflict(24)).toMatchObject({ status: 0x18, sense: undefined, dataOutWanted: 24 });
  const refused = check(SenseKey.DATA_PROTECT, ...Additional.WRITE_PROTECTED, { wanted: 1024 });
  expect(refused).toMatchObject({ status: 0x02, dataOutWanted: 1024 });
});
