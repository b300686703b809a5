/**
 * The environment that a program is called with (checklist 1.B).
 * @module
 */
import { deepEqual, equal, match } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { promise } from "../../runner/invariants.ts";
import { bridgeDelegator, type Delegation, caseOf as delegated, prints } from "../delegators.ts";
import { type Input, refuses, takes, takesOrRefuses } from "./questions.ts";
import { casesOf, subjectOf, subjects, verbsOf } from "./subjects.ts";

const required = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"];
const all = [...required, "CNI_PATH"];

/** The program with the variables of that command alone. */
function only(...names: string[]): Record<string, undefined> {
  const others = all.filter((name) => !names.includes(name));
  return Object.fromEntries(others.map((name) => [name, undefined]));
}

function lacking(command: string, names: readonly string[]): Input[] {
  return names.flatMap((name) => [
    { what: `${command} without ${name}`, command, env: { [name]: undefined }, says: RegExp(name) },
    { what: `${command} with empty ${name}`, command, env: { [name]: "" }, says: RegExp(name) },
  ]);
}

const everywhere = ["static", "host-local", "loopback", "bridge", "portmap"] as const;

const unknownCommands: Case[] = subjects.map(({ program, needs = [] }) =>
  refuses({
    lines: ["SPEC-022", "SPEC-014", "SPEC-015", "SPEC-122", "SPEC-124"],
    program,
    needs,
    fact: "refuses a command that there is not",
    codes: 4,
    says: /CNI_COMMAND/,
    inputs: ["NOPE", "add", "ADD ", "ADD\n", "Add", "ADDX", "UPDATE", "DELETE"].map((command) => ({
      what: JSON.stringify(command),
      command,
    })),
  }),
);

const missing: Case[] = everywhere.map((program) =>
  refuses({
    lines: ["SPEC-024", "SPEC-125", "SPEC-127", "SPEC-029", "SPEC-030"],
    program,
    fact: "wants what ADD and CHECK need, empty or not there",
    codes: 4,
    inputs: [...lacking("ADD", required), ...lacking("CHECK", required)],
  }),
);

const missingAtDel: Case[] = everywhere.map((program) =>
  refuses({
    lines: ["SPEC-025", "SPEC-127"],
    program,
    fact: "wants container and interface at DEL",
    codes: 4,
    inputs: lacking("DEL", ["CNI_CONTAINERID", "CNI_IFNAME"]),
  }),
);

const delWithoutNetns: Case[] = casesOf(
  subjects.filter(({ program }) => program !== "vrf"),
  {
    lines: ["SPEC-025", "SPEC-051"],
    fact: "needs no namespace at DEL of what was never there",
    run(setting) {
      setting.ok("DEL", {}, { netns: null });
      setting.ok("DEL", {}, { netns: "" });
    },
  },
);

const notNeeded = { containerId: null, ifName: null, netns: null };

const withoutAttachment: Case[] = casesOf(subjects, {
  lines: ["SPEC-027", "SPEC-028", "SPEC-072", "SPEC-087"],
  version: "1.1.0",
  fact: "needs no attachment for GC and STATUS, and does not look at one",
  run(setting) {
    const lists = { "cni.dev/valid-attachments": [], prevResult: undefined };
    for (const command of ["GC", "STATUS"]) {
      setting.ok(command, lists, notNeeded);
      setting.ok(command, lists, { containerId: "a/b", ifName: "a/b", netns: "/nowhere" });
    }
  },
});

const noCommand: Case[] = subjects.map(
  ({ program, needs = [] }): Case => ({
    lines: ["SPEC-023"],
    program,
    needs,
    fact: "tells about itself without CNI_COMMAND, or refuses",
    run(trial) {
      for (const value of [undefined, ""]) {
        const answer = trial.call({ command: "", config: "", env: { CNI_COMMAND: value } });
        if (answer.status === 0) {
          equal(answer.stdout, "");
          match(answer.stderr, /CNI protocol versions supported: .*1\.0\.0/);
        } else trial.failed(answer, 4, "CNI_COMMAND");
      }
    },
  }),
);

