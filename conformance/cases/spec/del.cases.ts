/**
 * DEL (checklist 1.E).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply } from "../../runner/trial.ts";
import { caseOfAll } from "../delegators.ts";
import { nothingIsLeft, pairsOf, reservationsOf } from "./left.ts";
import { askAll, complaintOf } from "./questions.ts";
import { casesOf, linkSubjects, ranges, type Setting, subjectOf, subjects } from "./subjects.ts";

const hostLocal = subjectOf("host-local");
const portmap = subjectOf("portmap");
const firewall = subjectOf("firewall");

/** What leaves something on the host. */
const leaving = [...linkSubjects, hostLocal, portmap, firewall];

/** Keys with which link plugins do all that they can. */
const full = { isGateway: true, ipMasq: true };

const removes: Case[] = casesOf(subjects, {
  lines: ["SPEC-050", "SPEC-051"],
  fact: "is undone by DEL, which may come again",
  run(setting, trial) {
    trial.leavesNothing(() => {
      setting.add(full);
      setting.ok("DEL", full);
    }, setting.netns);
    trial.unchanged(() => {
      for (const _ of "23") setting.ok("DEL", full);
    }, setting.netns);
  },
});

const never: Case[] = casesOf(subjects, {
  lines: ["SPEC-051"],
  fact: "has nothing to do at DEL of what was never added",
  run(setting, trial) {
    trial.leavesNothing(() => {
      for (const _ of "12") setting.ok("DEL", {}, { containerId: "never" });
    }, setting.netns);
  },
});

const unknown: readonly unknown[] = [undefined, null, {}];

const withoutResult: Case[] = casesOf(leaving, {
  lines: ["SPEC-052"],
  fact: "cleans up without prevResult",
  run(setting, trial) {
    askAll(trial, unknown, (prevResult) =>
      complaintOf(trial, JSON.stringify(prevResult) ?? "none", () => {
        const pairs = pairsOf(trial);
        setting.add(full);
        setting.ok("DEL", { ...full, prevResult });
        nothingIsLeft(setting, pairs);
      }),
    );
  },
});

const succeedsWithout: Case[] = casesOf(
  subjects.filter(({ program }) => program !== "vrf"),
  {
    lines: ["SPEC-052"],
    fact: "succeeds at DEL without prevResult",
    run(setting) {
      for (const prevResult of unknown) {
        setting.add();
        setting.ok("DEL", { prevResult });
      }
    },
  },
);

const broken: readonly unknown[] = [
  "x",
  [],
  { cniVersion: "9.9.9" },
  { interfaces: [null] },
  { ips: [{ address: "bad" }] },
];

const withBrokenResult: Case[] = casesOf([...leaving, subjectOf("loopback")], {
  lines: ["SPEC-053"],
  fact: "cleans up whatever stands in prevResult",
  run(setting, trial) {
    askAll(trial, broken, (prevResult) =>
      complaintOf(trial, JSON.stringify(prevResult), () => {
        const pairs = pairsOf(trial);
        setting.add(full);
        const answer = trial.call(setting.call("DEL", { ...full, prevResult }));
        if (answer.status !== 0) trial.failed(answer, [6, 7]);
        nothingIsLeft(setting, pairs);
      }),
    );
  },
});

const gone: [string, string | null | undefined][] = [
  ["with the old path", undefined],
  ["with an empty path", ""],
  ["without path", null],
];

const withoutNetns: Case[] = gone.flatMap(([what, netns]) =>
  casesOf([...leaving, subjectOf("loopback"), subjectOf("tuning")], {
    lines: ["SPEC-054"],
    fact: `cleans up when the namespace is gone, ${what}`,
    run(setting, trial) {
      const pairs = pairsOf(trial);
      setting.add(full);
      trial.host.deletePod(setting.netns.split("/").at(-1)!);
      setting.ok("DEL", full, netns === undefined ? {} : { netns });
      nothingIsLeft(setting, pairs);
    },
  }),
);

