/**
 * CNI_NETNS: every path to a network namespace, nothing else, and not one's own (checklist 1.B, 1.M).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { promise } from "../../runner/invariants.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { sh } from "./launch.ts";
import { askAll, complaintOf } from "./questions.ts";
import {
  addressSubjects,
  casesOf,
  linkSubjects,
  type Setting,
  type SubjectCase,
  subjectOf,
} from "./subjects.ts";

const loopback = subjectOf("loopback");
const inside = [loopback, ...linkSubjects];

/** Makes a file of that kind. @returns its path */
function made(trial: Trial, command: string): string {
  trial.run(`${command} /run/thing`);
  return "/run/thing";
}

/** What no program can work in. */
const unusable: [string, (trial: Trial) => string][] = [
  ["a path that does not exist", () => "/run/netns/none"],
  ["a folder", () => "/run"],
  ["a regular file", (trial) => made(trial, "touch")],
  ["a FIFO nobody writes to", (trial) => made(trial, "mkfifo")],
  ["a device", () => "/dev/zero"],
  ["a relative path", () => "none"],
  ["a dangling link", (trial) => made(trial, "ln -s /none")],
  ["a mount namespace", () => "/proc/self/ns/mnt"],
  ["5000 characters", () => `/${"x".repeat(5000)}`],
];

const lines: SubjectCase["lines"] = ["SPEC-035", "SPEC-141", "SPEC-142", "SPEC-143"];

/** Puts ADD, and CHECK, with each path. */
function tryEach({ trial }: Setting, ask: (netns: string) => void): void {
  askAll(trial, unusable, ([what, pathOf]) =>
    complaintOf(trial, what, () => {
      trial.host.run(["rm", "-f", "/run/thing"]);
      ask(pathOf(trial));
    }),
  );
}

const refused: Case[] = casesOf(inside, {
  lines,
  fact: "refuses what is no network namespace, at once",
  run(setting, trial) {
    tryEach(setting, (netns) => {
      const { code } = trial.fails(
        setting.call("ADD", {}, { netns }),
        undefined,
        /netns|namespace|FS magic|Statfs|none|thing|\/run|\/dev|\/proc/i,
      );
      ok(code === 3 || code === 4 || code >= 100, `code ${code}`);
    });
    ok(!trial.host.run(["ls", "/run/netns"]).stdout.includes("none"), "a file at the path");
  },
});

const untouched: Case[] = casesOf(inside, {
  lines: [...lines, "SPEC-118"],
  fact: "changes nothing when CNI_NETNS is no network namespace",
  run(setting, trial) {
    tryEach(setting, (netns) => {
      trial.unchanged(() => trial.fails(setting.call("ADD", {}, { netns })));
    });
  },
});

const checked: Case[] = casesOf(
  inside.filter(({ program }) => program !== "loopback"),
  {
    lines: ["SPEC-035", "SPEC-141", "SPEC-068"],
    fact: "refuses CHECK of what is no network namespace",
    run(setting, trial) {
      setting.add();
      const { files: _, ...before } = trial.host.snapshot();
      tryEach(setting, (netns) => {
        trial.fails(setting.call("CHECK", {}, { netns }));
      });
      const { files: __, ...after } = trial.host.snapshot();
      deepEqual(after, before);
    },
  },
);

const own = ["/proc/self/ns/net", "/run/netns/own"];

function bindOwn(trial: Trial): void {
  trial.run("touch /run/netns/own");
  trial.run("mount --bind /proc/self/ns/net /run/netns/own");
}

const ownRefused: Case[] = casesOf([...addressSubjects, ...inside], {
  lines: ["SPEC-031", "SPEC-144"],
  fact: "refuses its own namespace with code 8, before it does anything",
  run(setting, trial) {
    bindOwn(trial);
    for (const netns of own) {
      for (const command of ["ADD", "DEL"]) {
        trial.unchanged(() => trial.fails(setting.call(command, {}, { netns }), 8));
      }
    }
  },
});

const ownAllowed: Case[] = casesOf([...addressSubjects, ...linkSubjects.slice(0, 2)], {
  lines: ["SPEC-031"],
  fact: "works in its own namespace when it is told that this is meant",
  run(setting) {
    for (const value of ["1", "true"]) {
      const more = { netns: "/proc/self/ns/net", env: { CNI_NETNS_OVERRIDE: value } };
      setting.add({}, more);
      setting.ok("DEL", {}, more);
    }
  },
});

/** Ways to name the pod. */
const names: [string, (trial: Trial, netns: string) => string][] = [
  ["as it is", (_, netns) => netns],
  [
    "of a process",
    (trial, netns) => {
      const { pid } = trial.host.start(["sleep", "60"], { netns });
      return `/proc/${childOf(trial, pid)}/ns/net`;
    },
  ],
  [
    "with blanks",
    (trial, netns) => {
      trial.host.ok(["mkdir", "-p", "/run/with blank"]);
      trial.host.ok(["touch", "/run/with blank/näme"]);
      trial.host.ok(["mount", "--bind", netns, "/run/with blank/näme"]);
      return "/run/with blank/näme";
    },
  ],
  [
    "of a link",
    (trial, netns) => {
      trial.run(`ln -s ${netns} /run/link`);
      return "/run/link";
    },
  ],
];

/** The process that the door into the namespace started. */
function childOf(trial: Trial, pid: number): string {
  for (let tries = 0; tries < 100; tries++) {
    const child = trial.host.run(["pgrep", "-P", String(pid)]).stdout.trim();
    if (child !== "") return child;
    trial.run("sleep 0.02");
  }
  throw new Error(`no child of ${pid}`);
}

/** Where the result says that the container's interface is. */
function sandboxOf({ interfaces }: Reply): string {
  return interfaces.find((each: { sandbox?: string }) => (each.sandbox ?? "") !== "").sandbox;
}

const named: Case[] = casesOf(inside, {
  lines: ["SPEC-034", "SPEC-103"],
  fact: "takes every path to the namespace, and tells it as it was given",
  run(setting, trial) {
    for (const [what, pathOf] of names) {
      const netns = pathOf(trial, setting.netns);
      const result = setting.add({}, { netns });
      equal(sandboxOf(result), netns, what);
      setting.ok("DEL", {}, { netns });
    }
  },
});

const notUtf8: Case[] = casesOf(inside.slice(0, 2), {
  lines: ["SPEC-191"],
  fact: "takes a path that is not UTF-8 as it is, or refuses it",
  run(setting, trial) {
    const script = `d=/run/$(printf '\\377\\376'); touch "$d"; mount --bind ${setting.netns} "$d"; CNI_NETNS=$d exec "$0"`;
    const answer = trial.call(setting.call("ADD", {}, { through: sh(script) }));
    if (answer.status !== 0) return void trial.failed(answer, 4);
    const found = trial.host.ipJson("link", setting.netns);
    promise(
      found.some(({ flags }) => flags.includes("UP")),
      "nothing is up in the namespace",
    );
  },
});

export const cases: readonly Case[] = [
  ...refused,
  ...untouched,
  ...checked,
  ...ownRefused,
  ...ownAllowed,
  ...named,
  ...notUtf8,
];