/** `CNI_PATH` in which the IPAM program is found, and in which it is not. */
const searched: [string, (delegation: Delegation) => string][] = [
  ["behind a folder that there is not", ({ fake }) => `/nonexistent:${fake.folder}`],
  ["behind empty elements", ({ fake }) => `::${fake.folder}`],
  ["before another of its name", ({ fake }) => `${fake.folder}:${fake.folder}/second`],
];

const searchPath: Case[] = searched.map(([what, pathOf]) =>
  delegated(bridgeDelegator, {
    lines: ["SPEC-033"],
    fact: `finds a delegate ${what}`,
    run(trial, delegation) {
      const second = `${delegation.fake.folder}/second`;
      trial.run(`mkdir ${second}`);
      trial.host.ok(["tee", `${second}/fake`], { input: "#!/bin/sh\nexit 9\n" });
      trial.run(`chmod +x ${second}/fake`);
      const env = { CNI_PATH: pathOf(delegation) };
      trial.ok(delegation.call("ADD", {}, { env }));
      deepEqual(delegation.commands(), ["ADD"]);
    },
  }),
);

const workingDirectory = delegated(bridgeDelegator, {
  lines: ["SPEC-033"],
  fact: "takes no delegate from the working directory",
  run(trial, delegation) {
    const { folder } = delegation.fake;
    delegation.fake.answers("ADD", prints({ cniVersion: "1.0.0", ips: [] }));
    for (const path of ["::", ":", ":/nonexistent"]) {
      trial.fails({
        ...delegation.call("ADD", {}, { env: { CNI_PATH: path } }),
        through: ["env", "-C", folder],
      });
    }
    deepEqual(delegation.commands(), []);
  },
});

const parsers = ["static", "host-local", "bridge", "macvlan", "tap", "tuning"];

/** `K=V` pairs that make no sense, and what the error has to say. */
const badArgs: readonly Input[] = [
  { what: "unknown", args: "K8S_POD_NAME=x", says: /K8S_POD_NAME/ },
  { what: "not ignored", args: "IgnoreUnknown=0;X=y", says: /X/ },
  { what: "no pair", args: "FOO", says: /FOO/ },
  { what: "another case", args: "ip=10.0.0.5/24", says: /ip/ },
  { what: "no key", args: "=v" },
  { what: "two signs", args: "A=b=c" },
  { what: "an end", args: "IgnoreUnknown=1;A=b;" },
  { what: "a beginning", args: ";IgnoreUnknown=1;A=b" },
  { what: "no yes", args: "IgnoreUnknown=maybe" },
];

const goodArgs: readonly Input[] = [
  { what: "empty", args: "" },
  ...["1", "true", "True"].map((yes) => ({
    what: `ignored with ${yes}`,
    args: `IgnoreUnknown=${yes};K8S_POD_NAME=x;K8S_POD_NAMESPACE=y;K8S_POD_UID=z;FOO=`,
  })),
];

const parsed: Case[] = parsers.flatMap((program) => {
  const { needs = [], beside = [] } = subjectOf(program);
  const del = (input: Input) => [input, { ...input, what: "its DEL", command: "DEL" }];
  const head = { program, needs, beside };
  return [
    refuses({
      ...head,
      lines: ["SPEC-032", "SPEC-145", "SPEC-146"],
      fact: "refuses CNI_ARGS that it does not know",
      inputs: badArgs,
    }),
    refuses({
      ...head,
      lines: ["SPEC-032", "SPEC-145", "SPEC-119"],
      fact: "says with code 4 that CNI_ARGS is wrong",
      codes: 4,
      says: /CNI_ARGS/,
      inputs: badArgs.map(({ says: _, ...input }) => input),
    }),
    takes({
      ...head,
      lines: ["SPEC-032"],
      fact: "ignores CNI_ARGS that it is told to ignore",
      inputs: goodArgs.flatMap(del),
    }),
  ];
});

