import fc from "fast-check";
import { expect, test } from "vitest";
import type { Result } from "../../src/scsi/command.ts";
import { be, bench, cdb10, cdb12, cdb16, GOOD, taken, told } from "./initiator.ts";

/** Random commands on a disk, and the same on an array of bytes that knows nothing of SCSI. */

const BLOCKS = 24;
const BLOCK = 512;

interface Action {
  readonly kind: keyof typeof actions;
  readonly form: 0 | 1 | 2;
  readonly lba: number;
  readonly count: number;
  readonly byte: number;
}

type Send = (cdb: number[], data?: Uint8Array) => Promise<Result>;

const OUT_OF_RANGE = "5/21/00";
const MISCOMPARE = "e/1d/00";
const forms = [cdb10, cdb12, cdb16] as const;

/** Each changes the model, sends what does the same, and says what the answer is to be. */
const actions = {
  async read({ form, lba, count }: Action, model: Uint8Array, send: Send) {
    const result = await send(forms[form](opcode(form, 0x28, 0xa8, 0x88), 0, lba, count));
    expect(told(result)).toBe(GOOD);
    expect([...taken(result)]).toEqual([...part(model, lba, count)]);
  },
  async write({ form, lba, count, byte }: Action, model: Uint8Array, send: Send) {
    const data = mixed(count, byte);
    part(model, lba, count).set(data);
    const flags = byte & 0x18;
    const cdb = forms[form](opcode(form, 0x2a, 0xaa, 0x8a), flags, lba, count);
    expect(told(await send(cdb, data))).toBe(GOOD);
  },
  async writeAndVerify({ form, lba, count, byte }: Action, model: Uint8Array, send: Send) {
    const data = mixed(count, byte);
    part(model, lba, count).set(data);
    const cdb = forms[form](opcode(form, 0x2e, 0xae, 0x8e), byte & 0x12, lba, count);
    expect(told(await send(cdb, data))).toBe(GOOD);
  },
  async verify({ form, lba, count, byte }: Action, model: Uint8Array, send: Send) {
    const data = part(model, lba, count).slice();
    const isOther = byte % 2 === 1 && count > 0;
    if (isOther) data[byte] = (data[byte] ?? 0) ^ 1;
    const cdb = forms[form](opcode(form, 0x2f, 0xaf, 0x8f), 0x02, lba, count);
    expect(told(await send(cdb, data))).toBe(isOther ? MISCOMPARE : GOOD);
  },
  async orwrite({ lba, count, byte }: Action, model: Uint8Array, send: Send) {
    const data = mixed(count, byte);
    const into = part(model, lba, count);
    for (const [at, bits] of data.entries()) into[at] = (into[at] ?? 0) | bits;
    expect(told(await send(cdb16(0x8b, 0, lba, count), data))).toBe(GOOD);
  },
  async compareAndWrite({ lba, count, byte }: Action, model: Uint8Array, send: Send) {
    const into = part(model, lba, count);
    const data = new Uint8Array(2 * into.length);
    data.set(into);
    data.set(mixed(count, byte), into.length);
    const isOther = byte % 3 === 0 && count > 0;
    if (isOther) data[byte] = (data[byte] ?? 0) ^ 0x80;
    else into.set(data.subarray(into.length));
    const cdb = [0x89, 0, ...be(lba, 8), 0, 0, 0, count, 0, 0];
    expect(told(await send(cdb, data))).toBe(isOther ? MISCOMPARE : GOOD);
  },
  async writeSame({ form, lba, count, byte }: Action, model: Uint8Array, send: Send) {
    if (count === 0) return;
    const data = byte < 100 ? new Uint8Array(BLOCK) : mixed(1, byte);
    for (let block = lba; block < lba + count; block += 1) model.set(data, block * BLOCK);
    const flags = byte & 0x08;
    const cdb = form === 0 ? cdb10(0x41, flags, lba, count) : cdb16(0x93, flags, lba, count);
    expect(told(await send(cdb, data))).toBe(GOOD);
  },
  async unmap({ lba, count }: Action, model: Uint8Array, send: Send) {
    part(model, lba, count).fill(0);
    const list = [0, 22, 0, 16, 0, 0, 0, 0, ...be(lba, 8), ...be(count, 4), 0, 0, 0, 0];
    const cdb = [0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0];
    expect(told(await send(cdb, Uint8Array.from(list)))).toBe(GOOD);
  },
  /** The same, beyond the end: nothing happens. */
  async beyond({ form, count, byte }: Action, _model: Uint8Array, send: Send) {
    const lba = BLOCKS - Math.floor(count / 2);
    const data = mixed(count + 1, byte);
    const cdb = forms[form](opcode(form, 0x2a, 0xaa, 0x8a), 0, lba, count + 1);
    expect(told(await send(cdb, data))).toBe(OUT_OF_RANGE);
  },
};

const action: fc.Arbitrary<Action> = fc
  .record({
    kind: fc.constantFrom(...(Object.keys(actions) as (keyof typeof actions)[])),
    form: fc.constantFrom(0, 1, 2),
    lba: fc.nat(BLOCKS),
    count: fc.nat(BLOCKS),
    byte: fc.nat(255),
  })
  .map((one) => ({ ...one, count: Math.min(one.count, BLOCKS - one.lba) }));

test.each([
  ["at once", undefined],
  ["later", async () => {}],
])("a disk that answers %s holds what an array would", async (_, later) => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (all) => {
      const { initiator, volume } = bench({ blocks: BLOCKS, ...(later && { later }) });
      const model = new Uint8Array(BLOCKS * BLOCK);
      const send: Send = async (cdb, data = new Uint8Array(0)) => {
        const middle = data.length >> 1;
        return await initiator.execute(cdb, { data: [data.slice(0, middle), data.slice(middle)] });
      };
      for (const one of all) await actions[one.kind](one, model, send);
      expect(Buffer.compare(volume.content, model)).toBe(0);
      await send(cdb10(0x35, 0, 0, 0));
      volume.crash();
      expect(Buffer.compare(volume.content, model)).toBe(0);
    }),
    { numRuns: 300 },
  );
});

function opcode(form: 0 | 1 | 2, ten: number, twelve: number, sixteen: number): number {
  return [ten, twelve, sixteen][form] ?? ten;
}

function part(model: Uint8Array, lba: number, count: number): Uint8Array {
  return model.subarray(lba * BLOCK, (lba + count) * BLOCK);
}

function mixed(blocks: number, byte: number): Uint8Array {
  return Uint8Array.from({ length: blocks * BLOCK }, (_, at) => (at * byte + (at >> 7)) & 0xff);
}
