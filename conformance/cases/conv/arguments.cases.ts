/**
 * `args.cni`, `CNI_ARGS`, and which of two sources counts (checklist 4.2 to 4.4).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { hostLocalConfig, staticConfig } from "../../runner/vehicles.ts";
import {
  caseOfAll,
  caseOf as delegatingCase,
  delegators,
  oneAddress,
  prints,
} from "../delegators.ts";
import { refuses, takes } from "../spec/questions.ts";
import { caseOf, casesOf, linkSubjects, subjectOf, subjects } from "../spec/subjects.ts";

const kubernetes = [
  "IgnoreUnknown=1",
  "K8S_POD_NAMESPACE=default",
  "K8S_POD_NAME=web-0",
  "K8S_POD_INFRA_CONTAINER_ID=0123456789abcdef",
  "K8S_POD_UID=00000000-0000-4000-8000-000000000001",
].join(";");

const addressesOf = ({ ips }: Reply): string[] => ips.map(({ address }: Reply) => address);

/** ADD of an IPAM program. @returns the addresses */
function addresses(trial: Trial, config: object, args?: string): string[] {
  const call = { command: "ADD", config, netns: trial.pod() };
  return addressesOf(trial.ok(args === undefined ? call : { ...call, args }));
}

/** Where the MAC address can stand, weakest first, and the address that each gives. */
interface MacSources {
  lines: Case["lines"];
  program: string;
  sources: readonly ("conf" | "CNI_ARGS" | "args" | "runtimeConfig")[];
}

const macs = {
  conf: "02:00:00:00:00:01",
  CNI_ARGS: "02:00:00:00:00:02",
  args: "02:00:00:00:00:03",
  runtimeConfig: "02:00:00:00:00:04",
};
const macSources: readonly MacSources[] = [
  {
    lines: ["CONV-026", "CONV-017", "CONV-022"],
    program: "bridge",
    sources: ["CNI_ARGS", "args", "runtimeConfig"],
  },
  {
    lines: ["CONV-027", "CONV-022"],
    program: "macvlan",
    sources: ["conf", "CNI_ARGS", "runtimeConfig"],
  },
  {
    lines: ["CONV-027", "CONV-022"],
    program: "tap",
    sources: ["conf", "CNI_ARGS", "runtimeConfig"],
  },
];

/** Keys and arguments that name a MAC address in each of these places. */
function namesMac(sources: readonly string[]): { change: object; args: string } {
  const change = {
    ...(sources.includes("conf") && { mac: macs.conf }),
    ...(sources.includes("args") && { args: { cni: { mac: macs.args } } }),
    ...(sources.includes("runtimeConfig") && { runtimeConfig: { mac: macs.runtimeConfig } }),
  };
  return { change, args: sources.includes("CNI_ARGS") ? `MAC=${macs.CNI_ARGS}` : "" };
}

function ranksMacs({ lines, program, sources }: MacSources): Case[] {
  const delegator = delegators.find((each) => each.program === program)!;
  return sources.map((strongest, index) =>
    delegatingCase(delegator, {
      lines,
      fact: `takes the MAC address of ${strongest} over ${index} weaker ones`,
      run(trial, delegation) {
        const { change, args } = namesMac(sources.slice(0, index + 1));
        trial.ok(delegation.call("ADD", change, { args }));
        const [{ address }] = trial.host.ipJson("link show eth0", delegation.netns);
        equal(address, macs[strongest]);
      },
    }),
  );
}

const tuningOrder = ["conf", "CNI_ARGS", "runtimeConfig", "args"] as const;

const tuning: Case[] = [
  ...tuningOrder.map((strongest, index) =>
    caseOf(subjectOf("tuning"), {
      lines: ["CONV-028", "CONV-017", "CONV-022"],
      fact: `takes the MAC address of ${strongest} over ${index} weaker ones`,
      run(setting, trial) {
        const { change, args } = namesMac(tuningOrder.slice(0, index + 1));
        setting.add(change, { args });
        const [{ address }] = trial.host.ipJson("link show eth0", setting.netns);
        equal(address, macs[strongest]);
      },
    }),
  ),
  caseOf(subjectOf("tuning"), {
    lines: ["CONV-018"],
    fact: "takes args.cni over its configuration",
    run(setting, trial) {
      const cni = { mtu: 1300, promisc: true, txQLen: 77 };
      setting.add({ mtu: 1400, args: { cni } });
      const [link] = trial.host.ipJson("link show eth0", setting.netns);
      deepEqual([link.mtu, link.txqlen], [1300, 77]);
      ok(link.flags.includes("PROMISC"));
    },
  }),
  caseOf(subjectOf("tuning"), {
    lines: ["CONV-018"],
    fact: "sets the sysctls of args.cni when its configuration has none",
    run(setting, trial) {
      setting.add({ args: { cni: { sysctl: { "net.ipv4.conf.all.log_martians": "1" } } } });
      equal(trial.host.sysctl("net.ipv4.conf.all.log_martians", undefined, setting.netns), "1");
    },
  }),
];