const badValues: Case[] = [
  ["static", ["IP=300.1.1.1", "GATEWAY=x"]],
  ["host-local", ["IP=300.1.1.1"]],
  ["bridge", ["MAC=zz"]],
  ["tuning", ["MAC=zz"]],
].map(([program, pairs]) =>
  refuses({
    lines: ["SPEC-147"],
    program: program as string,
    fact: "refuses CNI_ARGS with a bad value, which it names",
    inputs: (pairs as string[]).map((args) => ({
      what: args,
      args,
      codes: [4, 7],
      says: RegExp(args.split("=")[1]!),
    })),
  }),
);

const notParsing: Case[] = ["loopback", "portmap"].map((program) =>
  takes({
    lines: ["SPEC-032"],
    program,
    fact: "does not look at CNI_ARGS",
    inputs: [...badArgs, ...goodArgs],
  }),
);

const withoutPath: Case[] = ["static", "loopback"].flatMap((program) => [
  takesOrRefuses({
    lines: ["SPEC-026"],
    program,
    fact: "refuses a call without CNI_PATH, or does without",
    codes: 4,
    says: /CNI_PATH/,
    inputs: (trial) =>
      verbsOf(trial)
        .filter((command) => !["GC", "CHECK"].includes(command))
        .flatMap((command) => [{ what: command, command, env: { CNI_PATH: undefined } }]),
  }),
]);

const gcWithoutPath: Case[] = subjects.map(({ program, needs = [] }) =>
  refuses({
    lines: ["SPEC-026", "SPEC-125"],
    program,
    needs,
    version: "1.1.0",
    fact: "refuses GC without CNI_PATH",
    codes: 4,
    says: /CNI_PATH/,
    inputs: [
      { what: "GC", command: "GC", change: { "cni.dev/valid-attachments": [] }, env: only() },
    ],
  }),
);

export const cases: readonly Case[] = [
  ...unknownCommands,
  refuses({
    lines: ["SPEC-123", "SPEC-022"],
    fact: "refuses a command that there is not, and no configuration",
    codes: [4, 6, 7],
    inputs: ["{", "{}", ""].map((config) => ({ what: config, command: "NOPE", config })),
  }),
  refuses({
    lines: ["SPEC-123"],
    fact: "names CNI_COMMAND even when there is no configuration",
    codes: 4,
    says: /CNI_COMMAND/,
    inputs: ["{", "{}"].map((config) => ({ what: config, command: "NOPE", config })),
  }),
  ...noCommand,
  ...missing,
  refuses({
    lines: ["SPEC-024", "SPEC-126", "SPEC-119"],
    fact: "names everything that is missing at once",
    codes: 4,
    inputs: [
      { what: "ADD", env: only(), says: /(?=.*ID)(?=.*NETNS)(?=.*IFNAME)(?=.*CNI_PATH)/ },
      { what: "two", env: only("CNI_PATH", "CNI_IFNAME"), says: /(?=.*ID)(?=.*CNI_NETNS)/ },
    ],
  }),
  refuses({
    lines: ["SPEC-125", "SPEC-026"],
    fact: "refuses ADD without CNI_PATH",
    codes: 4,
    says: /CNI_PATH/,
    inputs: lacking("ADD", ["CNI_PATH"]),
  }),
  refuses({
    lines: ["SPEC-128"],
    fact: "refuses two mistakes at once",
    codes: 4,
    inputs: [{ what: "ID and path", env: { CNI_CONTAINERID: "a b", CNI_PATH: undefined } }],
  }),
  ...missingAtDel,
  ...delWithoutNetns,
  ...withoutPath,
  ...gcWithoutPath,
  ...withoutAttachment,
  {
    lines: ["SPEC-028", "SPEC-027", "SPEC-094"],
    program: "static",
    fact: "does not look at the attachment for VERSION",
    run(trial) {
      const dummy = { CNI_NETNS: "dummy", CNI_IFNAME: "a/b", CNI_PATH: "dummy" };
      for (const env of [only(), { ...dummy, CNI_CONTAINERID: "a b" }]) {
        const { supportedVersions } = trial.ok({ command: "VERSION", config: "{}", env });
        promise(supportedVersions.includes("1.0.0"), "no 1.0.0");
      }
    },
  },
  ...searchPath,
  workingDirectory,
  ...parsed,
  ...badValues,
  ...notParsing,
];
