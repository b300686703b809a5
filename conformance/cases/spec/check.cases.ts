/**
 * CHECK (checklist 1.F).
 * @module
 */
import { deepEqual } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { caseOfAll, failsWith } from "../delegators.ts";
import {
  casesOf,
  chainedSubjects,
  linkSubjects,
  ranges,
  type Setting,
  subjectOf,
  subjects,
} from "./subjects.ts";

const veths = linkSubjects.filter(({ program }) => ["bridge", "ptp"].includes(program));

/** Both families, default routes, masquerade where there is one. */
const full = {
  isGateway: true,
  ipMasq: true,
  ipam: {
    ...ranges("10.1.2.0/24", "fd00::/64"),
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }, { dst: "10.9.0.0/16", gw: "10.1.2.1" }],
  },
};

/** What CHECK may not change: not what the kernel itself notices late, nor the empty tables that iptables makes to look into. */
function still(trial: Trial, netns: string): Reply {
  return [undefined, netns].map((path) => {
    const { nft, ...state } = trial.host.snapshot(path);
    return { ...state, nft: nft.filter((row) => !/^\{"(table|chain)"/.test(row)), routes: [] };
  });
}

const succeeds: Case[] = casesOf(subjects, {
  lines: ["SPEC-061", "SPEC-068"],
  fact: "succeeds after ADD as often as it comes, and changes nothing",
  run(setting, trial) {
    setting.add();
    const before = still(trial, setting.netns);
    for (const _ of "12345") setting.ok("CHECK");
    deepEqual(still(trial, setting.netns), before);
  },
});

const atOnce: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-061", "SPEC-071"],
  fact: "succeeds at once with IPv6",
  run(setting) {
    for (const _ of "123") {
      setting.add(full);
      setting.ok("CHECK", full);
      setting.ok("DEL", full);
    }
  },
});

const wantsResult: Case[] = casesOf([...linkSubjects, ...chainedSubjects], {
  lines: ["SPEC-062"],
  fact: "wants prevResult for CHECK",
  run(setting, trial) {
    setting.add();
    for (const prevResult of [undefined, null]) {
      trial.fails(setting.call("CHECK", { prevResult }), undefined, /prevResult|chained/);
    }
  },
});

const wantsResultCode: Case[] = casesOf([...linkSubjects, ...chainedSubjects], {
  lines: ["SPEC-062"],
  fact: "says with code 7 that CHECK wants prevResult",
  run(setting, trial) {
    setting.add();
    trial.fails(setting.call("CHECK", { prevResult: undefined }), 7);
  },
});

const later: [string, (setting: Setting, result: Reply) => void][] = [
  [
    "a route more",
    ({ trial, netns }) => trial.run("ip route add 10.77.0.0/16 dev eth0", { netns }),
  ],
  [
    "an address more",
    ({ trial, netns }) => trial.run("ip address add 10.99.0.1/24 dev eth0", { netns }),
  ],
  [
    "an interface more in prevResult",
    (_, result) => {
      result.interfaces.push({ name: "ifb0" });
    },
  ],
  [
    "a route in another table",
    ({ trial, netns }, result) => {
      trial.run("ip route del 10.9.0.0/16", { netns });
      trial.run("ip route add 10.9.0.0/16 dev eth0 table 100", { netns });
      result.routes = result.routes.filter(({ dst }: Reply) => dst !== "10.9.0.0/16");
    },
  ],
  [
    "another MAC address",
    ({ trial, netns }, result) => {
      trial.run("ip link set eth0 address 02:00:00:00:00:55", { netns });
      const own = result.interfaces.find(({ sandbox }: Reply) => sandbox);
      own.mac = "02:00:00:00:00:55";
    },
  ],
];

const tolerates: Case[] = later.flatMap(([what, change]) =>
  casesOf([...veths, ...linkSubjects.filter(({ program }) => program === "macvlan")], {
    lines: ["SPEC-063"],
    fact: `is content with ${what} from a later program`,
    run(setting) {
      setting.add(full);
      change(setting, setting.result);
      setting.ok("CHECK", full);
    },
  }),
);

/** One thing that is missing, and what the error has to name. */
interface Damage {
  what: string;
  lines: readonly [string, ...string[]];
  /** Instead of those that all damages are done to. */
  keys?: object;
  change(setting: Setting, result: Reply): void;
  says: RegExp;
}

function inPod(command: string) {
  return ({ trial, netns }: Setting) => void trial.run(command, { netns });
}

/** The host's end, by the result. */
function hostEnd(result: Reply): string {
  return result.interfaces.find(({ name }: Reply) => /^veth|^nl/.test(name)).name;
}

