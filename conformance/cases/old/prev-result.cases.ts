/**
 * What becomes of a prevResult, in every version and in another than the configuration's (checklist 2.5).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { bridgeLink, Chain, type Link, portmapLink, versionsOf } from "../chain.ts";
import { bridgeDelegator, caseOf } from "../delegators.ts";

/** Programs that return the prevResult as it is, with keys that give them nothing to do. */
const passers: readonly Link[] = [
  { type: "portmap", runtimeConfig: { portMappings: [] } },
  { type: "tuning" },
  { type: "loopback" },
];

const route = { dst: "10.9.0.0/16", gw: "10.0.0.9" };
const extras = { mtu: 1400, advmss: 1360, priority: 100, table: 50, scope: 253 };

/** Everything that the version can say. */
function fullResult(cniVersion: string, sandbox: string): Reply {
  const newest = cniVersion >= "1.1.0";
  const versioned = cniVersion < "1.0.0";
  const details = newest ? { mtu: 1400, socketPath: "/run/s", pciID: "0000:04:00.5" } : {};
  return {
    cniVersion,
    interfaces: [
      { name: "eth0", mac: "02:00:00:00:00:02", sandbox, ...details },
      { name: "br0", mac: "02:00:00:00:00:01" },
    ],
    ips: [
      { ...(versioned && { version: "4" }), address: "10.0.0.2/24", gateway: "10.0.0.1" },
      { ...(versioned && { version: "6" }), address: "fd00::2/64", interface: 0 },
      { ...(versioned && { version: "4" }), address: "10.0.1.2/24", interface: 1 },
    ],
    routes: [{ dst: "0.0.0.0/0" }, newest ? { ...route, ...extras } : route],
    dns: {
      nameservers: ["10.0.0.53"],
      domain: "d.test",
      search: ["a", "b"],
      options: ["ndots:2"],
    },
  };
}

function pass(trial: Trial, link: Link, cniVersion: string, prevResult: unknown, netns: string) {
  const config = { ...link, cniVersion, name: "net1", prevResult };
  return trial.call({ command: "ADD", config, netns });
}

function passed(trial: Trial, link: Link, version: string, prevResult: unknown, netns: string) {
  return trial.succeeded(pass(trial, link, version, prevResult, netns), "ADD");
}

function ofPasser(link: Link): Case[] {
  const program = link.type;
  return [
    {
      lines: ["OLD-034", "OLD-015", "OLD-038", "OLD-039", "SPEC-111"],
      program,
      fact: "passes on everything that a version can say",
      run(trial) {
        const netns = trial.pod();
        for (const version of versionsOf(trial, [link])) {
          const prevResult = fullResult(version, netns);
          deepEqual(passed(trial, link, version, prevResult, netns), prevResult);
        }
      },
    },
    {
      lines: ["OLD-023"],
      program,
      version: "1.0.0",
      fact: "does not look at the version of an address at 1.0.0",
      run(trial) {
        const netns = trial.pod();
        const prevResult = fullResult("1.0.0", netns);
        const marked = prevResult.ips.map((ip: object) => ({ version: "9", ...ip }));
        const result = passed(trial, link, "1.0.0", { ...prevResult, ips: marked }, netns);
        deepEqual(result, prevResult);
      },
    },
    {
      lines: ["OLD-035", "OLD-026", "U-252"],
      program,
      fact: "takes a prevResult that is older than its configuration",
      run(trial) {
        const netns = trial.pod();
        for (const [version, older] of olderInside(trial.newest)) {
          const prevResult = fullResult(older, netns);
          const result = passed(trial, link, version, prevResult, netns);
          deepEqual(result, { ...prevResult, cniVersion: version });
        }
      },
    },
    {
      lines: ["OLD-036", "OLD-026", "U-252"],
      program,
      version: "1.1.0",
      fact: "takes a prevResult that is newer than its configuration",
      run(trial) {
        const netns = trial.pod();
        const result = passed(trial, link, "1.0.0", fullResult("1.1.0", netns), netns);
        equal(result.cniVersion, "1.0.0");
        ok([undefined, 1400].includes(result.interfaces[0].mtu));
        deepEqual(result.ips, fullResult("1.0.0", netns).ips);
      },
    },
    {
      lines: ["OLD-035", "U-252"],
      program,
      fact: "takes a prevResult without a version for one of its configuration's",
      run(trial) {
        const netns = trial.pod();
        const { cniVersion, ...prevResult } = fullResult(trial.newest, netns);
        const result = passed(trial, link, cniVersion, prevResult, netns);
        deepEqual(result, { cniVersion, ...prevResult });
      },
    },
    {
      lines: ["OLD-037", "U-252"],
      program,
      fact: "converts a prevResult of another family, or refuses it",
      run(trial) {
        const netns = trial.pod();
        const older = { cniVersion: "0.2.0", ip4: { ip: "10.0.0.2/24" }, dns: {} };
        for (const [version, prevResult] of [
          ["1.0.0", older],
          ["0.4.0", fullResult("1.0.0", netns)],
        ] as const) {
          const answer = pass(trial, link, version, prevResult, netns);
          if (answer.status !== 0) trial.failed(answer, [1, 6, 7, 999]);
          else equal(answer.json.cniVersion, version);
        }
      },
    },
    {
      lines: ["OLD-040"],
      program,
      fact: "makes no null of an empty list",
      run(trial) {
        const netns = trial.pod();
        for (const version of versionsOf(trial, [link])) {
          const prevResult = { cniVersion: version, interfaces: [], ips: [], routes: [], dns: {} };
          const result = passed(trial, link, version, prevResult, netns);
          const lists = ["interfaces", "ips", "routes"].map((key) => result[key] ?? []);
          deepEqual(lists, [[], [], []]);
        }
      },
    },
  ];
}

