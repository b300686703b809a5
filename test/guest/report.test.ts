import { deepEqual, equal, match } from "node:assert/strict";
import type { GuestEvent } from "./events.ts";
import { GuestReport } from "./report.ts";

const name = { file: "test/x.guest.test.ts", path: ["bridge", "works"] };
const started: GuestEvent = { event: "started", ...name };
const passed: GuestEvent = { event: "passed", ...name, ms: 12 };
const failed: GuestEvent = {
  event: "failed",
  ...name,
  error: "AssertionError: 1 !== 2\n    at test/x.guest.test.ts:7:3",
};
const skipped: GuestEvent = { event: "skipped", ...name, reason: "needs strace" };
const finished: GuestEvent = { event: "finished" };

/** What is made of these events. */
function report(events: readonly GuestEvent[], trouble?: string) {
  const lines: string[] = [];
  const made = new GuestReport((line) => lines.push(line));
  const text = events.map((event) => `${JSON.stringify(event)}\n`).join("");
  for (const letter of text) made.read(letter); // lines come in pieces
  return { counts: made.conclude(trouble), text: lines.join("\n") };
}

describe("GuestReport", () => {
  it("counts and names what passed", () => {
    const { counts, text } = report([started, passed, finished]);
    deepEqual(counts, { passed: 1, failed: 0, skipped: 0, failures: [], skips: [] });
    match(text, /bridge \(test\/x\.guest\.test\.ts\)\n {4}✔ works \(12 ms\)/);
  });

  it("gives a failure its name, message and line", () => {
    const { counts, text } = report([started, failed, finished]);
    deepEqual(counts.failures, ["bridge works (test/x.guest.test.ts)"]);
    match(text, /1 !== 2\n {9}at test\/x\.guest\.test\.ts:7:3/);
  });

  it("gives a skip its reason", () => {
    const { counts } = report([skipped, skipped, finished]);
    deepEqual([counts.skipped, counts.skips], [2, ["needs strace: bridge (2)"]]);
  });

  it("names the test at which the guest hung or died", () => {
    const trouble = "the guest did not finish within 900 s; the end of its console log:\nOops";
    const { counts, text } = report([started], trouble);
    deepEqual(counts.failures, ["bridge works (test/x.guest.test.ts)"]);
    match(text, /did not end\. the guest did not finish within 900 s.*\n.*Oops/);
  });

  it("fails when the guest did not come to any test", () => {
    const { counts, text } = report([], "the guest did not finish; Kernel panic");
    deepEqual([counts.failed, counts.failures], [1, ["the guest"]]);
    match(text, /Kernel panic/);
  });

  it("fails when the tests' process ended between two tests", () => {
    equal(report([started, passed]).counts.failed, 1);
  });
});
