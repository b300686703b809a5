/**
 * What the demo prints, and whether all of it was as it should be.
 * @module
 */

/** Prints steps as they happen and counts those that went wrong. */
export class Report {
  failures = 0;

  /** A heading. */
  part(title: string): void {
    console.log(`\n${title}`);
  }

  /** Text that is shown as it is, indented. */
  show(text: string): void {
    for (const line of text.trimEnd().split("\n")) console.log(`    ${line}`);
  }

  /** One fact that has to hold. */
  expect(what: string, holds: boolean, seen: string): void {
    if (!holds) this.failures++;
    console.log(`  ${holds ? "ok  " : "FAIL"} ${what.padEnd(50)} ${seen.trim()}`);
  }

  /** Runs a step; if it throws, that is its failure and the demo goes on. */
  attempt(what: string, step: () => string): void {
    try {
      this.expect(what, true, step());
    } catch (error) {
      this.expect(what, false, (error as Error).message);
    }
  }
}
