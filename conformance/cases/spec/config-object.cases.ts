/**
 * The configuration object (checklist 1.A).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "../../runner/case.ts";
import { promise } from "../../runner/invariants.ts";
import type { Trial } from "../../runner/trial.ts";
import { caseOfAll } from "../delegators.ts";
import { refuses, takes, takesOrRefuses } from "./questions.ts";
import {
  caseOf,
  casesOf,
  chainedSubjects,
  linkSubjects,
  ranges,
  Setting,
  subjectOf,
  subjects,
  verbsOf,
} from "./subjects.ts";

const badNames = ["../x", ".x", "-x", "_x", "a/b", "a b", "a\u0000b", "é", "a\n", "a\\b"];

const noNames = [undefined, "", null];

const reserved = {
  "cni.dev/foo": { x: 1 },
  args: { cni: { labels: [{ key: "a", value: "b" }] }, other: [1] },
};

const ofTheList = {
  plugins: [{ type: "x" }],
  disableCheck: true,
  disableGC: true,
  cniVersions: ["0.4.0", "1.0.0"],
  loadOnlyInlinedPlugins: true,
  capabilities: { mac: true, other: true },
};

/** The subject's own `runtimeConfig` beside another key. */
function withRuntimeConfig({ runtimeConfig }: { runtimeConfig?: object }) {
  return { runtimeConfig: { ...runtimeConfig, somethingElse: true } };
}

/** A result up to what differs from one attachment to the next. */
function shapeOf({ interfaces = [], ips = [], ...result }: Record<string, unknown[]>) {
  return { ...result, interfaces: interfaces.length, ips: ips.length };
}

const named = ["other", "", undefined, "../x"];

const sameWhateverType: Case[] = subjects.map((subject) =>
  caseOf(subject, {
    lines: ["SPEC-001"],
    fact: "does the same whatever `type` says",
    run(setting) {
      const first = shapeOf(setting.add());
      setting.ok("DEL");
      for (const type of subject.attaches ? named.slice(0, 2) : named) {
        deepEqual(shapeOf(setting.add({ type })), first);
        setting.ok("DEL", { type });
      }
    },
  }),
);

/** Versions that a program can be called with alone: a chained one has no `prevResult` before 0.3.0. */
function callable(trial: Trial, chained: boolean): string[] {
  return trial.versions.filter((version) => !chained || version > "0.2.0");
}

const everyVersion: Case[] = subjects.map((subject) => ({
  lines: ["SPEC-002", "SPEC-101", "SPEC-043"],
  program: subject.program,
  needs: subject.needs ?? [],
  beside: subject.beside ?? [],
  fact: "works in every version that it lists",
  run(trial) {
    const setting = new Setting(trial, subject);
    for (const cniVersion of callable(trial, subject.chained === true)) {
      const previous = setting.config["prevResult"];
      const prevResult = previous === undefined ? {} : { prevResult: { ...previous, cniVersion } };
      const result = setting.add({ cniVersion, ...prevResult });
      equal(result.cniVersion, cniVersion);
      setting.ok("DEL", { cniVersion, ...(cniVersion < "0.4.0" && { prevResult: undefined }) });
    }
  },
}));

const withoutName: Case[] = ["static", "host-local", "loopback", "bridge", "portmap"].map(
  (program) =>
    refuses({
      lines: ["SPEC-003", "SPEC-014", "SPEC-015"],
      program,
      fact: "refuses a configuration without name",
      codes: 7,
      inputs: (trial) =>
        verbsOf(trial).flatMap((command) =>
          noNames.map((name) => ({
            what: `${command} ${JSON.stringify(name)}`,
            command,
            change: { name },
          })),
        ),
    }),
);

const withBadName: Case[] = ["static", "host-local", "loopback", "bridge", "portmap"].map(
  (program) =>
    refuses({
      lines: ["SPEC-004", "SPEC-187"],
      program,
      fact: "refuses a name that is no word",
      codes: 7,
      inputs: (trial) => [
        ...badNames.map((name) => ({ what: JSON.stringify(name), change: { name } })),
        ...verbsOf(trial).map((command) => ({
          what: `${command} a/b`,
          command,
          change: { name: "a/b" },
        })),
      ],
    }),
);

const unknownKeys: Case[] = ["static", "host-local", "loopback", "bridge", "portmap"].map(
  (program) =>
    takesOrRefuses({
      lines: ["SPEC-006", "SPEC-117"],
      program,
      fact: "takes unknown keys, or names key and value with code 2",
      codes: 2,
      says: /zzUnknown[\s\S]*v-123/,
      inputs: [
        {
          what: "ADD",
          change: { zzUnknown: "v-123", args: { cni: { zzUnknown: { deep: ["v-123"] } } } },
        },
        { what: "DEL", command: "DEL", change: { zzUnknown: "v-123" } },
      ],
    }),
);

