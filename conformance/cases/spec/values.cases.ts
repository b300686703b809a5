/**
 * Values of CNI_CONTAINERID and CNI_IFNAME (checklist 1.B, 1.M).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { refuses, takes, takesOrRefuses } from "./questions.ts";
import { casesOf, linkSubjects, Setting, subjectOf } from "./subjects.ts";

const badIds = ["a b", "a/b", "../x", ".x", "-x", "_x", "a%", "a:b", "é", "a\n", "a\tb"];
const badLinks = [
  "x".repeat(16),
  "é".repeat(8),
  ".",
  "..",
  "a/b",
  "../b",
  "a:b",
  "a b",
  "a\tb",
  "a\nb",
  "a\u00a0b",
  "a\u2003b",
];
const linkLines = ["SPEC-132", "SPEC-134", "SPEC-135", "SPEC-136"];
const shared = ["static", "host-local", "loopback", "bridge", "portmap"];

const ids = badIds.map((containerId) => ({ what: JSON.stringify(containerId), containerId }));
const links = badLinks.map((ifName) => ({ what: JSON.stringify(ifName), ifName }));

const bad: Case[] = shared.flatMap((program) => [
  refuses({
    lines: ["SPEC-029", "SPEC-129", "SPEC-187"],
    program,
    fact: "refuses a container ID that is no word",
    codes: 4,
    inputs: [...ids, { what: "DEL", command: "DEL", containerId: "../x" }],
  }),
  refuses({
    lines: ["SPEC-030", ...linkLines, "SPEC-187"],
    program,
    fact: "refuses a name that no link can have",
    codes: 4,
    inputs: [...links, { what: "DEL", command: "DEL", ifName: "../x" }],
  }),
]);

/** A name that the kernel would make another of, or that is a folder's among the sysctls. */
const strangeLinks: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-138"],
  fact: "makes no pattern into a name",
  run(setting, trial) {
    trial.fails(setting.call("ADD", {}, { ifName: "eth%d" }), 4);
    deepEqual(trial.host.ipJson("link", setting.netns).length, 1);
  },
});

const sysctlFolders: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-140"],
  fact: "refuses a name that stands for all links",
  run(setting, trial) {
    for (const ifName of ["all", "default"]) {
      const call = setting.call("ADD", {}, { ifName });
      const { code } = trial.fails(call);
      ok(code === 4 || code >= 100, `code ${code}`);
    }
    const values = trial.host.sysctl("net.ipv6.conf.all.disable_ipv6", undefined, setting.netns);
    equal(values, "0");
  },
});

const existing: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-139"],
  fact: "does not attach as `lo`",
  run(setting, trial) {
    trial.fails(setting.call("ADD", {}, { ifName: "lo" }), undefined, /exist|lo\b/);
    equal(trial.host.ipJson("link show dev lo", setting.netns)[0].ifindex, 1);
  },
});

const unusual: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-133", "SPEC-137", "SPEC-042"],
  fact: "attaches under every name that a link can have",
  run(setting, trial) {
    const must = ["net1", "x".repeat(15), "...", "ééééééé0"];
    for (const ifName of [...must, "-x", "a\u007fb", "a\u200bb"]) {
      const call = setting.call("ADD", {}, { ifName });
      const answer = trial.call(call);
      if (answer.status === 0) {
        const found = trial.host.ipJson(["address", "show", "dev", ifName], setting.netns)[0];
        deepEqual(found.addr_info[0]?.prefixlen, 24);
        trial.ok({ ...call, command: "DEL" });
      } else {
        ok(!must.includes(ifName), `refuses ${JSON.stringify(ifName)}`);
        trial.failed(answer, 4);
      }
    }
  },
});

export const cases: readonly Case[] = [
  ...bad,
  refuses({
    lines: ["SPEC-029", "SPEC-129", "SPEC-119"],
    fact: "names CNI_CONTAINERID when it is wrong",
    says: /CNI_CONTAINERID/,
    inputs: ids,
  }),
  refuses({
    lines: ["SPEC-030", "SPEC-132", "SPEC-119"],
    fact: "names CNI_IFNAME when it is wrong",
    says: /CNI_IFNAME/,
    inputs: links,
  }),
  takes({
    lines: ["SPEC-131", "SPEC-130", "SPEC-029"],
    fact: "takes every container ID that is a word",
    inputs: ["0", "A.b_c-9", "x".repeat(4000)].map((containerId) => ({
      what: containerId,
      containerId,
    })),
  }),
  {
    lines: ["SPEC-130", "SPEC-131"],
    program: "host-local",
    fact: "reserves and releases for every container ID that is a word",
    run(trial) {
      const setting = new Setting(trial, subjectOf("host-local"));
      for (const containerId of ["0", "A.b_c-9", "x".repeat(4000)]) {
        trial.leavesNothing(() => {
          setting.ok("ADD", {}, { containerId });
          setting.ok("DEL", {}, { containerId });
        });
      }
    },
  },
  takesOrRefuses({
    lines: ["SPEC-133", "SPEC-137"],
    fact: "takes a name of odd characters, or refuses it with code 4",
    codes: 4,
    inputs: ["...", "-x", "a\u007fb", "a\u200bb"].map((ifName) => ({ what: ifName, ifName })),
  }),
  ...strangeLinks,
  ...sysctlFolders,
  ...existing,
  ...unusual,
];