/** A version and an older one of the same family, as far as the program lists them. */
function olderInside(newest: string): [version: string, older: string][] {
  const pairs: [string, string][] = [
    ["0.4.0", "0.3.0"],
    ["0.3.1", "0.3.0"],
  ];
  return newest >= "1.1.0" ? [["1.1.0", "1.0.0"], ...pairs] : pairs;
}

const shortChain = [bridgeLink, portmapLink];
const longChain: readonly Link[] = [
  bridgeLink,
  { type: "tuning", sysctl: { "net.ipv4.conf.all.log_martians": "1" } },
  portmapLink,
  { type: "firewall", backend: "iptables" },
  { type: "bandwidth", ingressRate: 1_000_000, ingressBurst: 100_000 },
];

function chainCase(links: readonly Link[]): Case {
  const [, ...rest] = links.map(({ type }) => type);
  return {
    lines: ["OLD-033", "OLD-015"],
    program: "bridge",
    beside: ["host-local", ...rest],
    ...(rest.includes("bandwidth") && { needs: ["tbf"] as const }),
    fact: `is added, checked and deleted in every version with ${rest.join(" ")} behind it`,
    run(trial) {
      for (const version of versionsOf(trial, links)) {
        const netns = trial.pod();
        trial.leavesNothing(() => {
          const chain = new Chain(trial, links, version, netns);
          chain.add();
          for (const { cniVersion, ips } of chain.results) {
            deepEqual([cniVersion, ips[0].version], [version, version < "1.0.0" ? "4" : undefined]);
          }
          if (version >= "0.4.0") chain.check();
          chain.del(version >= "0.4.0" ? chain.result : undefined);
        }, netns);
      }
    },
  };
}

/** DEL cleans up, whatever version the prevResult has. */
const foreignDel: Case[] = ["0.2.0", "0.4.0"].map((older) =>
  caseOf(bridgeDelegator, {
    lines: ["OLD-037"],
    version: "1.0.0",
    fact: `deletes at 1.0.0 with a prevResult of ${older}`,
    run(trial, delegation) {
      const cniVersion = "1.0.0";
      const change = { cniVersion, ipMasq: true };
      const ip4 = { ip: "10.9.0.2/24" };
      const ips = [{ version: "4", address: "10.9.0.2/24" }];
      const prevResult = { cniVersion: older, ...(older < "0.3.0" ? { ip4 } : { ips }), dns: {} };
      trial.leavesNothing(() => {
        trial.ok(delegation.call("ADD", change));
        trial.ok(delegation.call("DEL", { ...change, prevResult }));
      }, delegation.netns);
    },
  }),
);

export const cases: readonly Case[] = [
  ...passers.flatMap(ofPasser),
  chainCase(shortChain),
  chainCase(longChain),
  ...foreignDel,
];