const masquerading = linkSubjects.filter(({ program }) => ["bridge", "ptp"].includes(program));

/** Whether the pod reaches the outside, which knows no way back to it. */
function reachesOutside({ trial, netns }: Setting): boolean {
  const argv = ["ping", "-c1", "-W1", "192.0.2.2"];
  return trial.host.run(argv, { netns }).status === 0;
}

const masquerade: Case[] = casesOf(masquerading, {
  lines: ["SPEC-008"],
  fact: "masquerades with `ipMasq`, until DEL, and not without",
  run(setting, trial) {
    trial.host.outside();
    const l3 = {
      isGateway: true,
      ipam: { ...ranges("10.1.2.0/24"), routes: [{ dst: "0.0.0.0/0" }] },
    };
    for (const ipMasq of [undefined, false]) {
      trial.host.sysctl("net.ipv4.ip_forward", 1);
      setting.add({ ...l3, ipMasq });
      ok(!JSON.stringify(trial.host.nftJson()).includes("masq"), `ipMasq ${ipMasq}`);
      ok(!reachesOutside(setting), "the outside answers without masquerade");
      setting.ok("DEL", { ...l3, ipMasq });
    }
    setting.add({ ...l3, ipMasq: true });
    ok(reachesOutside(setting), "the outside does not answer");
    setting.ok("DEL", { ...l3, ipMasq: true });
    const rules = JSON.stringify(trial.host.nftJson());
    ok(!rules.includes("c1") && !rules.includes("10.1.2.2"), rules);
  },
});

const outsidePath: Case[] = caseOfAll({
  lines: ["SPEC-009", "SPEC-180"],
  fact: "takes no path for the name of an IPAM program",
  run(trial, delegation) {
    const { folder } = delegation.fake;
    mkdirSync(join(folder, "folder"));
    writeFileSync(join(folder, "notes"), "#!/bin/sh\n");
    const types = ["../ipam/fake", `${folder}/fake`, "..", ".", "folder", "notes", "gone"];
    for (const type of types) trial.fails(delegation.call("ADD", { ipam: { type } }));
    deepEqual(delegation.commands(), []);
  },
});

const cleanlyOutsidePath: Case[] = caseOfAll({
  lines: ["SPEC-009"],
  fact: "changes nothing when there is no such IPAM program",
  run(trial, delegation) {
    for (const type of ["../x", "gone"]) {
      const call = delegation.call("ADD", { ipam: { type } });
      trial.unchanged(() => trial.fails(call), delegation.netns);
    }
  },
});

const layer2 = ["bridge", "macvlan", "vlan", "tap", "host-device"];

const withoutIpam: Case[] = linkSubjects.map((subject) =>
  caseOf(subject, {
    lines: ["SPEC-010", "SPEC-180"],
    fact: layer2.includes(subject.program)
      ? "attaches without addresses when there is no `ipam`"
      : "refuses to attach without `ipam`",
    run(setting, trial) {
      for (const ipam of [undefined, {}, { type: "" }]) {
        if (layer2.includes(subject.program)) {
          const { ips = [] } = setting.add({ ipam });
          deepEqual(ips, []);
          ok(trial.host.ipJson("link show dev eth0", setting.netns)[0]);
          setting.ok("DEL", { ipam });
        } else {
          trial.fails(setting.call("ADD", { ipam }));
        }
      }
    },
  }),
);

const checksLayer2: Case[] = casesOf(
  linkSubjects.filter(({ program }) => layer2.includes(program)),
  {
    lines: ["SPEC-010", "SPEC-061"],
    fact: "checks an attachment without addresses",
    run(setting) {
      setting.add({ ipam: undefined });
      setting.ok("CHECK", { ipam: undefined });
    },
  },
);

const dns = {
  nameservers: ["192.0.2.9", "192.0.2.1"],
  domain: "example.com",
  search: ["b.example", "a.example"],
  options: ["ndots:5", "edns0"],
};

const ownDns: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-011", "SPEC-109"],
  fact: "returns the `dns` of its configuration, in order",
  run(setting) {
    deepEqual(setting.add({ dns }).dns, dns);
  },
});

