/**
 * The error object (checklist 1.L).
 * @module
 */
import { equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { TrialCall } from "../../runner/trial.ts";
import { caseOfAll, failsWith } from "../delegators.ts";
import { askAll, complaintOf } from "./questions.ts";
import { casesOf, ranges, type Setting, subjectOf, subjects } from "./subjects.ts";

/** Calls that fail, each for another reason. */
function mistakes(setting: Setting): readonly [string, TrialCall][] {
  return [
    ["an unknown command", setting.call("NOPE")],
    ["no container", setting.call("ADD", {}, { containerId: "" })],
    ["a bad container", setting.call("ADD", {}, { containerId: "a b" })],
    ["a bad name", setting.call("ADD", { name: "a b" })],
    ["no JSON", setting.call("ADD", {}, { config: "{" })],
    ["another version", setting.call("ADD", { cniVersion: "9.9.9" })],
    ["CHECK too early", setting.call("CHECK", { cniVersion: "0.3.1" })],
    ["its own namespace", setting.call("ADD", {}, { netns: "/proc/self/ns/net" })],
    ["a bad prevResult", setting.call("CHECK", { prevResult: { ips: [{ address: "x" }] } })],
  ];
}

const versions: Case[] = casesOf(subjects, {
  lines: ["SPEC-114"],
  fact: "tells the version in its errors",
  run(setting, trial) {
    askAll(trial, mistakes(setting), ([what, call]) =>
      complaintOf(trial, what, () => {
        const { cniVersion, msg } = trial.fails(call);
        ok(msg.length > 0);
        const { cniVersion: asked } = setting.config;
        const wanted = what === "CHECK too early" ? "0.3.1" : asked;
        ok([wanted, trial.newest].includes(cniVersion), `cniVersion ${cniVersion}`);
      }),
    );
  },
});

const reserved = [1, 2, 3, 4, 5, 6, 7, 8, 11, 50, 51];

const codes: Case[] = casesOf(subjects, {
  lines: ["SPEC-115", "SPEC-015"],
  fact: "uses the reserved codes as they are meant, and its own from 100 on",
  run(setting, trial) {
    const rows = mistakes(setting).filter(([what]) => what !== "its own namespace");
    askAll(trial, rows, ([what, call]) =>
      complaintOf(trial, what, () => {
        const { status, json } = trial.call(call);
        const code = status === 0 ? 100 : json.code;
        ok(reserved.includes(code) || code >= 100, `code ${code}`);
      }),
    );
  },
});

const missingDelegate: Case[] = caseOfAll({
  lines: ["SPEC-115"],
  fact: "has a code for an IPAM program that says nothing, or is not there",
  run(trial, delegation) {
    delegation.fake.answers("ADD", "exit 3");
    for (const change of [{}, { ipam: { type: "gone" } }]) {
      const { code } = trial.fails(delegation.call("ADD", change));
      ok(reserved.includes(code) || code >= 100, `code ${code}`);
      trial.call(delegation.call("DEL", { ipam: { type: "fake" } }));
    }
  },
});

const tryAgain: Case[] = casesOf([subjectOf("host-local"), subjectOf("bridge")], {
  lines: ["SPEC-120"],
  fact: "says with code 11 that there is no address now",
  run(setting, trial) {
    const ipam = ranges("10.1.2.0/30");
    const { ips } = setting.add({ ipam });
    equal(ips.length, 1);
    const call = setting.call("ADD", { ipam }, { containerId: "c2", netns: trial.pod() });
    trial.fails(call, 11);
  },
});

const passedOn: Case[] = caseOfAll({
  lines: ["SPEC-121"],
  fact: "returns IPAM's error with its code and text",
  run(trial, delegation) {
    for (const command of ["ADD", "DEL"]) {
      delegation.fake.answers(command, failsWith(123, "out of order", "really"));
      trial.fails(delegation.call(command), 123, "out of order");
    }
  },
});

export const cases: readonly Case[] = [
  ...versions,
  ...codes,
  ...missingDelegate,
  ...tryAgain,
  ...passedOn,
];
