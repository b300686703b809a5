import { deepEqual, equal } from "node:assert/strict";
import { readSet } from "../../../core/nft/set-dump.ts";
import { elementsMessage } from "../../../netlink-ts/nftables/element.ts";

/** A part of a dump, in that generation, with the elements of these keys. */
function part(generation: number, ...keys: number[]): Uint8Array {
  const elements = keys.map((key) => ({ key: { value: new Uint8Array([key]) } }));
  return elementsMessage.encode({ resourceId: generation, set: "s", elements });
}

/** Dumps that follow each other, the last one for ever, and what is read of them. */
function reading(...dumps: Uint8Array[][]): { keys: number[]; read: number } {
  let read = 0;
  const found = readSet(() => dumps[Math.min(read++, dumps.length - 1)]!);
  return { keys: found.map(({ key }) => key!.value![0]!), read };
}

describe("readSet", () => {
  it("finds nothing where there is no set", () => {
    deepEqual(reading([]), { keys: [], read: 1 });
  });

  it("takes a dump of one part, and the empty one that ends it, as it is", () => {
    deepEqual(reading([part(7, 1, 2), part(8)]), { keys: [1, 2], read: 1 });
  });

  it("finds once what a walk that began anew tells twice", () => {
    deepEqual(reading([part(7, 1, 2, 1, 2, 3)]), { keys: [1, 2, 3], read: 1 });
  });

  it("takes several parts of one generation as they are", () => {
    deepEqual(reading([part(7, 1, 2), part(7, 3)]), { keys: [1, 2, 3], read: 1 });
  });

  it("reads again when the order changed between two parts: 3 is told no more", () => {
    const dumps = [
      [part(7, 1, 2), part(7, 2)],
      [part(7, 3, 1), part(7, 2)],
    ];
    deepEqual(reading(...dumps), { keys: [3, 1, 2], read: 2 });
  });

  it("reads again when somebody committed between two parts", () => {
    const dumps = [
      [part(7, 1, 2), part(8, 4)],
      [part(8, 2, 3), part(8, 4)],
    ];
    deepEqual(reading(...dumps), { keys: [2, 3, 4], read: 2 });
  });

  it("gives all that was seen when others never stop", () => {
    const { keys, read } = reading([part(7, 1, 2), part(8, 4)], [part(8, 2, 3), part(9, 4)]);
    deepEqual([keys.sort(), read], [[1, 2, 3, 4], 10]);
  });

  it("does not look into a part that has not what is looked for", () => {
    const broken = new Uint8Array([1, 0, 0, 0, 99]);
    equal(
      readSet(
        () => [broken, part(7)],
        () => false,
      ).length,
      0,
    );
  });
});
