/**
 * The runner's own sums: what it reads, which cases it runs where, and what it makes of the findings.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Build } from "../../conformance/runner/build.ts";
import { type Case, keyOf } from "../../conformance/runner/case.ts";
import { parseChecklist, readChecklist } from "../../conformance/runner/checklist.ts";
import { jobsOf, lacking, loadCases, matches, subjectOf } from "../../conformance/runner/jobs.ts";
import { knownFailure, readRegister } from "../../conformance/runner/register.ts";
import { failureLine, skipLines, table } from "../../conformance/runner/report.ts";
import {
  judge,
  statusOfLine,
  undecidedLines,
  type Verdict,
} from "../../conformance/runner/verdict.ts";

const markdown = `## 1. Spec
### 1.A Configuration object (spec section 1)
- **SPEC-001** [MUST] one
- **SPEC-002** [MUST] two
### 6.1 bridge (V*)
| ROB-001 | run twice | fails |
- U-001 no bridge
`;
const ours: Build = { folder: "/a", label: "ours", programs: { bridge: ["1.0.0", "1.1.0"] } };
const theirs: Build = { folder: "/b", label: "theirs", programs: { bridge: ["1.0.0"], tap: [] } };
const aCase = (change: Partial<Case> = {}): Case => ({
  lines: ["SPEC-001"],
  program: "bridge",
  fact: "works",
  run() {},
  ...change,
});
const aVerdict = (change: Partial<Verdict> = {}): Verdict => ({
  key: "SPEC-001 bridge: works",
  subject: "ours",
  lines: ["SPEC-001"],
  status: "pass",
  ms: 1,
  ...change,
});

describe("parseChecklist", () => {
  it("reads lists and tables, with their sections", () => {
    const { lines, sections } = parseChecklist(markdown);
    deepEqual(
      lines.map(({ id, section }) => `${section} ${id}`),
      ["1.A SPEC-001", "1.A SPEC-002", "6.1 ROB-001", "6.1 U-001"],
    );
    equal(sections.get("1.A"), "Configuration object");
  });

  it("finds every line of the checklist once", () => {
    const ids = readChecklist().lines.map(({ id }) => id);
    equal(ids.length, 195 + 45 + 36 + 74 + 37 + 66 + 270);
    equal(new Set(ids).size, ids.length);
  });
});

describe("the cases", () => {
  it("name lines that exist", async () => {
    const known = new Set(readChecklist().lines.map(({ id }) => id));
    const unknown = (await loadCases()).flatMap(({ lines }) => lines.filter((l) => !known.has(l)));
    deepEqual(unknown, []);
  });

  it("are there for every entry of the register", async () => {
    const keys = (await loadCases()).map(keyOf);
    const patterns = Object.values(readRegister()).flatMap((of) => Object.keys(of));
    deepEqual(
      patterns.filter((pattern) => !keys.some((key) => matches(pattern, key))),
      [],
    );
  });
});

describe("jobsOf", () => {
  it("leaves out a directory without the program, or whose program does not list the version", () => {
    const cases = [aCase({ version: "1.1.0" }), aCase({ program: "tap", fact: "taps" })];
    const jobs = jobsOf(cases, [ours, theirs]);
    deepEqual(
      jobs.map((job) => `${keyOf(job.case)} ${subjectOf(job)}`),
      ["SPEC-001 bridge: works ours", "SPEC-001 tap: taps theirs"],
    );
  });

  it("swaps the first directory with each other one, both ways", () => {
    const jobs = jobsOf([aCase({ swap: true })], [ours, theirs]);
    deepEqual(jobs.map(subjectOf), ["ours then theirs", "theirs then ours"]);
  });

  it("has nothing to swap with one directory", () => {
    deepEqual(jobsOf([aCase({ swap: true })], [ours]), []);
  });
});

describe("lacking", () => {
  it("names the first feature that is not here", () => {
    equal(lacking(aCase({ needs: ["tbf", "vrf", "ipvlan"] }), ["tbf"]), "vrf");
    equal(lacking(aCase(), []), undefined);
  });
});

describe("matches", () => {
  it("takes a beginning, or anything where a star is", () => {
    ok(matches("SPEC-00", "SPEC-003 static: x"));
    ok(matches("SPEC-003 *: x (1.0.0)", "SPEC-003 static: x (1.0.0)"));
    ok(!matches("static", "SPEC-003 static: x"));
    ok(!matches("SPEC-003 s.atic", "SPEC-003 static: x"));
  });
});

describe("judge", () => {
  const job = { case: aCase(), build: theirs };
  const of = (status: "pass" | "fail" | "skip", known?: string) =>
    judge(job, keyOf(job.case), { status, ms: 1 }, known).status;

  it("reports a known failure that passes as much as an unknown one", () => {
    deepEqual([of("fail"), of("pass", "why"), of("fail", "why")], ["fail", "xpass", "xfail"]);
  });

  it("expects nothing of what was skipped", () => {
    equal(of("skip", "why"), "skip");
  });
});

describe("knownFailure", () => {
  it("is the reason of the first pattern that fits, of that directory alone", () => {
    const register = { theirs: { "SPEC-001 *": "never did" } };
    equal(knownFailure(register, "theirs", "SPEC-001 bridge: works"), "never did");
    equal(knownFailure(register, "ours", "SPEC-001 bridge: works"), undefined);
  });
});

describe("the report", () => {
  const checklist = parseChecklist(markdown);
  const verdicts = [
    aVerdict(),
    aVerdict({ status: "fail", reason: "no", sent: "ADD", got: "status 1" }),
    aVerdict({ subject: "theirs", lines: ["U-001"], status: "skip", reason: "needs vrf" }),
  ];

  it("gives a line the worst verdict of its cases", () => {
    equal(statusOfLine(verdicts, "SPEC-001"), "fail");
    equal(statusOfLine(verdicts, "SPEC-002"), undefined);
  });

  it("counts lines by section and directory, and those that nothing decides", () => {
    const rows = table(checklist, verdicts, undecidedLines(checklist, [["SPEC-001"], ["U-001"]]));
    deepEqual(rows.slice(2), [
      "| 1.A Configuration object | 0 / 1 / 0 / 0 | 0 / 0 / 0 / 0 | 1 of 2 |",
      "| 6.1 bridge | 0 / 0 / 0 / 0 | 0 / 0 / 1 / 0 | 1 of 2 |",
      "| all | 0 / 1 / 0 / 0 | 0 / 0 / 1 / 0 | 2 of 4 |",
    ]);
  });

  it("says of a failure what was sent and what came back", () => {
    equal(
      failureLine(verdicts[1]!),
      "FAIL  SPEC-001 bridge: works [ours] no · sent ADD · got status 1",
    );
  });

  it("says why something was skipped, and how often", () => {
    deepEqual(skipLines(verdicts), ["skip  theirs: needs vrf (1)"]);
  });
});
