import { deepEqual, equal, throws } from "node:assert/strict";
import { fuzz, mutate, randomNumbers } from "netlink-ts/testing/fuzz.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";

const identity = { parse: (bytes: Uint8Array) => bytes, encode: (bytes: Uint8Array) => bytes };

describe("fuzz", () => {
  it("counts what was accepted and refused", () => {
    const short = {
      ...identity,
      parse(bytes: Uint8Array) {
        if (bytes.length > 8) throw new DecodeError("", 8, "too long");
        return bytes;
      },
    };
    const { accepted, refused } = fuzz(short, [new Uint8Array(8)], { rounds: 200 });
    equal(accepted + refused, 200);
    equal(accepted > 0 && refused > 0, true);
  });
  it("is the same run for the same seed", () => {
    const inputs = (seed: number) => {
      const seen: Uint8Array[] = [];
      const parse = (bytes: Uint8Array) => {
        seen.push(bytes);
        return bytes;
      };
      fuzz({ ...identity, parse }, [new Uint8Array(16)], { seed, rounds: 20 });
      return seen;
    };
    deepEqual(inputs(7), inputs(7));
  });
  it("reports another error with seed, round and input", () => {
    const broken = {
      ...identity,
      parse(): never {
        throw new TypeError("oops");
      },
    };
    throws(() => fuzz(broken, [new Uint8Array(4)], { seed: 3 }), { message: /^seed 3, round 0:/ });
  });
  it("reports what does not decode to the same again", () => {
    let counter = 0;
    const drifting = { parse: () => counter++, encode: (value: number) => new Uint8Array([value]) };
    throws(() => fuzz(drifting, [new Uint8Array(4)]), { message: /^seed 1, round 0/ });
  });
});

describe("mutate", () => {
  it("leaves the capture as it is", () => {
    const capture = new Uint8Array(16);
    const random = randomNumbers(5);
    for (let round = 0; round < 100; round++) mutate(capture, random);
    deepEqual(capture, new Uint8Array(16));
  });
  it("copes with no bytes at all", () => {
    const random = randomNumbers(5);
    for (let round = 0; round < 100; round++) mutate(new Uint8Array(), random);
  });
});
