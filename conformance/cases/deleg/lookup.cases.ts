/**
 * How a delegate is found (checklist 3.1).
 * @module
 */
import { deepEqual, match } from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { bridgeDelegator, caseOf, caseOfAll, type Delegation } from "../delegators.ts";

/** An executable `fake` that nobody should execute. */
function decoy(trial: Trial, name: string, mode = 0o755): string {
  const folder = join(trial.host.scratch, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "fake"), "#!/bin/bash\nexit 77\n");
  chmodSync(join(folder, "fake"), mode);
  return folder;
}

/** Folders of CNI_PATH, what is in them, and that the good `fake` is found. */
const searches: readonly [string, (trial: Trial, folder: string) => string[]][] = [
  ["in the second folder", (trial, good) => [join(trial.host.scratch, "empty"), good]],
  ["in the first of two that have it", (trial, good) => [good, decoy(trial, "later")]],
  ["behind a folder that does not exist", (_, good) => ["/nonexistent/bin", good]],
  ["behind a path that is no folder", (_, good) => ["/proc/self/status", good]],
];

const namesOfNothing = ["a/b", "../fake", "..", ".", "gone", "/bin/true"];

function refusesName(type: string): Case {
  return caseOf(bridgeDelegator, {
    lines: ["DELEG-002"],
    fact: `executes nothing when ipam.type is ${JSON.stringify(type)}`,
    run(trial, delegation) {
      const { fake } = delegation;
      mkdirSync(join(fake.folder, "a"));
      copyFileSync(join(fake.folder, "fake"), join(fake.folder, "a", "b"));
      trial.fails(delegation.call("ADD", { ipam: { type } }));
      deepEqual(delegation.commands(), []);
    },
  });
}

/** A good `fake` behind one that cannot be executed. */
function putBehind(trial: Trial, { fake }: Delegation): string {
  return `${decoy(trial, "first", 0o644)}:${fake.folder}`;
}

export const cases: readonly Case[] = [
  ...searches.map(([where, folders]) =>
    caseOf(bridgeDelegator, {
      lines: ["DELEG-001", "U-269"],
      fact: `finds a delegate ${where}`,
      run(trial, delegation) {
        mkdirSync(join(trial.host.scratch, "empty"));
        const path = folders(trial, delegation.fake.folder).join(":");
        const env = { CNI_PATH: `${path}:${trial.build.folder}` };
        trial.ok(delegation.call("ADD", {}, { env }));
        deepEqual(delegation.commands(), ["ADD"]);
      },
    }),
  ),
  caseOf(bridgeDelegator, {
    lines: ["DELEG-001"],
    fact: "passes over a file that cannot be executed, or fails",
    run(trial, delegation) {
      const call = delegation.call("ADD", {}, { env: { CNI_PATH: putBehind(trial, delegation) } });
      const { status } = trial.call(call);
      const wanted = status === 0 ? ["ADD"] : [];
      deepEqual(delegation.commands().slice(0, 1), wanted);
    },
  }),
  ...namesOfNothing.map(refusesName),
  caseOf(bridgeDelegator, {
    lines: ["DELEG-002", "U-269"],
    fact: "says which delegate it looked for, and where",
    run(trial, delegation) {
      const { msg, details = "" } = trial.fails(
        delegation.call("ADD", { ipam: { type: "goneaway" } }),
      );
      match(`${msg} ${details}`, /goneaway/);
      match(`${msg} ${details}`, new RegExp(delegation.fake.folder));
    },
  }),
  caseOf(bridgeDelegator, {
    lines: ["DELEG-002"],
    fact: "takes no folder for a delegate",
    run(trial, delegation) {
      const { folder } = delegation.fake;
      renameSync(join(folder, "fake"), join(folder, "moved"));
      mkdirSync(join(folder, "fake"));
      trial.fails(delegation.call("ADD"));
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-003", "U-269"],
    fact: "wants CNI_PATH before it changes anything",
    run(trial, delegation) {
      for (const CNI_PATH of [undefined, ""]) {
        const call = delegation.call("ADD", {}, { env: { CNI_PATH } });
        trial.unchanged(() => trial.fails(call, 4, "CNI_PATH"), delegation.netns);
      }
      deepEqual(delegation.commands(), []);
    },
  }),
];
