import { equal } from "node:assert/strict";
import { formatDuration, parseDuration } from "../../../core/daemon/duration.ts";

describe("parseDuration", () => {
  for (const [text, milliseconds] of [
    ["10s", 10_000],
    ["1m30s", 90_000],
    ["1h2m3.5s", 3_723_500],
    ["250ms", 250],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["1.s", 1000],
    ["+3s", 3000],
    ["-3s", -3000],
    ["0", 0],
    ["1us", 0.001],
    ["1µs", 0.001],
    ["1s1s", 2000],
    ["2540400h", 9_145_440_000_000],
  ] as const) {
    it(`reads ${text}`, () => equal(parseDuration(text), milliseconds));
  }
  for (const text of ["", "5", "x", "-", "1d", "s", ".s", "1 s", "1s ", "--1s", "9999999h", "١s"]) {
    it(`refuses "${text}" as Go does`, () => equal(parseDuration(text), undefined));
  }
});

describe("formatDuration", () => {
  for (const [milliseconds, text] of [
    [0, "0s"],
    [62_000, "1m2s"],
    [208_000, "3m28s"],
    [3_600_000, "1h0m0s"],
    [1500, "1.5s"],
    [250, "250ms"],
    [0.25, "250µs"],
    [0.00025, "250ns"],
    [-1500, "-1.5s"],
  ] as const) {
    it(`writes ${text} as Go does`, () => equal(formatDuration(milliseconds), text));
  }
});
