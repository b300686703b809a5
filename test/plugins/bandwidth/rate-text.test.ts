import { equal, throws } from "node:assert/strict";
import { parseRate, parseSize } from "../../../plugins/bandwidth/rate-text.ts";

describe("parseRate", () => {
  // as `tc qdisc add dev … root tbf rate $text …; tc -j qdisc` has them, times eight
  const rates: [text: string, bits: bigint][] = [
    ["8000", 8000n],
    ["8000bit", 8000n],
    ["10Mbit", 10_000_000n],
    ["10MBIT", 10_000_000n],
    ["10 mbit", 10_000_000n],
    [" 1.5Gbit ", 1_500_000_000n],
    ["0.0001tbit", 100_000_000n],
    ["500kbps", 4_000_000n],
    ["1bps", 8n],
    ["1Kibit", 1024n],
    ["2MiBps", 16n * 1024n ** 2n],
    ["1Tibit", 1024n ** 4n],
    ["0", 0n],
    ["0.3bit", 0n],
    ["18446744073709551615", 0xffff_ffff_ffff_ffffn],
    ["40.000000008Gbit", 40_000_000_008n],
  ];
  for (const [text, bits] of rates) {
    it(`reads "${text}" as ${bits} bits`, () => equal(parseRate(text), bits));
  }
  for (const text of [
    "",
    "fast",
    "-1mbit",
    "1e6",
    "1,5mbit",
    ".5mbit",
    "1.mbit",
    "1 m bit",
    "1mb/s",
  ]) {
    it(`refuses "${text}"`, () => {
      throws(() => parseRate(text), {
        message: `want a rate in units of tc, as "10Mbit", "1.5Gbit" or "500kbps", got "${text}"`,
      });
    });
  }
});

describe("parseSize", () => {
  const sizes: [text: string, bits: bigint][] = [
    ["1b", 8n],
    ["1600b", 12_800n],
    ["32kb", 32n * 1024n * 8n],
    ["32k", 32n * 1024n * 8n],
    ["1.5M", 1536n * 1024n * 8n],
    ["1gb", 1024n ** 3n * 8n],
    ["10kbit", 10_240n],
    ["1Mbit", 1024n ** 2n],
    ["1gbit", 1024n ** 3n],
  ];
  for (const [text, bits] of sizes) {
    it(`reads "${text}" as ${bits} bits`, () => equal(parseSize(text), bits));
  }
  for (const text of ["1600", "1tb", "1bit", "x", "kb"]) {
    it(`refuses "${text}"`, () => {
      throws(() => parseSize(text), {
        message: `want a size with a unit of tc, as "32kb" or "1mbit", got "${text}"`,
      });
    });
  }
});
