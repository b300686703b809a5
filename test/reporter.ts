/**
 * Mocha's spec reporter, and at the end the skipped suites with their reasons. The counts go, as JSON, to the file that
 * NETLOOM_COUNTS names, for the line that ends `npm test`.
 * @module
 */
import { writeFileSync } from "node:fs";
import mocha from "mocha";
import type { SkippedSuite } from "./kernel/requirements.ts";

/** What a run of tests came to. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** Full titles of what failed. */
  failures?: string[];
  /** `reason: what (how many tests)` of what was skipped. */
  skips?: string[];
}

/** Why a test was skipped: the nearest suite around it that says so. */
export function reasonOf(test: Mocha.Test): string {
  for (let suite = test.parent; suite !== undefined; suite = suite.parent) {
    const { skipReason } = suite as SkippedSuite;
    if (skipReason !== undefined) return skipReason;
  }
  return "no reason given";
}

/** `reason: suite (how many tests)`, sorted. */
function skippedRows(tests: readonly Mocha.Test[]): string[] {
  const rows = new Map<string, number>();
  for (const test of tests) {
    const row = `${reasonOf(test)}: ${test.parent?.fullTitle()}`;
    rows.set(row, (rows.get(row) ?? 0) + 1);
  }
  return [...rows].map(([row, count]) => `${row} (${count})`).sort();
}

/** The reporter that .mocharc.json names. */
export default class CountingReporter extends mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const skipped: Mocha.Test[] = [];
    const failures: string[] = [];
    runner.on("pending", (test) => skipped.push(test));
    runner.on("fail", (test) => failures.push(test.fullTitle()));
    runner.once("end", () => {
      const skips = skippedRows(skipped);
      if (skips.length > 0) console.log("  skipped");
      for (const row of skips) console.log(`    ${row}`);
      const { passes: passed, failures: failed } = this.stats;
      const counts: Counts = { passed, failed, skipped: skipped.length, failures, skips };
      const file = process.env["NETLOOM_COUNTS"];
      if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    });
  }
}
