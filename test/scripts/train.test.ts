import { deepEqual } from "node:assert/strict";
import { inAtLeast } from "../../scripts/train.ts";

const list = (...numbers: number[]) => new Uint8Array(Uint32Array.from(numbers).buffer);

describe("inAtLeast", () => {
  it("of one list gives the sorted union", () => {
    deepEqual(inAtLeast(1, [list(3, 70_000), list(1, 3)]), list(1, 3, 70_000));
  });
  it("of two lists leaves out what one list has alone", () => {
    deepEqual(inAtLeast(2, [list(1, 2, 5), list(2, 4), list(1, 2, 9)]), list(1, 2));
  });
  it("of no list gives nothing", () => {
    deepEqual(inAtLeast(2, []), list());
  });
  it("reads lists that do not begin with their buffer", () => {
    deepEqual(inAtLeast(1, [list(8, 9).subarray(4)]), list(9));
  });
});
