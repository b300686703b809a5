import { deepEqual } from "node:assert/strict";
import { bucketOf, referenceBucketOf, splitRate } from "../../../plugins/bandwidth/bucket.ts";

/** What the reference 1.9.1 sent for these limits (`strace -e trace=sendto`). */
const sent: [rate: bigint, burst: bigint, limit: number, buffer: number][] = [
  [8000n, 80n, 35, 156_250],
  [8n, 8n, 1, 15_625_000],
  [16n, 8n, 1, 7_812_500],
  [80_000_000_000n, 8_000_000n, 251_000_000, 1562],
  [1_000_000_000n, 12_345_678n, 4_668_209, 192_890],
];

describe("bucketOf", () => {
  for (const [rate, burst, limit, buffer] of sent) {
    it(`is the reference's for ${rate} bit/s and ${burst} bits`, () => {
      deepEqual(bucketOf({ rate, burst }), { rate: rate / 8n, limit, buffer });
      deepEqual(referenceBucketOf({ rate, burst }), { rate: rate / 8n, limit, buffer });
    });
  }
  it("is as large as fits where the reference loses upper bits", () => {
    const slow = { rate: 1_000_000n, burst: 4_294_967_295n };
    deepEqual(bucketOf(slow), { rate: 125_000n, limit: 536_874_036, buffer: 4_294_967_295 });
    deepEqual(referenceBucketOf(slow).buffer, 2_684_354_435);
    const fast = { rate: 80_000_000_000_000n, burst: 8_000_000_000n };
    deepEqual(bucketOf(fast).limit, 4_294_967_295);
    deepEqual(referenceBucketOf(fast).limit, (250_000_000_000 % 2 ** 32) + 1_000_000_000);
  });
});

describe("splitRate", () => {
  it("has an attribute of 64 bits from 2^32 on", () => {
    deepEqual(splitRate(0xffff_ffffn), { rate: 0xffff_ffff, rate64: undefined });
    deepEqual(splitRate(0x1_0000_0000n), { rate: 0xffff_ffff, rate64: 0x1_0000_0000n });
  });
});
