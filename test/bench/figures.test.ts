import { equal } from "node:assert/strict";
import { cell, digits, Samples } from "../../bench/figures.ts";

describe("Samples", () => {
  const samples = new Samples();
  for (const value of [5, 1, 9, 3]) samples.add(value);

  it("have the lower middle one as median", () => {
    equal(samples.median, 3);
  });

  it("are shown as median and least", () => {
    equal(cell(samples), "3.00 (1.00)");
  });

  it("are shown as a dash when there are none", () => {
    equal(cell(new Samples()), "-");
  });
});

describe("digits", () => {
  for (const [value, text] of [
    [0.1234, "0.12"],
    [12.345, "12.3"],
    [123.45, "123"],
  ] as const) {
    it(`shows ${value} as ${text}`, () => {
      equal(digits(value), text);
    });
  }
});
