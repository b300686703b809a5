import { deepEqual, throws } from "node:assert/strict";
import { ours } from "./share.ts";

describe("ours", () => {
  it("gives every entry to one share", () => {
    const shares = ["1/3", "2/3", "3/3"].map((share) => ours([0, 1, 2, 3, 4], share));
    deepEqual(shares, [[0, 3], [1, 4], [2]]);
  });

  it("is everything without a share", () => {
    deepEqual(ours([0, 1]), [0, 1]);
  });

  it("refuses what is no share", () => {
    for (const share of ["", "0/3", "4/3", "1", "a/b"])
      throws(() => ours([], share), /want a part/);
  });
});
