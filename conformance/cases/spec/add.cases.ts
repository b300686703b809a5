/**
 * ADD (checklist 1.D).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { caseOfAll, failsWith, prints } from "../delegators.ts";
import { richResult } from "./rich-result.ts";
import {
  casesOf,
  chainedSubjects,
  linkSubjects,
  mapping,
  ranges,
  type Setting,
  subjectOf,
  subjects,
} from "./subjects.ts";

/** The link of that name in the pod; `undefined` when there is none. */
function linkIn({ trial, netns }: Setting, name: string): Reply {
  const argv = ["-d", "link", "show"];
  return trial.host.ipJson(argv, netns).find(({ ifname }: Reply) => ifname === name);
}

/** Addresses of the link as `10.1.2.2/24`, global ones. */
function addressesIn({ trial, netns }: Setting, name: string): string[] {
  const [row] = trial.host.ipJson(["address", "show", "dev", name], netns);
  const global = row.addr_info.filter(({ scope }: Reply) => scope === "global");
  return global.map(({ local, prefixlen }: Reply) => `${local}/${prefixlen}`);
}

const makesTheLink: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-042", "SPEC-043", "SPEC-102", "SPEC-104"],
  fact: "makes one link of the asked name, up, as its result tells",
  run(setting, trial) {
    for (const ifName of ["net1", "x".repeat(15), "ééééééé0"]) {
      setting.add({}, { ifName });
      const inside = setting.result.interfaces.find(({ sandbox }: Reply) => sandbox);
      const link = linkIn(setting, ifName);
      equal(inside.name, ifName);
      equal(inside.mac, link.address);
      ok(link.flags.includes("UP"), "down");
      deepEqual(addressesIn(setting, ifName), [setting.result.ips[0].address]);
      equal(trial.host.ipJson("link", setting.netns).length, 2);
      setting.ok("DEL", {}, { ifName });
    }
  },
});

const ofLo: Case[] = casesOf([subjectOf("loopback")], {
  lines: ["SPEC-042", "SPEC-043", "SPEC-050"],
  fact: "works on `lo` whatever the name, and takes it down again",
  run(setting, trial) {
    setting.add({}, { ifName: "net1" });
    ok(linkIn(setting, "lo").flags.includes("UP"), "down");
    equal(trial.host.ipJson("link", setting.netns).length, 1);
    setting.ok("DEL", {}, { ifName: "net1" });
  },
});

/** What programs that pass a result on may change in it. */
function passedOn({ subject, config }: Setting, result: Reply): Reply {
  if (subject.program !== "tuning" || !("mtu" in config)) return result;
  const [bridge, host, inside] = result.interfaces;
  const { mtu: _, ...rest } = inside;
  return { ...result, interfaces: [bridge, host, rest] };
}

function rounds({ versions }: Trial): string[] {
  return versions.filter((version) => version >= "0.3.0");
}

const passesOn: Case[] = casesOf(
  chainedSubjects.filter(({ program }) => program !== "vrf" && program !== "sbr"),
  {
    lines: ["SPEC-044", "SPEC-111", "SPEC-101", "SPEC-112"],
    fact: "hands prevResult on as it came, in every version",
    run(setting, trial) {
      for (const cniVersion of rounds(trial)) {
        const prevResult = richResult(cniVersion, setting.netns);
        const result = setting.add({ cniVersion, prevResult });
        deepEqual(passedOn(setting, result), passedOn(setting, prevResult), cniVersion);
        setting.ok("DEL", { cniVersion });
      }
    },
  },
);

const ofLoopback: Case[] = casesOf([subjectOf("loopback")], {
  lines: ["SPEC-044", "SPEC-111"],
  fact: "hands prevResult on as it came",
  run(setting, trial) {
    const prevResult = richResult(trial.newest, setting.netns);
    deepEqual(setting.add({ prevResult }), prevResult);
  },
});

