/**
 * STATUS (checklist 1.G).
 * @module
 */
import { deepEqual } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { bridgeDelegator, caseOfAll, caseOf as delegated, failsWith } from "../delegators.ts";
import { casesOf, ranges, subjectOf, subjects } from "./subjects.ts";

const version = "1.1.0";
const nobody = { containerId: null, ifName: null, netns: null };

export const cases: readonly Case[] = [
  ...casesOf(subjects, {
    lines: ["SPEC-072", "SPEC-076", "SPEC-077"],
    version,
    fact: "is ready, and changes nothing",
    run(setting, trial) {
      trial.leavesNothing(() => {
        setting.ok("STATUS", { prevResult: undefined }, nobody);
      });
      setting.add();
      trial.unchanged(() => setting.ok("STATUS", { prevResult: undefined }, nobody));
    },
  }),
  ...casesOf([subjectOf("host-local")], {
    lines: ["SPEC-074"],
    version,
    fact: "says with code 50 that no address is left, until one is",
    run(setting, trial) {
      const ipam = ranges("10.1.2.0/30");
      setting.ok("STATUS", { ipam });
      setting.add({ ipam });
      trial.unchanged(() => setting.fails("STATUS", { ipam }, 50));
      setting.ok("DEL", { ipam });
      setting.ok("STATUS", { ipam });
    },
  }),
  ...casesOf([subjectOf("bridge")], {
    lines: ["SPEC-074", "SPEC-075"],
    version,
    fact: "says with code 50 that IPAM has no address left",
    run(setting) {
      const ipam = ranges("10.1.2.0/30");
      setting.add({ ipam });
      setting.fails("STATUS", { ipam }, 50);
    },
  }),
  ...caseOfAll({
    lines: ["SPEC-073"],
    version,
    fact: "says with code 50 or 51 that its IPAM program is missing",
    run(trial, delegation) {
      trial.unchanged(() =>
        trial.fails(delegation.call("STATUS", { ipam: { type: "gone" } }), [50, 51]),
      );
    },
  }),
  ...caseOfAll({
    lines: ["SPEC-075", "SPEC-073"],
    version,
    fact: "executes IPAM's STATUS, and returns its failure",
    run(trial, delegation) {
      trial.ok(delegation.call("STATUS"));
      deepEqual(delegation.commands(), ["STATUS"]);
      for (const code of [50, 51]) {
        delegation.fake.answers("STATUS", failsWith(code, "not now"));
        trial.fails(delegation.call("STATUS"), code, "not now");
      }
    },
  }),
  delegated(bridgeDelegator, {
    lines: ["SPEC-076"],
    version,
    fact: "attaches after a STATUS that failed",
    run(trial, delegation) {
      delegation.fake.answers("STATUS", failsWith(50, "not now"));
      trial.fails(delegation.call("STATUS"), 50);
      trial.ok(delegation.call("ADD"));
      trial.fails(delegation.call("STATUS"), 50);
      trial.ok(delegation.call("DEL"));
    },
  }),
];
