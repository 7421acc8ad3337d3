import { Writer } from "../bytes/writer.ts";
import { VOLUME_BLOCK_BYTES } from "../limits.ts";

/** SPC-4 §7.5, SBC-3 §6.5: what initiators may see and change of how the disk behaves. One state for all of them. */

/** SPC-4 table 160: which values of a page are asked for. */
export const PageControl = { CURRENT: 0, CHANGEABLE: 1, DEFAULT: 2, SAVED: 3 } as const;

const ALL_PAGES = 0x3f;
const ALL_SUBPAGES = 0xff;

interface Page {
  readonly code: number;
  readonly defaults: readonly number[];
  /** Bits that MODE SELECT may change. */
  readonly changeable: readonly number[];
}

const WRITE_CACHE_ENABLE = 0x04;
const DESCRIPTOR_SENSE = 0x04;
const SOFTWARE_WRITE_PROTECT = 0x08;

/** SBC-3 §6.5.5: written data is on disk when it is flushed, unless an initiator clears WCE. */
const caching: Page = {
  code: 0x08,
  defaults: page(0x08, 20, { 2: WRITE_CACHE_ENABLE }),
  changeable: page(0x08, 20, { 2: WRITE_CACHE_ENABLE }),
};

/** SPC-4 §7.5.8: one task set, reordered freely; no command is refused as busy for a bounded time only. */
const control: Page = {
  code: 0x0a,
  defaults: page(0x0a, 12, { 3: 0x10, 8: 0xff, 9: 0xff }),
  changeable: page(0x0a, 12, { 2: DESCRIPTOR_SENSE, 4: SOFTWARE_WRITE_PROTECT }),
};

const pages: readonly Page[] = [caching, control];

/** Why a mode parameter list is refused: where, of its length, or that it ends too early. */
export type ModeRefusal =
  | { readonly why: "value"; readonly byte: number; readonly bit?: number }
  | { readonly why: "length" };

export class ModePages {
  #caching = caching.defaults;
  #control = control.defaults;

  /** WCE=0: what a write acknowledges must be on disk. */
  get isWriteThrough(): boolean {
    return ((this.#caching[2] ?? 0) & WRITE_CACHE_ENABLE) === 0;
  }

  /** SWP=1: writes are refused, LOGICAL UNIT SOFTWARE WRITE PROTECTED. */
  get isWriteProtected(): boolean {
    return ((this.#control[4] ?? 0) & SOFTWARE_WRITE_PROTECT) !== 0;
  }

  /** D_SENSE=1: sense data in the descriptor format. */
  get isDescriptorSense(): boolean {
    return ((this.#control[2] ?? 0) & DESCRIPTOR_SENSE) !== 0;
  }

  /** After a reset: nothing is saved, so these are the defaults. */
  reset(): void {
    this.#caching = caching.defaults;
    this.#control = control.defaults;
  }

  /** The pages asked for, one after another; undefined where there is no such page. */
  read(code: number, subpage: number, which: number): readonly number[] | undefined {
    if (subpage !== 0 && subpage !== ALL_SUBPAGES) return undefined;
    const asked = pages.filter((one) => code === ALL_PAGES || code === one.code);
    if (asked.length === 0) return undefined;
    return asked.flatMap((one) => {
      if (which === PageControl.CHANGEABLE) return one.changeable;
      return which === PageControl.DEFAULT ? one.defaults : this.#current(one);
    });
  }

  /** Takes pages as MODE SELECT sends them, from `start` on: all or none. */
  change(list: Uint8Array, start: number): ModeRefusal | "changed" | "same" {
    let nextCaching = this.#caching;
    let nextControl = this.#control;
    for (let at = start; at < list.length; ) {
      const known = pages.find((one) => one.code === ((list[at] ?? 0) & 0x7f));
      if (known === undefined) return { why: "value", byte: at };
      const { length } = known.defaults;
      if (at + 1 < list.length && list[at + 1] !== length - 2) {
        return { why: "value", byte: at + 1 };
      }
      if (at + length > list.length) return { why: "length" };
      const sent = Array.from(list.subarray(at, at + length));
      sent[0] = known.code;
      const refused = this.#refused(known, sent);
      if (refused !== undefined) return { ...refused, byte: at + refused.byte };
      if (known === caching) nextCaching = sent;
      else nextControl = sent;
      at += length;
    }
    const isSame = equal(nextCaching, this.#caching) && equal(nextControl, this.#control);
    this.#caching = nextCaching;
    this.#control = nextControl;
    return isSame ? "same" : "changed";
  }

  #current(one: Page): readonly number[] {
    return one === caching ? this.#caching : this.#control;
  }

  /** SPC-4 §6.12: what may not be changed must be sent as it is. */
  #refused(known: Page, sent: readonly number[]): (ModeRefusal & { why: "value" }) | undefined {
    const current = this.#current(known);
    for (let at = 2; at < sent.length; at += 1) {
      const wrong = ((sent[at] ?? 0) ^ (current[at] ?? 0)) & ~(known.changeable[at] ?? 0);
      if (wrong !== 0) return { why: "value", byte: at, bit: 31 - Math.clz32(wrong) };
    }
    return undefined;
  }
}

/** SBC-3 §6.5.2: how many blocks there are, of which size; 8 bytes, or 16 with LLBAA. */
export function blockDescriptor(volumeBytes: number, isLong: boolean): Uint8Array {
  const blocks = volumeBytes / VOLUME_BLOCK_BYTES;
  const writer = new Writer(isLong ? 16 : 8);
  if (isLong) writer.size64(blocks).u32(0);
  else writer.u32(Math.min(blocks, 0xffff_ffff));
  return writer.u32(VOLUME_BLOCK_BYTES).finish();
}

/** A page in the page_0 format of `length` bytes with these at these offsets. */
function page(code: number, length: number, bytes: Record<number, number>): readonly number[] {
  return Array.from({ length }, (_, at) => {
    if (at === 0) return code;
    return at === 1 ? length - 2 : (bytes[at] ?? 0);
  });
}

function equal(one: readonly number[], other: readonly number[]): boolean {
  return one.every((byte, at) => byte === other[at]);
}
