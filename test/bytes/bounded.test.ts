import fc from "fast-check";
import { expect, test } from "vitest";
import { Bounded } from "../../src/bytes/bounded.ts";

test("as a list that drops its first, whatever is put in and removed", () => {
  const step = fc.tuple(fc.nat(9), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const bounded = new Bounded<number, string>(4);
      let list: number[] = [];
      for (const [key, isPut] of steps) {
        const had = list.includes(key);
        list = list.filter((one) => one !== key);
        if (isPut) {
          const first = list.length === 4 ? list.shift() : undefined;
          expect(bounded.put(key, `${key}`)).toBe(first === undefined ? undefined : `${first}`);
          list.push(key);
        } else expect(bounded.delete(key)).toBe(had);
        expect([...bounded.values()]).toEqual(list.map(String));
        expect(bounded.get(key)).toBe(isPut ? `${key}` : undefined);
      }
    }),
  );
});
