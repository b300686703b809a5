/**
 * What older versions ask of a program (checklist 2.2).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { hostLocalConfig, portmapConfig, resultOf, staticConfig } from "../../runner/vehicles.ts";
import { bridgeLink, Chain, type Link, portmapLink, versionsOf } from "../chain.ts";
import { bridgeDelegator, caseOf, caseOfAll, oneAddress, prints } from "../delegators.ts";
import { takesOrRefuses } from "../spec/questions.ts";
import { casesOf, chainedSubjects, verbsOf } from "../spec/subjects.ts";

const tooMany = /does not support more than 1 address per family/;
const families = ["0.1.0", "0.2.0"];
const twoAddresses = [{ address: "10.0.0.2/24" }, { address: "10.0.0.3/24" }];
const twoRanges = [[{ subnet: "10.1.2.0/24" }], [{ subnet: "10.1.3.0/24" }]];

/** What asks for two IPv4 addresses. */
const twice: readonly [program: string, what: string, config: (version: string) => object][] = [
  [
    "static",
    "configured",
    (v) => staticConfig(v, { ipam: { type: "static", addresses: twoAddresses } }),
  ],
  [
    "static",
    "asked for by the runtime",
    (v) => staticConfig(v, { runtimeConfig: { ips: ["10.0.0.2/24", "10.0.0.3/24"] } }),
  ],
  ["host-local", "of two ranges", (v) => hostLocalConfig(v, { ranges: twoRanges })],
  [
    "host-local",
    "asked for in args",
    (v) =>
      hostLocalConfig(
        v,
        { ranges: twoRanges },
        { args: { cni: { ips: ["10.1.2.5", "10.1.3.5"] } } },
      ),
  ],
];

function refusesTwo([program, what, config]: (typeof twice)[number]): Case[] {
  return families.map((version) => ({
    lines: ["OLD-004"],
    program,
    version,
    fact: `refuses two IPv4 addresses ${what} at ${version}`,
    run(trial) {
      const netns = trial.pod();
      trial.leavesNothing(() => {
        const { msg, details } = trial.fails({ command: "ADD", config: config(version), netns });
        match(`${msg} ${details}`, tooMany);
      });
    },
  }));
}

/** Default routes of a pod, by the link they leave through. */
function defaultLinks(trial: Trial, netns: string): string[] {
  return trial.host.ipJson("-4 route show default", netns).map(({ dev }) => dev);
}

/** A network with a default route, 10.<n>.0.0/24. */
function routedLink(n: number): Link {
  const range = { ranges: [[{ subnet: `10.${n}.0.0/24` }]], routes: [{ dst: "0.0.0.0/0" }] };
  return { ...bridgeLink, bridge: `br-${n}`, ipam: { type: "host-local", ...range } };
}

const longChain: readonly Link[] = [
  bridgeLink,
  { type: "tuning", sysctl: { "net.ipv4.conf.all.log_martians": "1" } },
  portmapLink,
  { type: "firewall", backend: "iptables" },
  { type: "bandwidth", ingressRate: 1_000_000, ingressBurst: 100_000 },
];

/** Every program by itself, and all of them, for a DEL without prevResult. */
function delWithout(version: string, links: readonly Link[]): Case {
  const [, ...rest] = links.map(({ type }) => type);
  return {
    lines: ["OLD-016"],
    program: "bridge",
    beside: ["host-local", ...rest],
    ...(rest.includes("bandwidth") && { needs: ["tbf"] as const }),
    version,
    fact: `cleans up behind bridge ${rest.join(" ")} at ${version} without prevResult`,
    run(trial) {
      if (!versionsOf(trial, links).includes(version)) trial.skip(`not all list ${version}`);
      const netns = trial.pod();
      trial.leavesNothing(() => {
        const chain = new Chain(trial, links, version, netns);
        chain.add();
        chain.del(undefined);
      }, netns);
    },
  };
}

