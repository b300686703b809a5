/**
 * Runs one job in this process.
 * @module
 */
import { type Case, keyOf } from "./case.ts";
import { Broken } from "./invariants.ts";
import type { Job } from "./jobs.ts";
import { describeFailure, Skipped, Trial } from "./trial.ts";
import type { Finding } from "./verdict.ts";

/** What a process is told: the job, with its case by name. */
export interface Order extends Omit<Job, "case"> {
  key: string;
}

/** The order for a job. */
export function orderFor({ case: each, build, other }: Job): Order {
  const order: Order = { key: keyOf(each), build };
  return other === undefined ? order : { ...order, other };
}

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

/** Runs the job. @param cases all there are */
export async function execute(order: Order, cases: readonly Case[]): Promise<Finding> {
  const begun = performance.now();
  const finding = await run(order, cases);
  return { ...finding, ms: Math.round(performance.now() - begun) };
}

async function run(
  { key, build, other }: Order,
  cases: readonly Case[],
): Promise<Omit<Finding, "ms">> {
  const each = cases.find((one) => keyOf(one) === key);
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