const keepsForeign: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-045", "SPEC-044"],
  fact: "keeps what a program before it made, or refuses it",
  run(setting, trial) {
    const interfaces = [{ name: "foreign0" }];
    const ips = [{ address: "192.168.9.9/24" }];
    const prevResult = { cniVersion: trial.newest, interfaces, ips };
    const answer = trial.call(setting.call("ADD", { prevResult }));
    if (answer.status !== 0) return void trial.failed(answer, 7);
    const result = trial.succeeded(answer, "ADD");
    ok(result.interfaces.some(({ name }: Reply) => name === "foreign0"));
    const own = result.ips.find(({ address }: Reply) => address.startsWith("10.1.2."));
    equal(result.interfaces[own.interface].name, "eth0");
  },
});

/** A link `eth0` of somebody else in the pod. */
function occupy({ trial, netns }: Setting): void {
  trial.run("ip link add eth0 address 02:00:00:00:00:77 type veth peer name other0", { netns });
  trial.run("ip address add 192.168.7.7/24 dev eth0", { netns });
}

const alreadyThere: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-046", "SPEC-139"],
  fact: "refuses a name that is taken, and leaves its link as it is",
  run(setting, trial) {
    occupy(setting);
    const before = trial.host.snapshot(setting.netns);
    trial.fails(setting.call("ADD"), undefined, /exist|eth0/);
    deepEqual(trial.host.snapshot(setting.netns), before);
    equal(linkIn(setting, "eth0").address, "02:00:00:00:00:77");
  },
});

const alreadyThereCleanly: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-046", "SPEC-049"],
  fact: "leaves nothing on the host when the name is taken",
  run(setting, trial) {
    occupy(setting);
    const before = trial.host.snapshot();
    trial.fails(setting.call("ADD"));
    const after = trial.host.snapshot();
    deepEqual({ ...after, files: [] }, { ...before, files: [] });
    ok(!after.files.join().includes("10.1.2.2 "), "a reservation is left");
  },
});

/** Whether the host answers, with the bridge or the pair as gateway. */
function pings({ trial, netns }: Setting, address: string): boolean {
  return trial.host.run(["ping", "-c1", "-W2", address], { netns }).status === 0;
}

const twice: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-047"],
  fact: "refuses to attach twice, and the first attachment goes on",
  run(setting, trial) {
    setting.add({ isGateway: true });
    trial.fails(setting.call("ADD", { isGateway: true }));
    deepEqual(addressesIn(setting, "eth0"), [setting.result.ips[0].address]);
    setting.ok("CHECK", { isGateway: true });
    setting.ok("DEL", { isGateway: true });
    ok(!trial.host.snapshot().files.join().includes("10.1.2.2 "), "a reservation is left");
  },
});

const twiceHostLocal: Case[] = casesOf([subjectOf("host-local")], {
  lines: ["SPEC-047"],
  fact: "refuses a second address for one attachment, and keeps the first",
  run(setting, trial) {
    setting.add();
    trial.unchanged(() => trial.fails(setting.call("ADD")));
  },
});

const twoInterfaces: Case[] = casesOf(
  linkSubjects.filter(({ program }) => program !== "host-device"),
  {
    lines: ["SPEC-048"],
    fact: "attaches one container twice to one network, and DEL takes one away",
    run(setting, trial) {
      const l3 = { isGateway: true, ipMasq: true };
      const vlan = setting.subject.program === "vlan" ? { vlanId: 6 } : {};
      setting.add(l3);
      const second = setting.ok("ADD", { ...l3, ...vlan }, { ifName: "eth1" });
      const before = trial.host.snapshot(setting.netns).addresses.filter((r) => r.includes("eth1"));
      setting.ok("DEL", l3);
      const after = trial.host.snapshot(setting.netns).addresses;
      deepEqual(
        after.filter((row) => row.includes("eth1")),
        before,
      );
      equal(linkIn(setting, "eth0"), undefined);
      ok(trial.host.snapshot().files.join().includes(second.ips[0].address.split("/")[0]));
      if (setting.subject.program === "bridge") ok(pings(setting, "10.1.2.1"), "no answer");
    },
  },
);

const twoOnHostLocal: Case[] = casesOf([subjectOf("host-local")], {
  lines: ["SPEC-048"],
  fact: "gives two interfaces of a container an address each, and takes one back",
  run(setting, trial) {
    setting.add();
    setting.ok("ADD", {}, { ifName: "eth1" });
    setting.ok("DEL");
    const files = trial.host.snapshot().files.join();
    ok(files.includes("10.1.2.3 ") && !files.includes("10.1.2.2 "), files);
  },
});

