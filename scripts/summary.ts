/**
 * What a run of steps came to, for those who read a log from its end.
 * @module
 */
import type { Counts } from "../test/reporter.ts";
import type { StepResult } from "./steps.ts";

/** Sum of all counts. */
export function total(results: readonly StepResult[]): Counts {
  const sum: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { counts } of results) {
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.skipped += counts.skipped;
  }
  return sum;
}

/** The counts as a sentence: `12 passed, 0 failed, 1 skipped`. */
export function sentence({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** One line about a step, for when it has ended. */
export function headline({ step, counts, ms }: StepResult): string {
  const verdict = counts.failed === 0 ? "ok  " : "FAIL";
  return `${verdict} ${step.name} (${seconds(ms)} s): ${sentence(counts)}`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

/** A table of the steps, the skips with their reasons, the failures by name; the last line counts what really ran. */
export function summary(results: readonly StepResult[], ms: number): string[] {
  const of = (pick: (counts: Counts) => string[] | undefined) =>
    results.flatMap(({ step, counts }) =>
      (pick(counts) ?? []).map((row) => `  ${step.name}: ${row}`),
    );
  const skips = of(({ skips }) => skips);
  const failures = of(({ failures }) => failures);
  return [
    ...table([["step", "seconds", "passed", "failed", "skipped"], ...results.map(row)]),
    ...(skips.length > 0 ? ["", "skipped", ...skips] : []),
    ...(failures.length > 0 ? ["", "failed", ...failures] : []),
    "",
    `${seconds(ms)} s`,
    sentence(total(results)),
  ];
}

function row({ step, counts, ms }: StepResult): string[] {
  const { passed, failed, skipped } = counts;
  return [step.name, seconds(ms), ...[passed, failed, skipped].map(String)];
}

/** The first column to the left, numbers to the right. */
function table(rows: readonly string[][]): string[] {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  return rows.map((cells) =>
    cells
      .map((cell, column) => {
        const width = widths?.[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  "),
  );
}
