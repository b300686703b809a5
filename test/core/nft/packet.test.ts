import { deepEqual, equal } from "node:assert/strict";
import {
  either,
  isEqual,
  isKnown,
  known,
  knownNumber,
  masked,
  Registers,
  unknown,
} from "../../../core/nft/packet.ts";

const zero = new Uint8Array(4);

describe("isEqual", () => {
  it("is known when all bits are, or one differs", () => {
    equal(isEqual(known(new Uint8Array([1, 2])), new Uint8Array([1, 2])), true);
    equal(isEqual(known(new Uint8Array([1, 2])), new Uint8Array([1, 3])), false);
    const half = { value: new Uint8Array([1, 0]), known: new Uint8Array([0xff, 0]) };
    equal(isEqual(half, new Uint8Array([1, 3])), undefined);
    equal(isEqual(half, new Uint8Array([2, 3])), false);
    equal(isEqual(unknown(2), new Uint8Array([1, 2])), undefined);
  });
});

describe("Bits that are never a value", () => {
  const bits = { ...unknown(4), never: new Uint8Array([7, 8, 0, 0]) };
  it("are not equal to it, whatever else they are", () => {
    equal(isEqual(bits, new Uint8Array([7, 8, 0, 0])), false);
    equal(isEqual(bits, new Uint8Array([7, 9, 0, 0])), undefined);
  });

  it("are forgotten with what is put over them", () => {
    const registers = new Registers();
    registers.set(9, bits);
    equal(isEqual(registers.get(9, 4), bits.never), false);
    registers.set(1, unknown(8));
    equal(isEqual(registers.get(9, 4), bits.never), undefined);
  });
});

describe("either", () => {
  it("knows what both know and agree on", () => {
    const [one, other] = [known(new Uint8Array([0xf0, 1])), known(new Uint8Array([0xf1, 1]))];
    deepEqual(either(one, one), one);
    deepEqual(either(one, other).known, new Uint8Array([0xfe, 0xff]));
    equal(isEqual(either(one, unknown(2)), new Uint8Array([0xf0, 1])), undefined);
  });
});

describe("masked", () => {
  it("knows what the mask takes away", () => {
    const mark = knownNumber(0x1000, 0x1000);
    equal(isKnown(mark), false);
    const mask = knownNumber(0x1000).value;
    equal(isKnown(masked(mark, mask, zero)), true);
    equal(isEqual(masked(mark, mask, zero), mask), true);
    equal(
      isEqual(masked(mark, knownNumber(0x4000).value, zero), knownNumber(0x4000).value),
      undefined,
    );
  });

  it("turns bits over with xor", () => {
    deepEqual(
      masked(known(new Uint8Array([0xf0])), new Uint8Array([0xff]), new Uint8Array([1])).value,
      new Uint8Array([0xf1]),
    );
  });
});

describe("Registers", () => {
  it("are the same memory under both numberings", () => {
    const registers = new Registers();
    registers.set(2, known(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])));
    deepEqual(registers.get(13, 4), known(new Uint8Array([5, 6, 7, 8])));
    equal(isKnown(registers.get(1, 4)), false);
    registers.forget();
    equal(isKnown(registers.get(2, 4)), false);
  });
});
