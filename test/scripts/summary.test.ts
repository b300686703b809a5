import { deepEqual, equal } from "node:assert/strict";
import type { StepResult } from "../../scripts/steps.ts";
import { headline, sentence, summary, total } from "../../scripts/summary.ts";

function result(name: string, counts: StepResult["counts"], ms: number): StepResult {
  return { step: { name, argv: ["true"], counts: "report" }, counts, ms, output: "" };
}

const good = result("format", { passed: 1, failed: 0, skipped: 0 }, 1234);
const mixed = result(
  "tests",
  {
    passed: 10,
    failed: 1,
    skipped: 2,
    failures: ["bridge ADD works"],
    skips: ["needs root: x (2)"],
  },
  60_000,
);

describe("summary", () => {
  it("lists steps, skips with reasons and failures, and counts in its last line", () => {
    deepEqual(summary([good, mixed], 61_000), [
      "step    seconds  passed  failed  skipped",
      "format      1.2       1       0        0",
      "tests      60.0      10       1        2",
      "",
      "skipped",
      "  tests: needs root: x (2)",
      "",
      "failed",
      "  tests: bridge ADD works",
      "",
      "61.0 s",
      "11 passed, 1 failed, 2 skipped",
    ]);
  });

  it("leaves out what there is none of", () => {
    deepEqual(summary([good], 1234).slice(2), ["", "1.2 s", "1 passed, 0 failed, 0 skipped"]);
  });
});

describe("headline", () => {
  it("says how a step went", () => {
    equal(headline(good), "ok   format (1.2 s): 1 passed, 0 failed, 0 skipped");
    equal(headline(mixed), "FAIL tests (60.0 s): 10 passed, 1 failed, 2 skipped");
  });
});

describe("total", () => {
  it("adds up", () => equal(sentence(total([good, mixed])), "11 passed, 1 failed, 2 skipped"));
});