const publishing: Case[] = casesOf([subjectOf("portmap")], {
  lines: ["SPEC-048"],
  fact: "publishes for two interfaces of a container, and withdraws one",
  run(setting, trial) {
    const { prevResult, ...config } = setting.config as Reply;
    setting.ok("ADD");
    const other = structuredClone(prevResult);
    other.interfaces.push({ name: "eth1", sandbox: setting.netns });
    other.ips.push({ address: "10.1.2.3/24", interface: 3 });
    const runtimeConfig = { portMappings: [mapping(9090, 80)] };
    const second = { ...config, prevResult: other, runtimeConfig };
    trial.ok({ command: "ADD", config: second, netns: setting.netns, ifName: "eth1" });
    setting.ok("DEL");
    const rules = JSON.stringify(trial.host.nftJson());
    ok(rules.includes("9090") && !rules.includes("8080"), rules);
  },
});

/** What IPAM does so that ADD has to fail. */
const failures: [string, string][] = [
  ["fails", failsWith(123, "no")],
  ["prints garbage", "echo x"],
  ["prints nothing", ""],
  ["gives no address", prints({ cniVersion: "1.0.0", ips: [] })],
  [
    "gives a gateway that cannot be reached",
    prints({
      cniVersion: "1.0.0",
      ips: [{ address: "10.9.0.2/24" }],
      routes: [{ dst: "10.50.0.0/16", gw: "10.60.0.1" }],
    }),
  ],
  [
    "gives an address twice",
    prints({ cniVersion: "1.0.0", ips: [{ address: "10.9.0.2/24" }, { address: "10.9.0.2/24" }] }),
  ],
];

const undoes: Case[] = failures.flatMap(([what, script]) =>
  caseOfAll({
    lines: ["SPEC-049", "SPEC-099"],
    fact: `undoes everything when IPAM ${what}`,
    run(trial, delegation) {
      delegation.fake.answers("ADD", script);
      trial.leavesNothing(() => {
        const answer = trial.call(delegation.call("ADD"));
        if (answer.status === 0) trial.ok(delegation.call("DEL"));
        else trial.failed(answer);
      }, delegation.netns);
    },
  }),
);

const delAfterFailure: Case[] = caseOfAll({
  lines: ["SPEC-099", "SPEC-049", "SPEC-051"],
  fact: "is cleaned up by DEL after an ADD that failed, as often as DEL comes",
  run(trial, delegation) {
    for (const [, script] of failures) {
      trial.leavesNothing(() => {
        delegation.fake.answers("ADD", script);
        trial.call(delegation.call("ADD"));
        for (const _ of "12") trial.ok(delegation.call("DEL"));
      }, delegation.netns);
    }
  },
});

/** host-local behind the program, with routes that the kernel refuses. */
const unreachable = {
  ...ranges("10.1.2.0/24"),
  routes: [{ dst: "10.50.0.0/16", gw: "10.60.0.1" }],
};

const releases: Case[] = casesOf(linkSubjects, {
  lines: ["SPEC-049"],
  fact: "gives its address back when a route cannot be set",
  run(setting, trial) {
    trial.fails(setting.call("ADD", { ipam: unreachable }));
    ok(!trial.host.snapshot().files.join().includes("10.1.2.2 "), "a reservation is left");
  },
});

export const cases: readonly Case[] = [
  ...makesTheLink,
  ...ofLo,
  ...passesOn,
  ...ofLoopback,
  ...keepsForeign,
  ...alreadyThere,
  ...alreadyThereCleanly,
  ...twice,
  ...twiceHostLocal,
  ...twoInterfaces,
  ...twoOnHostLocal,
  ...publishing,
  ...undoes,
  ...delAfterFailure,
  ...releases,
  ...casesOf(
    subjects.filter(({ chained }) => chained !== true),
    {
      lines: ["SPEC-043"],
      fact: "prints a result of the version it was asked in",
      run(setting, trial) {
        const { cniVersion, ips = [] } = setting.add();
        equal(cniVersion, trial.newest);
        for (const { address } of ips) ok(/^[0-9a-f.:]+\/\d+$/.test(address), address);
      },
    },
  ),
];