export const cases: readonly Case[] = [
  ...[undefined, "", null].map(
    (cniVersion): Case => ({
      lines: ["OLD-002", "U-245", "U-254"],
      program: "static",
      fact: `takes the version ${JSON.stringify(cniVersion)} for 0.1.0`,
      run(trial) {
        const config = { ...staticConfig(""), cniVersion };
        const result = trial.ok({ command: "ADD", config, netns: trial.pod() });
        deepEqual(result, { cniVersion: "0.1.0", ip4: { ip: "10.0.0.2/24" }, dns: {} });
      },
    }),
  ),
  {
    lines: ["OLD-003"],
    program: "static",
    fact: "does not look at CNI_VERSION",
    run(trial) {
      const netns = trial.pod();
      for (const cniVersion of trial.versions) {
        for (const CNI_VERSION of ["0.1.0", "9", ""]) {
          const call = { config: staticConfig(cniVersion), netns, env: { CNI_VERSION } };
          equal(trial.ok({ ...call, command: "ADD" }).cniVersion, cniVersion);
        }
      }
    },
  },
  ...twice.flatMap(refusesTwo),
  ...families.flatMap((version): Case[] => [
    {
      lines: ["OLD-005", "U-251"],
      program: "static",
      version,
      fact: `refuses at ${version}, which has no way to say it, a result without addresses`,
      run(trial) {
        const config = staticConfig(version, { ipam: { type: "static" } });
        const { status, json } = trial.call({ command: "ADD", config, netns: trial.pod() });
        if (status === 0) deepEqual(json, { cniVersion: version, dns: {} });
        else equal(json.code, 7);
      },
    },
    {
      lines: ["OLD-005"],
      program: "bridge",
      version,
      fact: `refuses at ${version}, before it does anything, a link without addresses`,
      run(trial) {
        const keys = { name: "net1", type: "bridge", bridge: "br-test" };
        const call = { command: "ADD", config: { cniVersion: version, ...keys } };
        const before = trial.host.snapshot();
        const { status, json } = trial.call({ ...call, netns: trial.pod() });
        if (status === 0) return deepEqual(json, { cniVersion: version, dns: {} });
        equal(json.code, 7);
        deepEqual(trial.host.snapshot(), before);
      },
    },
  ]),
  ...casesOf(chainedSubjects, {
    lines: ["OLD-007"],
    fact: "cannot be chained before 0.3.0, and says so",
    run(setting, trial) {
      for (const cniVersion of families) {
        const call = setting.call("ADD", { cniVersion, prevResult: undefined });
        const { code, msg, details } = trial.fails(call);
        ok(code === 1 || /chained|prevResult/i.test(`${msg} ${details}`), `${code} ${msg}`);
        const prevResult = { cniVersion, ip4: { ip: "10.1.2.2/24" }, dns: {} };
        trial.call(setting.call("ADD", { cniVersion, prevResult }));
      }
    },
  }),
  ...["eth0", "eth1"].map(
    (first): Case => ({
      lines: ["OLD-008", "OLD-020"],
      program: "bridge",
      beside: ["host-local"],
      fact: `takes a second default route, and keeps the other when ${first} goes`,
      run(trial) {
        const netns = trial.pod();
        const calls = ["eth0", "eth1"].map((ifName, n) => {
          const network = { cniVersion: trial.newest, name: `net${n}` };
          return { netns, ifName, config: { ...routedLink(n + 1), ...network } };
        });
        for (const call of calls) trial.ok({ ...call, command: "ADD" });
        for (const call of calls.filter(({ ifName }) => ifName === first)) {
          trial.ok({ ...call, command: "DEL" });
        }
        deepEqual(defaultLinks(trial, netns), [first === "eth0" ? "eth1" : "eth0"]);
      },
    }),
  ),
  {
    lines: ["OLD-009", "OLD-002"],
    program: "static",
    fact: "answers VERSION whatever version it is asked in",
    run(trial) {
      for (const cniVersion of [...trial.versions, undefined, "9.9.9"]) {
        const reply = trial.ok({ command: "VERSION", config: { cniVersion } });
        deepEqual(Object.keys(reply).sort(), ["cniVersion", "supportedVersions"]);
        deepEqual(reply.supportedVersions.toSorted(), [...trial.versions].sort());
      }
    },
  },
  ...["static", "loopback"].map(
    (program): Case => ({
      lines: ["OLD-010"],
      program,
      fact: "takes anything in args at every version",
      run(trial) {
        const netns = trial.pod();
        const args = { labels: [{ key: "a", value: "b" }], other: { x: [null] }, cni: { foo: 1 } };
        for (const cniVersion of trial.versions) {
          const config = { ...staticConfig(cniVersion), type: program, args };
          trial.ok({ command: "ADD", config, netns });
        }
      },
    }),
  ),
  takesOrRefuses({
    lines: ["OLD-011"],
    fact: "names key and value where it uses code 2",
    codes: 2,
    says: /zzUnknown[\s\S]*v-123/,
    inputs: ({ versions }) =>
      versions.map((cniVersion) => ({
        what: cniVersion,
        change: { cniVersion, zzUnknown: "v-123" },
      })),
  }),
  ...caseOfAll({
    lines: ["OLD-014"],
    fact: "uses CNI_IFNAME",
    run(trial, delegation) {
      const call = delegation.call("ADD", {}, { ifName: "net-7" });
      const { interfaces } = trial.ok(call);
      ok(interfaces.some(({ name }: { name: string }) => name === "net-7"));
      const links = trial.host.ipJson("link", delegation.netns).map(({ ifname }) => ifname);
      ok(links.includes("net-7"), links.join(" "));
    },
  }),
  ...["0.3.0", "0.3.1"].flatMap((version) =>
    [[bridgeLink], [bridgeLink, portmapLink], longChain].map((links) => delWithout(version, links)),
  ),
  caseOf(bridgeDelegator, {
    lines: ["OLD-018"],
    version: "0.4.0",
    fact: "checks at 0.4.0",
    run(trial, delegation) {
      const cniVersion = "0.4.0";
      const prevResult = trial.ok(delegation.call("ADD", { cniVersion }));
      trial.unchanged(() => trial.ok(delegation.call("CHECK", { cniVersion, prevResult })));
      trial.run("ip address flush dev eth0", { netns: delegation.netns });
      trial.fails(delegation.call("CHECK", { cniVersion, prevResult }));
    },
  }),
  ...caseOfAll({
    lines: ["OLD-019"],
    version: "0.4.0",
    fact: "takes a prevResult of an older version for DEL",
    run(trial, delegation) {
      trial.leavesNothing(() => {
        const result = trial.ok(delegation.call("ADD", { cniVersion: "0.4.0", ipMasq: true }));
        const prevResult = { ...result, cniVersion: "0.3.1" };
        trial.ok(delegation.call("DEL", { cniVersion: "0.4.0", ipMasq: true, prevResult }));
      }, delegation.netns);
    },
  }),
  ...caseOfAll({
    lines: ["OLD-021"],
    fact: "reports the routes that it made for its interface",
    run(trial, delegation) {
      const routes = [{ dst: "10.77.0.0/16", gw: "10.9.0.3" }, { dst: "10.78.0.0/16" }];
      delegation.fake.answers("ADD", prints({ ...oneAddress, routes }));
      const result = trial.ok(delegation.call("ADD"));
      for (const { dst } of result.routes) {
        const [route] = trial.host.ipJson(`-4 route show ${dst}`, delegation.netns);
        equal(route?.dev, "eth0", dst);
      }
      equal(result.routes.length, 2);
    },
  }),
  {
    lines: ["OLD-022"],
    program: "static",
    fact: "uses the codes below 100 as the specification does",
    run(trial) {
      const good = staticConfig(trial.newest);
      const netns = trial.pod();
      const wrong: [config: unknown, codes: number[]][] = [
        ["{", [6]],
        [{ ...good, cniVersion: "9.9.9" }, [1]],
        [{ ...good, name: "a/b" }, [7]],
        [{ ...good, ipam: { type: "static", addresses: [{ address: "x" }] } }, [6, 7]],
        [{ ...good, ipam: undefined }, [7]],
        [{ ...good, ipam: { type: "static", addresses: 5 } }, [6, 7]],
      ];
      for (const [config, codes] of wrong) {
        const { code } = trial.fails({ command: "ADD", config, netns });
        ok(codes.includes(code) || code >= 100, `${JSON.stringify(config)}: ${code}`);
      }
    },
  },
  {
    lines: ["OLD-025"],
    program: "static",
    fact: "has no CHECK before 0.4.0, no GC and STATUS before 1.1.0",
    run(trial) {
      const since: Record<string, string> = { CHECK: "0.4.0", GC: "1.1.0", STATUS: "1.1.0" };
      for (const command of verbsOf(trial).filter((verb) => since[verb])) {
        for (const cniVersion of trial.versions.filter((v) => v < since[command]!)) {
          const call = { command, config: staticConfig(cniVersion), netns: trial.pod() };
          trial.fails(call, 1, command);
        }
      }
    },
  },
  ...["mtu", "socketPath", "pciID"].map(
    (key): Case => ({
      lines: ["OLD-024"],
      program: "portmap",
      version: "1.0.0",
      fact: `passes ${key} of an interface on at 1.0.0, or drops it`,
      run(trial) {
        const netns = trial.pod();
        const prevResult = resultOf("1.0.0", netns) as { interfaces: object[] };
        const value = key === "mtu" ? 1400 : "x";
        prevResult.interfaces[2] = { name: "eth0", sandbox: netns, [key]: value };
        const config = portmapConfig("1.0.0", [], { prevResult });
        const { interfaces } = trial.ok({ command: "ADD", config, netns });
        ok([undefined, value].includes(interfaces[2][key]));
      },
    }),
  ),
];