const ofLinks: readonly Damage[] = [
  { what: "its link", lines: ["SPEC-064"], change: inPod("ip link del eth0"), says: /eth0/ },
  {
    what: "its MAC address",
    lines: ["SPEC-064"],
    change(_, result) {
      const own = result.interfaces.find(({ sandbox }: Reply) => sandbox);
      own.mac = "02:00:00:00:00:66";
    },
    says: /eth0|02:00:00:00:00:66/,
  },
  {
    what: "its sandbox",
    lines: ["SPEC-064"],
    change(_, result) {
      result.interfaces.find(({ sandbox }: Reply) => sandbox).sandbox = "/run/netns/other";
    },
    says: /eth0|other|sandbox/i,
  },
  {
    what: "an address",
    lines: ["SPEC-065"],
    change: inPod("ip address del 10.1.2.2/24 dev eth0"),
    says: /10\.1\.2\.2/,
  },
  {
    what: "an IPv6 address",
    lines: ["SPEC-065"],
    change: inPod("ip address del fd00::2/64 dev eth0"),
    says: /fd00::2/,
  },
  {
    what: "a default route",
    lines: ["SPEC-066"],
    change: inPod("ip route del default"),
    says: /0\.0\.0\.0|default|route/i,
  },
  {
    what: "a route",
    lines: ["SPEC-066"],
    change: inPod("ip route del 10.9.0.0/16"),
    says: /10\.9\.0\.0|route/i,
  },
];

const ofHost: readonly Damage[] = [
  {
    what: "its end on the host",
    lines: ["SPEC-064"],
    change: ({ trial }, result) => void trial.run(`ip link del ${hostEnd(result)}`),
    says: /eth0|veth/,
  },
  {
    what: "masquerade",
    lines: ["SPEC-067"],
    change: ({ trial }) => void trial.run("nft flush ruleset"),
    says: /masq|nf_tables|iptables|nat/i,
  },
  {
    what: "its reservation",
    lines: ["SPEC-067"],
    keys: { isGateway: true },
    change: ({ trial }) => void trial.run("rm /var/lib/cni/networks/net1/10.1.2.2"),
    says: /c1|10\.1\.2/,
  },
];

function misses({ what, lines, keys: own, change, says }: Damage, usual: object) {
  const keys = own ?? usual;
  return {
    lines: [...lines, "SPEC-068"] as [string, ...string[]],
    fact: `misses ${what}, and changes nothing`,
    run(setting: Setting, trial: Trial) {
      setting.add(keys);
      change(setting, setting.result);
      const before = still(trial, setting.netns);
      trial.fails(setting.call("CHECK", keys), undefined, says);
      deepEqual(still(trial, setting.netns), before);
    },
  };
}

const damaged: Case[] = [
  ...ofLinks.flatMap((damage) => casesOf(linkSubjects, misses(damage, full))),
  ...ofHost.flatMap((damage) => casesOf(veths, misses(damage, full))),
];

const otherDamages: Case[] = [
  ...casesOf(
    [subjectOf("host-local")],
    misses(
      {
        what: "its reservation",
        lines: ["SPEC-067"],
        change: ({ trial }) => void trial.run("rm /var/lib/cni/networks/net1/10.1.2.2"),
        says: /c1|10\.1\.2/,
      },
      {},
    ),
  ),
  ...casesOf(
    [subjectOf("portmap"), subjectOf("firewall")],
    misses(
      {
        what: "its rules",
        lines: ["SPEC-067"],
        change: ({ trial }) => void trial.run("nft flush ruleset"),
        says: /./,
      },
      {},
    ),
  ),
  ...casesOf(
    [subjectOf("tuning")],
    misses(
      {
        what: "what it has set",
        lines: ["SPEC-067"],
        change: inPod("ip link set eth0 mtu 1300"),
        says: /1300|1400|mtu/i,
      },
      {},
    ),
  ),
  ...casesOf(
    [subjectOf("loopback")],
    misses(
      {
        what: "`lo` being up",
        lines: ["SPEC-064"],
        change: inPod("ip link set lo down"),
        says: /lo\b|loopback|down/i,
      },
      {},
    ),
  ),
];

const delegates: Case[] = caseOfAll({
  lines: ["SPEC-069", "SPEC-121"],
  fact: "executes IPAM's CHECK, and returns its error",
  run(trial, delegation) {
    const prevResult = trial.ok(delegation.call("ADD"));
    trial.ok(delegation.call("CHECK", { prevResult }));
    deepEqual(delegation.commands().slice(1), ["CHECK"]);
    delegation.fake.answers("CHECK", failsWith(123, "not mine"));
    const check = () => trial.fails(delegation.call("CHECK", { prevResult }), 123, "not mine");
    const { files: _, ...before } = trial.host.snapshot();
    check();
    const { files: __, ...after } = trial.host.snapshot();
    deepEqual(after, before);
  },
});

export const cases: readonly Case[] = [
  ...succeeds,
  ...atOnce,
  ...wantsResult,
  ...wantsResultCode,
  ...tolerates,
  ...damaged,
  ...otherDamages,
  ...delegates,
];
