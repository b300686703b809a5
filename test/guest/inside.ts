/**
 * The test process in the guest: mocha over the test files in its bundle, told in lines of JSON.
 * @module
 */
import { appendFileSync } from "node:fs";
import { relative } from "node:path";
import mocha from "mocha";
import { root } from "../../scripts/place.ts";
import { slowness } from "../kernel/enter.ts";
import { reasonOf } from "../reporter.ts";
import { mochaHooks } from "../setup.ts";
import type { GuestEvent, TestName } from "./events.ts";

const TIMEOUT_MS = 60_000 * slowness;

function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${told(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

function nameOf(runnable: Mocha.Runnable): TestName {
  return { file: relative(root, runnable.file ?? ""), path: runnable.titlePath() };
}

/** Tells what happens. */
function listen(runner: Mocha.Runner, tell: (event: GuestEvent) => void): void {
  runner.on("test", (test) => tell({ event: "started", ...nameOf(test) }));
  runner.on("pass", (test) => tell({ event: "passed", ...nameOf(test), ms: test.duration ?? 0 }));
  runner.on("fail", (test, error) =>
    tell({ event: "failed", ...nameOf(test), error: told(error) }),
  );
  runner.on("pending", (test) =>
    tell({ event: "skipped", ...nameOf(test), reason: reasonOf(test) }),
  );
  runner.once("end", () => tell({ event: "finished" }));
}

/**
 * Loads the files and runs their tests.
 * @param loads what to call to load a file, by its path from the root
 * @param only which tests, by their full title
 */
export async function runInside(
  loads: Readonly<Record<string, () => Promise<unknown>>>,
  events: string,
  only?: string,
): Promise<void> {
  const run = new mocha({ timeout: TIMEOUT_MS, forbidOnly: true, reporter: mocha.reporters.Base });
  if (only !== undefined) run.grep(new RegExp(only));
  run.rootHooks(mochaHooks);
  for (const [file, load] of Object.entries(loads)) {
    run.suite.emit("pre-require", globalThis, `${root}/${file}`, run);
    await load();
  }
  const runner = run.run((failures) => {
    process.exitCode = failures === 0 ? 0 : 1;
  });
  listen(runner, (event) => appendFileSync(events, `${JSON.stringify(event)}\n`));
}
