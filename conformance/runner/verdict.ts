/**
 * What became of a job, and what that says of the checklist's lines.
 * @module
 */
import type { Checklist } from "./checklist.ts";
import { type Job, subjectOf } from "./jobs.ts";

/**
 * `fail` and `xpass` are unexpected: the register says nothing of the failure, or says that it fails and it does not. `xfail` is a failure the
 * register knows.
 */
export type Status = "pass" | "fail" | "xpass" | "xfail" | "skip";

/** What a worker says of a job. */
export interface Finding {
  status: "pass" | "fail" | "skip";
  /** What went wrong, or what is missing. */
  reason?: string;
  /** The last call and its answer, of a failure. */
  sent?: string;
  got?: string;
  ms: number;
}

/** A finding beside what the register expects. */
export interface Verdict extends Omit<Finding, "status"> {
  key: string;
  subject: string;
  lines: readonly string[];
  status: Status;
  /** The register's reason. */
  known?: string;
}

/** A reason that begins so is of a failure that chance decides: passing is no news then. */
const SOMETIMES = "sometimes:";

/** Compares a finding with what is known. */
export function judge(job: Job, key: string, finding: Finding, known?: string): Verdict {
  const of = { key, subject: subjectOf(job), lines: job.case.lines };
  const verdict = { ...of, ...finding };
  if (known === undefined || finding.status === "skip") return verdict;
  if (finding.status === "pass" && known.startsWith(SOMETIMES)) return verdict;
  return { ...verdict, known, status: finding.status === "fail" ? "xfail" : "xpass" };
}

/** From the one that decides to the one that gives way. */
const gravity: readonly Status[] = ["fail", "xpass", "xfail", "pass", "skip"];

/** Worst status of the line's cases there; `undefined` when none of them was run. */
export function statusOfLine(verdicts: readonly Verdict[], id: string): Status | undefined {
  const found = new Set(verdicts.filter((v) => v.lines.includes(id)).map((v) => v.status));
  return gravity.find((status) => found.has(status));
}

/** Ids of the checklist that no case names. */
export function undecidedLines(
  { lines }: Checklist,
  named: Iterable<readonly string[]>,
): readonly string[] {
  const decided = new Set([...named].flat());
  return lines.map(({ id }) => id).filter((id) => !decided.has(id));
}
