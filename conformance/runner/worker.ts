/**
 * A process that runs jobs, one at a time, as its parent says.
 * @module
 */
import { keyOf } from "./case.ts";
import { Broken } from "./invariants.ts";
import { type Job, loadCases } from "./jobs.ts";
import { describeFailure, Skipped, Trial } from "./trial.ts";
import type { Finding } from "./verdict.ts";

/** What the parent sends: the job, with its case by name. */
export interface Order extends Omit<Job, "case"> {
  key: string;
}

const cases = new Map((await loadCases()).map((each) => [keyOf(each), each]));

function isOwnBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError;
}

/** The error of the case, when ending its host failed as well. */
function first(error: unknown): unknown {
  return error instanceof Error && "suppressed" in error ? first(error.suppressed) : error;
}

function asFinding(error: unknown, trial: Trial | undefined): Omit<Finding, "ms"> {
  if (error instanceof Skipped) return { status: "skip", reason: error.message };
  const detail = isOwnBug(error) && !(error instanceof Broken) ? (error as Error).stack : undefined;
  return { status: "fail", reason: detail ?? describeFailure(error), ...trial?.last };
}

async function run({ key, build, other }: Order): Promise<Omit<Finding, "ms">> {
  const each = cases.get(key);
  if (each === undefined) throw new Error(`no case ${key}`);
  let trial: Trial | undefined;
  try {
    using own = new Trial(each.program, build, other);
    trial = own;
    await each.run(own);
    return { status: "pass" };
  } catch (error) {
    return asFinding(first(error), trial);
  }
}

process.on("message", async (order: Order) => {
  const begun = performance.now();
  const finding = await run(order);
  process.send?.({ ...finding, ms: Math.round(performance.now() - begun) } satisfies Finding);
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