const withoutLink: Case[] = casesOf(
  linkSubjects.filter(({ program }) => program !== "host-device"),
  {
    lines: ["SPEC-054", "SPEC-057"],
    fact: "cleans up when its link is gone already",
    run(setting, trial) {
      const pairs = pairsOf(trial);
      setting.add(full);
      trial.run("ip link del eth0", { netns: setting.netns });
      setting.ok("DEL", full);
      nothingIsLeft(setting, pairs);
    },
  },
);

const delegates: Case[] = caseOfAll({
  lines: ["SPEC-055"],
  fact: "executes IPAM at DEL without namespace, with the same stdin",
  run(trial, delegation) {
    for (const netns of ["", null, "/run/netns/gone"]) {
      const call = delegation.call("DEL", {}, { netns });
      trial.call(call);
      const seen = delegation.fake.calls().at(-1);
      equal(seen?.command, "DEL");
      deepEqual(JSON.parse(seen.stdin), call.config);
    }
    deepEqual(delegation.commands(), ["DEL", "DEL", "DEL"]);
  },
});

const noNamespace = ["/run", "/run/file", "/proc/self/ns/mnt"];

const notANamespace: Case[] = casesOf([...linkSubjects, subjectOf("loopback")], {
  lines: ["SPEC-056"],
  fact: "takes what is no network namespace as one that is gone",
  run(setting, trial) {
    trial.run("touch /run/file");
    askAll(trial, noNamespace, (netns) =>
      complaintOf(trial, netns, () => setting.ok("DEL", {}, { netns })),
    );
  },
});

const cleansAnyway: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-056"],
  fact: "gives the address back when CNI_NETNS is no network namespace",
  run(setting, trial) {
    setting.add(full);
    trial.call(setting.call("DEL", full, { netns: "/run" }));
    deepEqual(reservationsOf(trial, "c1"), []);
  },
});

const changes: [string, (setting: Setting) => void][] = [
  [
    "its link was renamed",
    ({ trial, netns }) => {
      trial.run("ip link set eth0 down", { netns });
      trial.run("ip link set eth0 name foo", { netns });
    },
  ],
  ["its address is gone", ({ trial, netns }) => trial.run("ip address flush dev eth0", { netns })],
  ["its link is down", ({ trial, netns }) => trial.run("ip link set eth0 down", { netns })],
  ["all rules are gone", ({ trial }) => trial.run("nft flush ruleset")],
];

const changed: Case[] = changes.flatMap(([what, change]) =>
  casesOf([...linkSubjects.slice(0, 4), portmap], {
    lines: ["SPEC-057"],
    fact: `cleans up when ${what}`,
    run(setting, trial) {
      const pairs = pairsOf(trial);
      setting.add(full);
      change(setting);
      setting.ok("DEL", full);
      nothingIsLeft(setting, pairs);
    },
  }),
);

const bridgeGone: Case[] = (["ip link set br-test down", "ip link del br-test"] as const).map(
  (command) => ({
    ...casesOf([subjectOf("bridge")], {
      lines: ["SPEC-057"],
      fact: `cleans up after \`${command}\``,
      run(setting, trial) {
        setting.add(full);
        trial.run(command);
        setting.ok("DEL", full);
        nothingIsLeft(setting);
      },
    })[0]!,
  }),
);

/** Keys with which ADD would fail now. */
const bad: Readonly<Record<string, readonly object[]>> = {
  bridge: [
    { mtu: "big" },
    { vlan: 5000 },
    { hairpinMode: true, promiscMode: true },
    { bridge: "" },
  ],
  ptp: [{ mtu: "big" }],
  macvlan: [{ master: "gone" }, { mode: "x" }, { mtu: 1e6 }],
  portmap: [
    { runtimeConfig: { portMappings: [{ hostPort: -1, containerPort: 80, protocol: "tcp" }] } },
    { runtimeConfig: { portMappings: "x" } },
    { markMasqBit: 99 },
  ],
  "host-local": [
    { ipam: ranges("10.1.2.5/31") },
    { ipam: { type: "host-local", ranges: [] } },
    { ipam: { type: "host-local", ranges: "x" } },
  ],
  firewall: [{ backend: "x" }],
};

