/**
 * Values of the wrong type or out of range, in keys that a program reads and in those that it does not (checklist 1.C, 1.M).
 * @module
 */
import { equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { resultOf } from "../../runner/vehicles.ts";
import { type Input, refuses, takes, takesOrRefuses } from "./questions.ts";
import { casesOf, linkSubjects, mapping, ranges, subjectOf, verbsOf } from "./subjects.ts";

const wrongTypes: Readonly<Record<string, readonly object[]>> = {
  bridge: [
    { mtu: "1500" },
    { isGateway: "true" },
    { vlan: 1.5 },
    { vlan: "5" },
    { ipam: [] },
    { ipam: "host-local" },
    { ipam: 5 },
    { dns: [] },
    { bridge: 5 },
    { ipMasq: 1 },
    { runtimeConfig: [] },
    { runtimeConfig: "x" },
  ],
  "host-local": [
    { ipam: { type: "host-local", ranges: {} } },
    { ipam: { type: "host-local", ranges: [{ subnet: "10.1.2.0/24" }] } },
    { ipam: { type: "host-local", subnet: 5 } },
    { ipam: { ...ranges("10.1.2.0/24"), routes: {} } },
    { ipam: { ...ranges("10.1.2.0/24"), dataDir: 5 } },
    { ipam: [] },
    { ipam: "x" },
    { runtimeConfig: [] },
  ],
  static: [
    { ipam: { type: "static", addresses: {} } },
    { ipam: { type: "static", addresses: ["10.0.0.2/24"] } },
    { ipam: { type: "static", addresses: [{ address: 5 }] } },
    { ipam: { type: "static", addresses: [{ address: "10.0.0.2/24" }], dns: [] } },
    { ipam: [] },
    { ipam: "x" },
    { runtimeConfig: "x" },
    { args: "x" },
    { args: { cni: [] } },
  ],
  portmap: [
    { runtimeConfig: [] },
    { runtimeConfig: "x" },
    { runtimeConfig: { portMappings: {} } },
    { runtimeConfig: { portMappings: [{ ...mapping(8080, 80), hostPort: "8080" }] } },
    { runtimeConfig: { portMappings: [mapping(8080.5, 80)] } },
    { snat: "true" },
    { conditionsV4: "x" },
    { markMasqBit: "5" },
  ],
};

function rows(changes: readonly object[]): Input[] {
  return changes.map((change) => ({ what: JSON.stringify(change), change }));
}

const typed: Case[] = Object.entries(wrongTypes).flatMap(([program, changes]) => [
  refuses({
    lines: ["SPEC-041", "SPEC-180", "SPEC-182", "SPEC-184"],
    program,
    fact: "refuses a wrong type in a key that it reads",
    codes: [6, 7, 999],
    inputs: rows(changes),
  }),
  refuses({
    lines: ["SPEC-041", "SPEC-180", "SPEC-182", "SPEC-183", "SPEC-184", "SPEC-115"],
    program,
    fact: "says with code 6 that a type is wrong",
    codes: 6,
    inputs: rows(changes),
  }),
]);

const all = Object.values(wrongTypes).flat();
const notForLoopback = all.filter(
  (change) => !["dns", "ipam", "runtimeConfig", "args"].some((key) => key in change),
);

/** Names of links that there cannot be. */
const badLinks = ["a-bridge-name-16", "a b", "../x", "a/b", ".", "..", "a:b"];
const bridgeNames = [...badLinks, ""].map((bridge) => ({
  what: `bridge ${bridge}`,
  change: { bridge },
}));

const versions = ["1.1", "v1.0.0", "01.1.0", "1.0.1", "0.5.0", "2.0.0", "1.1.0-rc1", " 1.0.0"];

const unsupported: Case[] = ["static", "host-local", "loopback", "bridge", "portmap"].map(
  (program) =>
    refuses({
      lines: ["SPEC-167", "SPEC-168", "SPEC-116", "SPEC-093"],
      program,
      fact: "refuses ADD and DEL at a version that there is not, and names both sides",
      codes: 1,
      says: /1\.0\.0/,
      inputs: [...versions, "x", "1.x.0"].flatMap((cniVersion) =>
        ["ADD", "DEL"].map((command) => ({
          what: `${command} ${cniVersion}`,
          command,
          change: { cniVersion },
        })),
      ),
    }),
);

const unsupportedLater: Case[] = ["static", "loopback", "bridge"].map((program) =>
  refuses({
    lines: ["SPEC-167", "SPEC-168"],
    program,
    fact: "refuses the other verbs at a version that there is not",
    codes: [1, 6],
    inputs: (trial) =>
      [...versions, "x", "1.x.0"].flatMap((cniVersion) =>
        verbsOf(trial)
          .slice(2)
          .map((command) => ({
            what: `${command} ${cniVersion}`,
            command,
            change: { cniVersion },
          })),
      ),
  }),
);

const tooOld: Case[] = ["static", "host-local", "loopback", "bridge", "portmap"].flatMap(
  (program) => [
    refuses({
      lines: ["SPEC-070", "SPEC-169"],
      program,
      fact: "refuses CHECK before 0.4.0",
      codes: 1,
      says: /CHECK/,
      inputs: [undefined, "", null, "0.1.0", "0.2.0", "0.3.0", "0.3.1"].map((cniVersion) => ({
        what: String(cniVersion),
        command: "CHECK",
        change: { cniVersion },
      })),
    }),
    refuses({
      lines: ["SPEC-078", "SPEC-090", "SPEC-169"],
      program,
      version: "1.1.0",
      fact: "refuses GC and STATUS before 1.1.0",
      codes: 1,
      inputs: ["GC", "STATUS"].flatMap((command) =>
        [undefined, "0.2.0", "0.4.0", "1.0.0"].map((cniVersion) => ({
          what: `${command} ${cniVersion}`,
          command,
          says: RegExp(command),
          change: { cniVersion },
        })),
      ),
    }),
  ],
);

const versionTypes: Case[] = ["static", "bridge"].map((program) =>
  refuses({
    lines: ["SPEC-165"],
    program,
    fact: "refuses a version that is no text",
    codes: 6,
    inputs: (trial) =>
      [1, [], {}, true].flatMap((cniVersion) =>
        verbsOf(trial).map((command) => ({
          what: `${command} ${JSON.stringify(cniVersion)}`,
          command,
          change: { cniVersion },
        })),
      ),
  }),
);

/** A result like `resultOf`, with this changed. */
function previous(trial: Trial, change: object): object {
  return { prevResult: { ...resultOf(trial.newest, "/run/netns/pod1"), ...change } };
}

const ip = { address: "10.1.2.2/24" };
const nothingInside = ["interfaces", "ips", "routes"].map((key) => ({ [key]: [null] }));
const badText = [
  { ips: [{ address: "x" }] },
  { ips: [{ address: "10.0.0.1" }] },
  { ips: [{ address: 5 }] },
  { ips: [{ ...ip, gateway: "x" }] },
  { routes: [{ dst: "x" }] },
  { ips: [{ ...ip, interface: "0" }] },
  { ips: [{ ...ip, interface: 1.5 }] },
];

function previousRows(changes: readonly object[], command: string) {
  return (trial: Trial): Input[] =>
    changes.map((change) => ({
      what: `${command} ${JSON.stringify(change)}`,
      command,
      change: previous(trial, change),
    }));
}

const withResult = ["portmap", "tuning", "firewall", "bandwidth", "loopback", "bridge"] as const;

const previousTypes: Case[] = withResult.map((program) =>
  refuses({
    lines: ["SPEC-170"],
    program,
    fact: "refuses a prevResult that is no object",
    codes: [6, 7],
    inputs: ["x", 5, []].flatMap((prevResult) =>
      ["ADD", "CHECK"].map((command) => ({
        what: `${command} ${JSON.stringify(prevResult)}`,
        command,
        change: { prevResult },
      })),
    ),
  }),
);

const previousMembers: Case[] = withResult.flatMap((program) => [
  refuses({
    lines: ["SPEC-175"],
    program,
    fact: "refuses a prevResult with nothing where something belongs",
    codes: [6, 7],
    inputs: (trial) => [
      ...previousRows(nothingInside, "ADD")(trial),
      ...previousRows(nothingInside, "CHECK")(trial),
    ],
  }),
  refuses({
    lines: ["SPEC-176", "SPEC-177"],
    program,
    fact: "refuses a prevResult whose addresses are none",
    codes: [6, 7],
    inputs: previousRows(badText, "ADD"),
  }),
  takesOrRefuses({
    lines: ["SPEC-177", "SPEC-178"],
    program,
    fact: "lives with an index out of range, or refuses it with code 7",
    codes: 7,
    inputs: previousRows(
      [{ ips: [{ ...ip, interface: 99 }] }, { ips: [{ ...ip, interface: -1 }] }],
      "ADD",
    ),
  }),
]);

const families: Case[] = withResult.slice(0, 3).map((program) =>
  takesOrRefuses({
    lines: ["SPEC-174"],
    program,
    fact: "converts a prevResult of another family, or refuses it",
    codes: [1, 6, 7],
    version: "1.0.0",
    inputs: ["0.2.0", "0.4.0"].map((cniVersion) => ({
      what: cniVersion,
      change: {
        cniVersion: "1.0.0",
        prevResult:
          cniVersion === "0.2.0"
            ? { cniVersion, ip4: { ip: "10.1.2.2/24" } }
            : { cniVersion, ips: [{ version: "4", address: "10.1.2.2/24" }] },
      },
    })),
  }),
);

const unknownFamily: Case[] = withResult.slice(0, 3).map((program) =>
  refuses({
    lines: ["SPEC-174"],
    program,
    fact: "refuses a prevResult of a version that there is not",
    codes: [1, 6, 7],
    inputs: [{ what: "9.9.9", change: { prevResult: { cniVersion: "9.9.9" } } }],
  }),
);

const withoutVersion: Case[] = ["portmap", "tuning", "firewall", "bandwidth"].map((program) =>
  takes({
    lines: ["SPEC-173"],
    program,
    ...(program === "firewall" && { needs: ["iptables-nft"] as const }),
    fact: "takes a prevResult without version as one of the configuration's",
    inputs: (trial) => [{ what: "ADD", change: previous(trial, { cniVersion: undefined }) }],
  }),
);

const chainedOnly = ["portmap", "tuning", "firewall", "bandwidth", "sbr"];

const noPrevious: Case[] = chainedOnly.flatMap((program) => [
  refuses({
    lines: ["SPEC-171"],
    program,
    fact: "wants a prevResult",
    says: /prevResult|chained/,
    inputs: [undefined, null].flatMap((prevResult) =>
      ["ADD", "CHECK"].map((command) => ({
        what: `${command} ${prevResult}`,
        command,
        change: { prevResult },
      })),
    ),
  }),
  refuses({
    lines: ["SPEC-171", "SPEC-062"],
    program,
    fact: "says with code 7 that prevResult is missing",
    codes: 7,
    says: /prevResult/,
    inputs: [undefined, null].map((prevResult) => ({
      what: String(prevResult),
      change: { prevResult },
    })),
  }),
]);

const emptyPrevious: Case[] = ["portmap", "tuning", "firewall", "bandwidth"].map((program) =>
  takes({
    lines: ["SPEC-172"],
    program,
    ...(program === "firewall" && { needs: ["iptables-nft"] as const }),
    fact: "hands an empty prevResult on when there is nothing to do",
    inputs: [{ what: "{}", change: { prevResult: {}, runtimeConfig: {}, mtu: undefined } }],
  }),
);

export const cases: readonly Case[] = [
  ...typed,
  takes({
    lines: ["SPEC-041", "SPEC-181"],
    program: "loopback",
    fact: "does not look at keys that it does not read",
    inputs: rows(notForLoopback),
  }),
  takesOrRefuses({
    lines: ["SPEC-181", "SPEC-183", "SPEC-184"],
    fact: "does not look at what it does not read, or refuses it with code 6",
    codes: [6, 7],
    inputs: rows([
      { capabilities: "x" },
      { capabilities: [] },
      { dns: [] },
      { dns: { nameservers: ["x"] } },
      { type: 5 },
      { type: undefined },
      { type: "" },
      { type: "a/b" },
    ]),
  }),
  takes({
    lines: ["SPEC-179"],
    fact: "does not look at `type`",
    inputs: rows([{ type: undefined }, { type: "" }, { type: "a/b" }, { type: "other" }]),
  }),
  takesOrRefuses({
    lines: ["SPEC-181", "SPEC-183", "SPEC-179"],
    program: "loopback",
    fact: "takes a wrong type in a key that all programs share, or refuses it",
    codes: [6, 7, 999],
    inputs: rows([{ capabilities: "x" }, { type: 5 }, { args: "x" }, { runtimeConfig: "x" }]),
  }),
  takesOrRefuses({
    lines: ["SPEC-184"],
    program: "bridge",
    beside: ["host-local"],
    fact: "takes a name server that is no address, or refuses it with code 7",
    codes: 7,
    inputs: rows([{ dns: { nameservers: ["x"] } }]),
  }),
  refuses({
    lines: ["SPEC-164"],
    fact: "refuses a name that is no text",
    codes: [6, 7],
    inputs: [5, [], {}, true].map((name) => ({ what: JSON.stringify(name), change: { name } })),
  }),
  ...versionTypes,
  {
    lines: ["SPEC-166"],
    program: "static",
    fact: "takes a missing version as 0.1.0",
    run(trial) {
      const { keys } = subjectOf("static");
      for (const cniVersion of [undefined, "", null]) {
        const config = { cniVersion, name: "net1", ...keys };
        const result = trial.ok({ command: "ADD", config, netns: "/run/netns/none" });
        equal(result.cniVersion, "0.1.0");
        equal(result.ip4.ip, "10.0.0.2/24");
        trial.ok({ command: "DEL", config, netns: "/run/netns/none" });
      }
    },
  },
  ...unsupported,
  ...unsupportedLater,
  ...tooOld,
  ...previousTypes,
  ...previousMembers,
  ...families,
  ...unknownFamily,
  ...withoutVersion,
  ...noPrevious,
  ...emptyPrevious,
  refuses({
    lines: ["SPEC-172"],
    program: "portmap",
    fact: "refuses to publish ports of an empty prevResult",
    codes: 7,
    inputs: [{ what: "{}", change: { prevResult: {} } }],
  }),
  refuses({
    lines: ["SPEC-188", "SPEC-187"],
    program: "bridge",
    beside: ["host-local"],
    fact: "refuses a bridge with a name that no link can have",
    inputs: bridgeNames,
  }),
  refuses({
    lines: ["SPEC-188"],
    program: "bridge",
    beside: ["host-local"],
    fact: "names `bridge` when its value is wrong",
    codes: 7,
    says: /"bridge"/,
    inputs: bridgeNames,
  }),
  ...casesOf(linkSubjects, {
    lines: ["SPEC-187"],
    fact: "writes nothing beyond its folders, whatever the names say",
    run(setting, trial) {
      for (const change of [{ name: "../../etc" }, { name: "a/../../b" }]) {
        trial.unchanged(() => trial.fails(setting.call("ADD", change)));
      }
      for (const call of [{ containerId: "../../x" }, { ifName: "../x" }]) {
        trial.unchanged(() => trial.fails(setting.call("ADD", {}, call)));
      }
      ok(trial.host.ipJson("link", setting.netns).length >= 1);
    },
  }),
];
