/**
 * Chained programs behind interfaces of every kind (checklist 4.5).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { PodNetwork, tcp } from "../../runner/pod-network.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { type Delegator, delegators, oneAddress } from "../delegators.ts";
import { caseOf, chainedSubjects, type Subject, subjectOf } from "../spec/subjects.ts";

/** Makers of interfaces without an end in the host. */
const kinds = ["macvlan", "tap", "host-device"];

/** A chained program behind another program's interface. */
function behind(maker: Delegator, chained: Subject): Case {
  return {
    lines: ["CONV-034"],
    program: chained.program,
    beside: [maker.program, "static"],
    needs: [...(maker.needs ?? []), ...(chained.needs ?? [])],
    fact: `works behind ${maker.program}`,
    run(trial) {
      maker.prepare(trial);
      const netns = trial.pod();
      const cniVersion = commonVersion(trial, maker.program);
      const ipam = { type: "static", addresses: oneAddress.ips };
      const network = { cniVersion, name: "net1" };
      const made = { ...network, ...maker.keys, type: maker.program, ipam };
      const prevResult = trial.ok({ command: "ADD", type: maker.program, config: made, netns });
      const config = { ...network, ...chained.keys, type: chained.program, prevResult };
      const result = trial.ok({ command: "ADD", config, netns });
      deepEqual(result.ips, prevResult.ips);
      trial.ok({ command: "CHECK", config: { ...config, prevResult: result }, netns });
      trial.ok({ command: "DEL", config: { ...config, prevResult: result }, netns });
    },
  };
}

function commonVersion({ build, newest }: Trial, type: string): string {
  const theirs = build.programs[type] ?? [];
  return theirs.includes(newest) ? newest : (theirs.at(-1) ?? "");
}

const agnostic = chainedSubjects.filter(({ program }) => program !== "bandwidth");

export const cases: readonly Case[] = [
  ...delegators
    .filter(({ program }) => kinds.includes(program))
    .flatMap((maker) => agnostic.map((chained) => behind(maker, chained))),
  {
    lines: ["CONV-035"],
    program: "bridge",
    beside: ["host-local"],
    fact: "makes a link of its own when a prevResult has one in the host, or takes that",
    run(trial) {
      trial.run("ip link add tap0 type veth peer name tap1");
      const cniVersion = trial.newest;
      const prevResult = { cniVersion, interfaces: [{ name: "tap0" }] };
      const ipam = { type: "host-local", ranges: [[{ subnet: "10.1.2.0/24" }]] };
      const keys = { name: "net1", type: "bridge", bridge: "br-test", ipam, prevResult };
      const netns = trial.pod();
      const answer = trial.call({ command: "ADD", config: { cniVersion, ...keys }, netns });
      if (answer.status !== 0) return;
      const ports = trial.host.ipJson("link show master br-test").map(({ ifname }) => ifname);
      equal(ports.length, 1);
      ok(
        answer.json.interfaces.some(({ name }: Reply) => ports.includes(name)),
        ports.join(" "),
      );
    },
  },
  caseOf(subjectOf("bandwidth"), {
    lines: ["CONV-036"],
    needs: ["tbf"],
    fact: "says what it misses when a prevResult names no link in the host",
    run(setting, trial) {
      const rate = { ingressRate: 8_000_000, ingressBurst: 800_000 };
      const { cniVersion } = setting.config;
      const container = { name: "eth0", sandbox: setting.netns };
      trial.run("ip link add up0 type veth peer name up1");
      trial.run("ip link delete eth0", { netns: setting.netns });
      trial.run("ip link add eth0 link up0 type macvlan");
      trial.run(`ip link set eth0 netns ${setting.netns.split("/").at(-1)}`);
      for (const interfaces of [[], [container]]) {
        const prevResult = { cniVersion, interfaces, ips: [{ address: "10.1.2.2/24" }] };
        const { msg, details } = setting.fails("ADD", { ...rate, prevResult });
        match(`${msg} ${details}`, /no interfaces? provided|no veth peer|not in host ns|host/);
      }
    },
  }),
  caseOf(subjectOf("tuning"), {
    lines: ["CONV-037"],
    fact: "changes the link of the container, not one of the host with its name",
    run(setting, trial) {
      trial.run("ip link add eth0 type veth peer name eth9");
      const { cniVersion } = setting.config;
      const interfaces = [{ name: "eth0" }, { name: "eth0", sandbox: setting.netns }];
      const prevResult = {
        cniVersion,
        interfaces,
        ips: [{ address: "10.1.2.2/24", interface: 1 }],
      };
      setting.add({ mtu: 1300, prevResult });
      const mtuOf = (netns?: string) => trial.host.ipJson("link show eth0", netns)[0].mtu;
      deepEqual([mtuOf(), mtuOf(setting.netns)], [1500, 1300]);
    },
  }),
  {
    lines: ["CONV-037"],
    program: "portmap",
    beside: ["bridge", "host-local"],
    needs: ["python3"],
    fact: "publishes the addresses of the container, not those of links in the host",
    async run(trial) {
      const network = new PodNetwork(trial);
      const result = await network.attach("a");
      const others = [
        { address: "10.1.2.1/24", interface: 0 },
        { address: "fd01:2::1/64", interface: 0 },
      ];
      const prevResult = { ...result, ips: [...others, ...result.ips] };
      trial.ok(network.portmap("ADD", "a", [tcp(8080)], { config: { prevResult } }));
      network.answers(8080, "a");
    },
  },
];