const badNow: Case[] = Object.entries(bad).flatMap(([program, all]) =>
  casesOf([subjectOf(program)], {
    lines: ["SPEC-058"],
    fact: "cleans up with a configuration that ADD would refuse",
    run(setting, trial) {
      askAll(trial, all, (change) =>
        complaintOf(trial, JSON.stringify(change), () => {
          const pairs = pairsOf(trial);
          setting.add(full);
          const answer = trial.call(setting.call("DEL", { ...full, ...change }));
          if (answer.status === 0) return nothingIsLeft(setting, pairs);
          trial.failed(answer, 7);
          deepEqual(reservationsOf(trial, "c1"), []);
          setting.ok("DEL", full);
        }),
      );
    },
  }),
);

const badArgs: Case[] = casesOf([hostLocal, subjectOf("bridge")], {
  lines: ["SPEC-058"],
  fact: "cleans up with CNI_ARGS that ADD would refuse",
  run(setting, trial) {
    setting.add();
    trial.call(setting.call("DEL", {}, { args: "IP=x;y" }));
    deepEqual(reservationsOf(trial, "c1"), []);
  },
});

const otherNow: Case[] = casesOf([subjectOf("bridge"), subjectOf("ptp"), hostLocal], {
  lines: ["SPEC-100", "SPEC-058"],
  fact: "cleans up with a configuration that has changed",
  run(setting, trial) {
    const others = [
      { ipam: ranges("10.77.0.0/24") },
      { bridge: "br-other" },
      { ipMasq: false },
      { ipMasqBackend: "nftables" },
    ];
    askAll(trial, others, (change) =>
      complaintOf(trial, JSON.stringify(change), () => {
        const pairs = pairsOf(trial);
        setting.add(full);
        setting.ok("DEL", { ...full, ...change });
        nothingIsLeft(setting, pairs);
      }),
    );
  },
});

const foreign: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-059"],
  fact: "leaves a link alone that was there before a refused ADD",
  run(setting, trial) {
    const { netns } = setting;
    trial.run("ip link add eth0 address 02:00:00:00:00:77 type veth peer name other0", { netns });
    trial.fails(setting.call("ADD"));
    setting.ok("DEL");
    const link = trial.host.ipJson("link show dev eth0", netns)[0];
    equal(link.address, "02:00:00:00:00:77");
  },
});

const lo: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-059", "SPEC-139"],
  fact: "leaves `lo` alone after a refused ADD",
  run(setting, trial) {
    trial.fails(setting.call("ADD", {}, { ifName: "lo" }));
    setting.ok("DEL", {}, { ifName: "lo" });
    ok(trial.host.ipJson("link show dev lo", setting.netns)[0]);
  },
});

/** What must not change when another container's DEL comes, late or twice. */
function stateOf({ trial }: Setting): Reply {
  const { files, ...state } = trial.host.snapshot();
  return { ...state, files: files.filter((row) => !/last_reserved|ledger|\/ \d+$/.test(row)) };
}

const ofOthers: Case[] = casesOf(
  leaving.filter(({ program }) => !["host-device", "vlan"].includes(program)),
  {
    lines: ["SPEC-060"],
    fact: "leaves a neighbour alone, at a late DEL too",
    run(setting, trial) {
      const first = setting.add(full);
      setting.ok("DEL", full);
      // the neighbour gets the same address and ports
      const last = "/var/lib/cni/networks/net1/last_reserved_ip.0";
      trial.host.run(["rm", "-f", last]);
      const netns = setting.subject.chained ? setting.netns : trial.pod();
      setting.ok("ADD", full, { containerId: "c2", netns });
      const before = stateOf(setting);
      for (const prevResult of [first, undefined, first]) {
        setting.ok("DEL", { ...full, prevResult });
      }
      deepEqual(stateOf(setting), before);
    },
  },
);

export const cases: readonly Case[] = [
  ...removes,
  ...never,
  ...withoutResult,
  ...succeedsWithout,
  ...withBrokenResult,
  ...withoutNetns,
  ...withoutLink,
  ...delegates,
  ...notANamespace,
  ...cleansAnyway,
  ...changed,
  ...bridgeGone,
  ...badNow,
  ...badArgs,
  ...otherNow,
  ...foreign,
  ...lo,
  ...ofOthers,
];