const ipamDns = { nameservers: ["10.9.0.53"], search: ["ipam.test"] };
const ownDns = [
  { nameservers: ["10.0.0.53"] },
  { search: ["conf.test"] },
  { options: ["ndots:2"] },
  { domain: "conf.test" },
];

const dns: Case[] = [
  ...caseOfAll({
    lines: ["CONV-033", "DELEG-010"],
    fact: "returns the dns of its delegate",
    run(trial, delegation) {
      delegation.fake.answers("ADD", prints({ ...oneAddress, dns: ipamDns }));
      for (const own of [undefined, {}, { domain: "" }, { nameservers: null }]) {
        const result = trial.ok(delegation.call("ADD", { dns: own }));
        deepEqual(result.dns, ipamDns, JSON.stringify(own));
        trial.ok(delegation.call("DEL"));
      }
    },
  }),
  ...caseOfAll({
    lines: ["CONV-033"],
    fact: "returns its own dns, not that of its delegate",
    run(trial, delegation) {
      delegation.fake.answers("ADD", prints({ ...oneAddress, dns: ipamDns }));
      for (const own of ownDns) {
        const result = trial.ok(delegation.call("ADD", { dns: own }));
        deepEqual(result.dns, own);
        trial.ok(delegation.call("DEL"));
      }
    },
  }),
];

const pool = [[{ subnet: "10.1.2.0/24" }]];
const askedInArgs = { args: { cni: { ips: ["10.1.2.30"] } } };
const askedByRuntime = { runtimeConfig: { ips: ["10.1.2.40"] } };

const hostLocal: Case[] = [
  ...(
    [
      ["CNI_ARGS", {}, "IP=10.1.2.20", "10.1.2.20/24"],
      ["CNI_ARGS with a prefix", {}, "IP=10.1.2.20/24", "10.1.2.20/24"],
      ["args, not CNI_ARGS,", askedInArgs, "IP=10.1.2.20", "10.1.2.30/24"],
      ["the runtime", askedByRuntime, "", "10.1.2.40/24"],
    ] as const
  ).map(
    ([source, change, args, wanted]): Case => ({
      lines: ["CONV-016", "CONV-020", "CONV-030"],
      program: "host-local",
      fact: `gives the address that ${source} asks for`,
      run(trial) {
        const config = hostLocalConfig(trial.newest, { ranges: pool }, change);
        deepEqual(addresses(trial, config, args), [wanted]);
      },
    }),
  ),
  {
    lines: ["CONV-030"],
    program: "host-local",
    fact: "joins what args and the runtime ask for in different ranges",
    run(trial) {
      const ranges = [...pool, [{ subnet: "10.1.3.0/24" }]];
      const args = { cni: { ips: ["10.1.2.30"] } };
      const runtimeConfig = { ips: ["10.1.3.40"] };
      const config = hostLocalConfig(trial.newest, { ranges }, { args, runtimeConfig });
      deepEqual(addresses(trial, config), ["10.1.2.30/24", "10.1.3.40/24"]);
    },
  },
];

/** Addresses of `static` by the places that name one. */
const staticSources: readonly [what: string, change: object, args: string, wanted: string[]][] = [
  ["its own and CNI_ARGS", {}, "IP=10.0.1.2/24", ["10.0.0.2/24", "10.0.1.2/24"]],
  [
    "args, nothing else,",
    { args: { cni: { ips: ["10.0.2.2/24"] } } },
    "IP=10.0.1.2/24",
    ["10.0.2.2/24"],
  ],
  [
    "the runtime, nothing else,",
    { args: { cni: { ips: ["10.0.2.2/24"] } }, runtimeConfig: { ips: ["10.0.3.2/24"] } },
    "IP=10.0.1.2/24",
    ["10.0.3.2/24"],
  ],
];