const bothWays: Case[] = [
  takes({
    lines: ["SPEC-012"],
    fact: "takes what is 1.1 alone at 1.0.0, and 1.1.0 without any of it",
    inputs: [
      {
        what: "1.0.0 with 1.1 data",
        change: {
          cniVersion: "1.0.0",
          ipam: {
            type: "static",
            addresses: [{ address: "10.0.0.2/24" }],
            routes: [{ dst: "10.9.0.0/16", mtu: 1300, advmss: 1200, priority: 5, table: 9 }],
          },
        },
      },
      { what: "the newest without" },
    ],
  }),
  ...casesOf(chainedSubjects, {
    lines: ["SPEC-012"],
    version: "1.0.0",
    fact: "takes an interface with what is 1.1 alone at 1.0.0",
    run(setting) {
      const prevResult = structuredClone(setting.config["prevResult"]) as {
        interfaces: Record<string, unknown>[];
      };
      prevResult.interfaces[2]!["mtu"] = 1500;
      setting.add({ cniVersion: "1.0.0", prevResult: { ...prevResult, cniVersion: "1.0.0" } });
    },
  }),
];

const anyLetterCase: Case[] = [
  {
    lines: ["SPEC-013"],
    program: "static",
    fact: "knows its keys in capitals too",
    run(trial) {
      const { ipam } = subjectOf("static").keys as { ipam: object };
      const own = { IPAM: ipam, Name: "net1", TYPE: "static" };
      const call = (config: object) =>
        trial.ok({ command: "ADD", config, netns: "/run/netns/none" });
      equal(call({ CniVersion: trial.newest, ...own }).cniVersion, trial.newest);
      equal(call({ cniVersion: trial.newest, ...own }).ips[0].address, "10.0.0.2/24");
      const ips = { RuntimeConfig: { ips: ["10.1.1.1/24"] } };
      const asked = call({ cniVersion: trial.newest, name: "net1", ipam, ...ips });
      equal(asked.ips[0].address, "10.1.1.1/24");
    },
  },
  {
    lines: ["SPEC-013"],
    program: "bridge",
    beside: ["host-local"],
    fact: "knows its keys in capitals too",
    run(trial) {
      const setting = new Setting(trial, subjectOf("bridge"));
      const { bridge: _, ...rest } = setting.config;
      const config = { ...rest, Bridge: "br-upper", ISGATEWAY: true };
      trial.ok({ command: "ADD", config, netns: setting.netns });
      promise(trial.host.ipJson("link show dev br-upper")[0], "no br-upper");
      equal(trial.host.ipJson("-4 address show dev br-upper")[0]?.addr_info.length, 1);
      trial.ok({ command: "DEL", config, netns: setting.netns });
    },
  },
  {
    lines: ["SPEC-013"],
    program: "portmap",
    fact: "knows its keys in capitals too",
    run(trial) {
      const setting = new Setting(trial, subjectOf("portmap"));
      const { runtimeConfig, ...rest } = setting.config;
      const config = { ...rest, RuntimeConfig: runtimeConfig };
      trial.ok({ command: "ADD", config, netns: setting.netns });
      ok(JSON.stringify(trial.host.nftJson()).includes("8080"));
    },
  },
];

export const cases: readonly Case[] = [
  ...sameWhateverType,
  ...everyVersion,
  ...withoutName,
  ...withBadName,
  takes({
    lines: ["SPEC-004"],
    fact: "takes a name that is a word",
    inputs: ["a", "0", "a_b.c-d", "a".repeat(200)].map((name) => ({
      what: name,
      change: { name },
    })),
  }),
  {
    lines: ["SPEC-004"],
    program: "host-local",
    fact: "fails cleanly when a name is too long for a file",
    run(trial) {
      const setting = new Setting(trial, subjectOf("host-local"));
      const name = "a".repeat(300);
      trial.leavesNothing(() => trial.fails(setting.call("ADD", { name })));
    },
  },
  ...casesOf(subjects, {
    lines: ["SPEC-005", "SPEC-007"],
    fact: "takes reserved keys and those of the list",
    run(setting) {
      const plain = shapeOf(setting.add());
      setting.ok("DEL");
      const more = { ...reserved, ...ofTheList, ...withRuntimeConfig(setting.config) };
      deepEqual(shapeOf(setting.add(more)), plain);
      setting.ok("DEL", more);
    },
  }),
  ...unknownKeys,
  takesOrRefuses({
    lines: ["SPEC-006"],
    fact: "takes unknown keys of `ipam`, or names key and value with code 2",
    codes: 2,
    says: /zzUnknown[\s\S]*v-123/,
    inputs: [
      {
        what: "static",
        change: {
          ipam: {
            type: "static",
            addresses: [{ address: "10.0.0.2/24", zzUnknown: "v-123" }],
            zzUnknown: "v-123",
          },
        },
      },
    ],
  }),
  ...masquerade,
  ...outsidePath,
  ...cleanlyOutsidePath,
  ...withoutIpam,
  ...checksLayer2,
  ...ownDns,
  ...bothWays,
  ...anyLetterCase,
];
