/**
 * The guest's tests as part of the report out here: printed as they end, counted like any other.
 * @module
 */
import type { Counts } from "../reporter.ts";
import type { Ended, GuestEvent, TestName } from "./events.ts";
import { jsonLines } from "./follow.ts";

/** Reads the guest's lines as they come, prints them and counts. */
export class GuestReport {
  readonly #print: (line: string) => void;
  readonly #failures: { name: string; error: string }[] = [];
  readonly #skips = new Map<string, number>();
  #passed = 0;
  #skipped = 0;
  #running: TestName | undefined;
  #finished = false;
  #suite = "";

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** Takes what was written since the last call; a line need not be whole. */
  readonly read = jsonLines((event: GuestEvent) => this.#take(event));

  /** A failure that no test told: the guest's own, or that of the program with the tests. */
  fail(name: string, error: string): void {
    this.#failures.push({ name, error });
    this.#print(`  ${this.#failures.length}) ${name}`);
  }

  /** All failures with what they said, and the counts. @param trouble how the guest ended, if not as it should */
  conclude(trouble?: string): Counts {
    if (this.#running !== undefined) {
      this.fail(titleOf(this.#running), `did not end. ${trouble ?? "The tests' process did."}`);
    } else if (trouble !== undefined || !this.#finished) {
      this.fail("the guest", trouble ?? "its tests did not come to their end");
    }
    for (const [index, { name, error }] of this.#failures.entries()) {
      this.#print(`\n  ${index + 1}) ${name}\n${error.replace(/^/gm, "     ")}`);
    }
    const skips = [...this.#skips].map(([row, count]) => `${row} (${count})`);
    if (skips.length > 0) this.#print(`  skipped\n${skips.join("\n").replace(/^/gm, "    ")}`);
    const failures = this.#failures.map(({ name }) => name);
    const [passed, skipped] = [this.#passed, this.#skipped];
    return { passed, failed: failures.length, skipped, failures, skips };
  }

  #take(event: GuestEvent): void {
    if (event.event === "finished") this.#finished = true;
    else if (event.event === "started") this.#running = event;
    else this.#end(event);
  }

  #end(test: Ended): void {
    this.#running = undefined;
    const suite = `${test.path.slice(0, -1).join(" ")} (${test.file})`;
    if (suite !== this.#suite) this.#print(`\n  ${suite}`);
    this.#suite = suite;
    const title = test.path.at(-1) ?? "";
    if (test.event === "failed") this.fail(titleOf(test), test.error ?? "");
    else if (test.event === "skipped") this.#skip(test, title);
    else this.#pass(test, title);
  }

  #pass({ ms }: Ended, title: string): void {
    this.#passed++;
    this.#print(`    ✔ ${title} (${ms} ms)`);
  }

  #skip(test: Ended, title: string): void {
    const row = `${test.reason}: ${test.path.slice(0, -1).join(" ")}`;
    this.#skipped++;
    this.#skips.set(row, (this.#skips.get(row) ?? 0) + 1);
    this.#print(`    - ${title}`);
  }
}

function titleOf({ path, file }: TestName): string {
  return `${path.join(" ")} (${file})`;
}
