import fc from "fast-check";
import { expect, test } from "vitest";
import { Attentions } from "../../src/scsi/attentions.ts";
import { Additional } from "../../src/scsi/sense.ts";
import { one, three, two } from "./small-unit.ts";

const {
  POWER_ON_OCCURRED,
  DEVICE_RESET_OCCURRED,
  NEXUS_LOSS_OCCURRED,
  MODE_PARAMETERS_CHANGED,
  CAPACITY_DATA_HAS_CHANGED,
} = Additional;

function attached(): Attentions {
  const attentions = new Attentions();
  attentions.attach(one);
  attentions.attach(two);
  return attentions;
}

test("SAM-5 §5.14: each is told once", () => {
  const attentions = attached();
  attentions.establish(one, MODE_PARAMETERS_CHANGED);
  expect(attentions.next(two)).toBeUndefined();
  expect(attentions.next(one)).toEqual([0x2a, 0x01]);
  expect(attentions.next(one)).toBeUndefined();
});

test("SAM-5 §5.14.2: resets come first, others in the order in which they came", () => {
  const attentions = attached();
  attentions.establish(one, CAPACITY_DATA_HAS_CHANGED);
  attentions.establish(one, MODE_PARAMETERS_CHANGED);
  attentions.establish(one, NEXUS_LOSS_OCCURRED);
  attentions.establish(one, POWER_ON_OCCURRED);
  attentions.establish(one, DEVICE_RESET_OCCURRED);
  const told = [1, 2, 3, 4, 5].map(() => attentions.next(one));
  expect(told).toEqual([
    POWER_ON_OCCURRED,
    DEVICE_RESET_OCCURRED,
    NEXUS_LOSS_OCCURRED,
    CAPACITY_DATA_HAS_CHANGED,
    MODE_PARAMETERS_CHANGED,
  ]);
});

test("those whom it concerns are told, and those who are not there are not", () => {
  const attentions = attached();
  attentions.establishWhere((nexus) => nexus !== one, CAPACITY_DATA_HAS_CHANGED);
  attentions.establish(three, CAPACITY_DATA_HAS_CHANGED);
  expect(attentions.next(one)).toBeUndefined();
  expect(attentions.next(two)).toEqual(CAPACITY_DATA_HAS_CHANGED);
  expect(attentions.next(three)).toBeUndefined();
});

test("who comes again begins anew", () => {
  const attentions = attached();
  attentions.establish(one, MODE_PARAMETERS_CHANGED);
  attentions.detach(one);
  attentions.attach(one);
  expect(attentions.next(one)).toBeUndefined();
});

test("bounded: however often each comes about, it waits once", () => {
  const kinds = Object.values(Additional);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...kinds), { maxLength: 300 }), (all) => {
      const attentions = attached();
      for (const sense of all) attentions.establish(one, sense);
      const told: string[] = [];
      for (let next = attentions.next(one); next !== undefined; next = attentions.next(one)) {
        told.push(next.join("/"));
      }
      expect(new Set(told).size).toBe(told.length);
      expect(new Set(told)).toEqual(new Set(all.map((sense) => sense.join("/"))));
    }),
    { numRuns: 50 },
  );
});
