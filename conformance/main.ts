/**
 * `npm run conformance -- --bin DIR [--against DIR …] [--only PATTERN …] [--json FILE]`: judges
 * directories of CNI programs. conformance/README.md tells more.
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { binFolder } from "../scripts/place.ts";
import type { Counts } from "../test/reporter.ts";
import { type Build, inspectBuild } from "./runner/build.ts";
import { keyOf } from "./runner/case.ts";
import { readChecklist } from "./runner/checklist.ts";
import { type Feature, kernelFeatures, presentFeatures } from "./runner/features.ts";
import { runJobsInGuest } from "./runner/guest.ts";
import { type Job, jobsOf, lacking, loadCases, matches, subjectOf } from "./runner/jobs.ts";
import { runJobs } from "./runner/pool.ts";
import { knownFailure, readRegister } from "./runner/register.ts";
import { failureLine, skipLines, table } from "./runner/report.ts";
import { type Finding, judge, undecidedLines, type Verdict } from "./runner/verdict.ts";

const { values: options } = parseArgs({
  options: {
    bin: { type: "string", default: binFolder },
    against: { type: "string", multiple: true, default: [] },
    only: { type: "string", multiple: true, default: ["*"] },
    json: { type: "string" },
    table: { type: "string" },
    jobs: { type: "string", default: String(availableParallelism()) },
    guest: { type: "string", multiple: true, default: [] },
    verbose: { type: "boolean", default: false },
  },
});

const register = readRegister();

/** `DIR`, or `NAME=DIR` to call it so. */
function named(option: string): Build {
  const [, name, folder] = /^([^/]+)=(.+)$/.exec(option) ?? [];
  return folder === undefined ? inspectBuild(option) : inspectBuild(folder, name);
}

function isUnexpected({ status }: Verdict): boolean {
  return status === "fail" || status === "xpass";
}

/** Runs what the machine has the features for; the rest is skipped by name. */
async function judgeAll(
  jobs: readonly Job[],
  first: Build,
  present: readonly Feature[],
): Promise<Verdict[]> {
  const verdicts = new Map<Job, Verdict>();
  const found = (job: Job, finding: Finding) => verdicts.set(job, verdictOn(job, finding));
  const able = jobs.filter((job) => lacking(job.case, present) === undefined);
  const others = jobs.filter((job) => !able.includes(job));
  const isForGuest = (job: Job) =>
    job.build === first &&
    kernelFeatures.includes(lacking(job.case, present) as Feature) &&
    options.guest.some((pattern) => matches(pattern, keyOf(job.case)));
  for (const job of others) if (!isForGuest(job)) found(job, skipOf(job, present));
  await Promise.all([
    runJobsInGuest(others.filter(isForGuest), found),
    runJobs(able, Number(options.jobs), found),
  ]);
  await runAgain(
    [...verdicts].filter(isOdd).map(([job]) => job),
    found,
  );
  for (const verdict of verdicts.values())
    if (isUnexpected(verdict)) console.log(failureLine(verdict));
  return [...verdicts.values()];

  /** What others do by chance, on a busy machine for instance, is not ours to register. What ours do by chance is a fault. */
  function isOdd([job, verdict]: readonly [Job, Verdict]): boolean {
    return isUnexpected(verdict) && (job.build !== first || job.other !== undefined);
  }
}

async function runAgain(
  jobs: readonly Job[],
  found: (job: Job, finding: Finding) => void,
): Promise<void> {
  for (const job of jobs) console.log(`once more: ${keyOf(job.case)} [${subjectOf(job)}]`);
  if (jobs.length > 0) await runJobs(jobs, 1, found);
}

function verdictOn(job: Job, finding: Finding): Verdict {
  const key = keyOf(job.case);
  const verdict = judge(job, key, finding, knownFailure(register, subjectOf(job), key));
  if (options.verbose) console.log(verdict.status, verdict.ms, verdict.key, `[${verdict.subject}]`);
  return verdict;
}

function skipOf(job: Job, present: readonly Feature[]): Finding {
  return { status: "skip", reason: `needs ${lacking(job.case, present)}`, ms: 0 };
}

function count(verdicts: readonly Verdict[]): Counts {
  const skipped = verdicts.filter(({ status }) => status === "skip").length;
  const failures = verdicts.filter(isUnexpected).map(({ key, subject }) => `${key} [${subject}]`);
  const failed = failures.length;
  const skips = skipLines(verdicts).map((line) => line.replace(/^skip\s+/, ""));
  return { passed: verdicts.length - failed - skipped, failed, skipped, failures, skips };
}

/** Puts the table between its marks in a Markdown file. */
function putTable(file: string, rows: readonly string[]): void {
  const [before, , after] = readFileSync(file, "utf8").split(/<!-- \/?table -->/);
  if (after === undefined) throw new Error(`${file} has no place for the table`);
  const text = [`${before}<!-- table -->`, "", ...rows, "", `<!-- /table -->${after}`];
  writeFileSync(file, text.join("\n"));
}

function describeBuild({ label, folder, programs }: Build): string {
  return `${label}: ${Object.keys(programs).join(" ")} (${folder})`;
}

const bin = named(options.bin);
const builds = [bin, ...options.against.map(named)];
for (const build of builds) console.log(describeBuild(build));
const cases = await loadCases();
const chosen = cases.filter((each) => options.only.some((only) => matches(only, keyOf(each))));
const verdicts = await judgeAll(jobsOf(chosen, builds), bin, presentFeatures());
const checklist = readChecklist();
const undecided = undecidedLines(
  checklist,
  cases.map(({ lines }) => lines),
);
for (const line of skipLines(verdicts)) console.log(line);
console.log("\nlines of the checklist: pass / fail / skip / known failure");
const rows = table(checklist, verdicts, undecided);
for (const row of rows) console.log(row);
console.log(`\nundecided: ${undecided.length} of ${checklist.lines.length} lines`);
const counts = count(verdicts);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
if (options.table !== undefined) putTable(options.table, rows);
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(verdicts, null, 1));
const countsFile = process.env["NETLOOM_COUNTS"];
if (countsFile !== undefined) writeFileSync(countsFile, JSON.stringify(counts));
process.exitCode = counts.failed === 0 && verdicts.length > 0 ? 0 : 1;
