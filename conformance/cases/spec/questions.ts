/**
 * Many inputs, one question: a table of what is sent becomes one case, which reports every input that was answered wrong.
 * @module
 */
import type { Case } from "../../runner/case.ts";
import { Broken } from "../../runner/invariants.ts";
import { describeFailure, type Trial, type TrialCall } from "../../runner/trial.ts";
import { caseOf, type Setting, type Subject, subjectOf } from "./subjects.ts";

/** One row: what is sent. */
export interface Input extends Partial<TrialCall> {
  what: string;
  /** Keys that replace those of a good configuration; not with `config`. */
  change?: object;
  /** Error codes that are accepted here; those of the question when left out. */
  codes?: number | readonly number[];
  /** What `msg` or `details` has to say here. */
  says?: RegExp;
}

/** Puts every question, then fails with all that were answered wrong. */
export function askAll<T>(trial: Trial, inputs: readonly T[], ask: (input: T) => string): void {
  const wrong: string[] = [];
  for (const input of inputs) {
    const complaint = ask(input);
    if (complaint !== "") wrong.push(complaint);
  }
  if (wrong.length === 0) return;
  throw new Broken(
    `${wrong.length} of ${inputs.length}: ${wrong.join("; ")} · ${trial.build.label}`,
  );
}

/** Why the body failed, with what was asked and answered; empty when it did not. */
export function complaintOf(trial: Trial, what: string, body: () => void): string {
  try {
    body();
    return "";
  } catch (error) {
    return `${what}: ${describeFailure(error)} ← ${trial.last.got.slice(0, 160)}`;
  }
}

/** Takes away what the input attached, so that the next one meets the host as this one did. */
function takeAway(setting: Setting, call: TrialCall): void {
  const { attaches } = setting.subject;
  if (attaches && call.command === "ADD") setting.trial.call({ ...call, command: "DEL" });
}

/** A table and its question. */
export interface Question extends Omit<Case, "program" | "run"> {
  /** Default `static`. */
  program?: string;
  inputs: readonly Input[] | ((trial: Trial) => readonly Input[]);
  codes?: number | readonly number[];
  says?: RegExp;
}

function callOf(setting: Setting, input: Input): TrialCall {
  const { what: _, change, codes: _codes, says: _says, command = "ADD", ...more } = input;
  return setting.call(command, change, more);
}

function question(
  { program = "static", inputs, codes, says, ...facts }: Question,
  judge: (setting: Setting, input: Input) => void,
  unchanged = false,
): Case {
  const subject: Subject = subjectOf(program);
  return caseOf(subject, {
    ...facts,
    run(setting, trial) {
      const rows = typeof inputs === "function" ? inputs(trial) : inputs;
      const usual = { ...(codes !== undefined && { codes }), ...(says !== undefined && { says }) };
      const ask = (row: Input) =>
        complaintOf(trial, row.what, () => judge(setting, { ...usual, ...row }));
      if (unchanged) trial.unchanged(() => askAll(trial, rows, ask), setting.netns);
      else askAll(trial, rows, ask);
    },
  });
}

/** ERR of every input, and nothing is changed by them. */
export function refuses(table: Question): Case {
  const judge = (setting: Setting, input: Input) => {
    setting.trial.fails(callOf(setting, input), input.codes, input.says);
  };
  return question(table, judge, true);
}

/** OK of every input. */
export function takes(table: Question): Case {
  return question(table, (setting, input) => {
    const call = callOf(setting, input);
    setting.trial.ok(call);
    takeAway(setting, call);
  });
}

/** OK of every input, or one of these errors. */
export function takesOrRefuses(table: Question): Case {
  return question(table, (setting, input) => {
    const call = callOf(setting, input);
    const answer = setting.trial.call(call);
    if (answer.status === 0) takeAway(setting, call);
    else setting.trial.failed(answer, input.codes, input.says);
  });
}
