/**
 * VERSION (checklist 1.I).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { resultOf } from "../../runner/vehicles.ts";
import { Setting, subjects } from "./subjects.ts";

const released = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

function ask(trial: Trial, config: string, env: Record<string, string | undefined> = {}): Reply {
  return trial.ok({ command: "VERSION", config, env });
}

const nothingElse = { CNI_CONTAINERID: undefined, CNI_IFNAME: undefined, CNI_PATH: undefined };
/** As libcni sends it. */
const dummies = { CNI_NETNS: "dummy", CNI_IFNAME: "dummy", CNI_PATH: "dummy" };

/** One question to each program. */
function ofAll(each: Omit<Case, "program">): Case[] {
  return subjects.map(({ program, needs = [] }) => ({ ...each, program, needs }));
}

const truthful: Case[] = subjects.map((subject) => ({
  lines: ["SPEC-093", "SPEC-002"],
  program: subject.program,
  needs: subject.needs ?? [],
  beside: subject.beside ?? [],
  fact: "serves the versions that it lists, and no other",
  run(trial) {
    const setting = new Setting(trial, subject);
    for (const cniVersion of released) {
      const old = cniVersion < "0.3.0";
      const prevResult = subject.chained && !old ? resultOf(cniVersion, setting.netns) : undefined;
      const call = setting.call("ADD", { cniVersion, prevResult });
      const answer = trial.call(call);
      if (!trial.versions.includes(cniVersion)) trial.failed(answer, 1);
      else if (subject.chained && old) ok(answer.json?.code !== 1, "it refuses what it lists");
      else equal(trial.succeeded(answer, "ADD").cniVersion, cniVersion);
      if (answer.status === 0) {
        const known = { prevResult: cniVersion < "0.4.0" ? undefined : answer.json };
        setting.ok("DEL", { cniVersion, ...known });
      }
    }
  },
}));

export const cases: readonly Case[] = [
  ...ofAll({
    lines: ["SPEC-091", "SPEC-094", "SPEC-027", "CLIENT-061"],
    fact: "tells its versions in order, each once, and needs nothing for it",
    run(trial) {
      for (const env of [{}, nothingElse, dummies]) {
        const { cniVersion, supportedVersions } = ask(trial, '{"cniVersion":"1.1.0"}', env);
        ok(released.includes(cniVersion));
        deepEqual(
          supportedVersions,
          released.filter((v) => supportedVersions.includes(v)),
        );
        ok(supportedVersions.length > 0);
      }
    },
  }),
  ...ofAll({
    lines: ["SPEC-092"],
    fact: "answers in the version that it is asked in",
    run(trial) {
      for (const each of ["0.4.0", "0.1.0", "1.0.0"]) {
        equal(ask(trial, JSON.stringify({ cniVersion: each })).cniVersion, each);
      }
    },
  }),
  ...truthful,
];