const staticCases: Case[] = [
  ...staticSources.map(
    ([what, change, args, wanted]): Case => ({
      lines: ["CONV-029", "CONV-016", "CONV-020"],
      program: "static",
      fact: `gives the addresses of ${what}`,
      run(trial) {
        deepEqual(addresses(trial, staticConfig(trial.newest, change), args), wanted);
      },
    }),
  ),
  {
    lines: ["CONV-021", "CONV-020"],
    program: "static",
    fact: "gives each GATEWAY of CNI_ARGS to the address of its subnet",
    run(trial) {
      const config = staticConfig(trial.newest, { ipam: { type: "static" } });
      const args = "IP=10.0.1.2/24,fd01::2/64;GATEWAY=fd01::1,10.0.1.1";
      const { ips } = trial.ok({ command: "ADD", config, netns: trial.pod(), args });
      deepEqual(ips, [
        { address: "10.0.1.2/24", gateway: "10.0.1.1" },
        { address: "fd01::2/64", gateway: "fd01::1" },
      ]);
    },
  },
  refuses({
    lines: ["CONV-020", "CONV-021"],
    fact: "refuses arguments that are no addresses",
    inputs: [
      { what: "no prefix", args: "IP=10.0.1.2" },
      { what: "no address", args: "IP=x" },
      { what: "GATEWAY", args: "IP=10.0.1.2/24;GATEWAY=x" },
    ],
  }),
];

const known = ["1", "true", "True"];
const falsy = ["0", "false", "False"];

const unknown: Case[] = ["static", "host-local"].flatMap((program) => [
  takes({
    lines: ["CONV-023", "U-253"],
    program,
    fact: "passes over unknown arguments when IgnoreUnknown says so",
    inputs: known.flatMap((value) =>
      [`IgnoreUnknown=${value};ZZ=1`, `ZZ=1;IgnoreUnknown=${value}`].map((args, n) => ({
        what: args,
        args,
        containerId: `c${value}${n}`,
      })),
    ),
  }),
  refuses({
    lines: ["CONV-023", "U-253"],
    program,
    fact: "refuses unknown arguments when IgnoreUnknown does not allow them",
    inputs: [
      { what: "nothing", args: "ZZ=1", says: /ZZ/ },
      ...falsy.map((value) => ({ what: value, args: `IgnoreUnknown=${value};ZZ=1`, says: /ZZ/ })),
      ...["yes", "2", "TRUEx"].map((value) => ({ what: value, args: `IgnoreUnknown=${value}` })),
    ],
  }),
]);

export const cases: readonly Case[] = [
  ...casesOf(subjects, {
    lines: ["CONV-015", "CONV-019"],
    fact: "does not look at what is for others in args",
    run(setting) {
      const labels = [{ key: "app", value: "web" }];
      for (const args of [{ cni: { labels, foo: 1 }, other: { x: [null] } }, {}, null]) {
        setting.add({ args });
        setting.ok("DEL", { args });
      }
    },
  }),
  ...casesOf(subjects, {
    lines: ["CONV-024", "CONV-023"],
    fact: "is not disturbed by what Kubernetes sends in CNI_ARGS",
    run(setting) {
      setting.add({}, { args: kubernetes });
      setting.ok("CHECK", {}, { args: kubernetes });
      setting.ok("DEL", {}, { args: kubernetes });
    },
  }),
  ...casesOf(
    linkSubjects.filter(({ program }) => program === "bridge"),
    {
      lines: ["CONV-025", "CONV-022"],
      fact: "sets MAC of CNI_ARGS when IgnoreUnknown lets its delegate pass over it",
      run(setting, trial) {
        setting.add({}, { args: `IgnoreUnknown=1;MAC=${macs.CNI_ARGS}` });
        const [{ address }] = trial.host.ipJson("link show eth0", setting.netns);
        equal(address, macs.CNI_ARGS);
      },
    },
  ),
  ...casesOf(
    linkSubjects.filter(({ program }) => program === "bridge"),
    {
      lines: ["CONV-025"],
      fact: "sets MAC of CNI_ARGS without IgnoreUnknown, or has its delegate's error",
      run(setting, trial) {
        const answer = trial.call(setting.call("ADD", {}, { args: `MAC=${macs.CNI_ARGS}` }));
        if (answer.status === 0) return;
        const { msg, details } = trial.failed(answer);
        match(`${msg} ${details}`, /MAC/);
      },
    },
  ),
  ...macSources.flatMap(ranksMacs),
  ...tuning,
  ...hostLocal,
  ...staticCases,
  ...unknown,
  ...dns,
];
