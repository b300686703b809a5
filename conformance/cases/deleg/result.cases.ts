/**
 * What becomes of a delegate's result (checklist 3.1).
 * @module
 */
import { deepEqual, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { caseOfAll, prints, withoutDad } from "../delegators.ts";

const dualStack = {
  cniVersion: "1.0.0",
  interfaces: [{ name: "delegates0", mac: "02:00:00:00:00:07" }],
  ips: [
    { address: "10.9.0.2/24", gateway: "10.9.0.1", interface: 7 },
    { address: "fd09::2/64", gateway: "fd09::1", interface: 0 },
  ],
  routes: [{ dst: "0.0.0.0/0" }, { dst: "10.77.0.0/16", gw: "10.9.0.3" }, { dst: "::/0" }],
};

/** Index of the interface inside the pod. */
function containerIndex(result: Reply, netns: string): number {
  const at = result.interfaces.findIndex(
    ({ name, sandbox }: Reply) => name === "eth0" && sandbox === netns,
  );
  ok(at >= 0, "the result has no eth0 in the sandbox");
  return at;
}

function hasItsAddresses(trial: Trial, result: Reply, netns: string): void {
  const at = containerIndex(result, netns);
  deepEqual(
    result.ips.map(({ address, gateway, interface: index }: Reply) => [address, gateway, index]),
    [
      ["10.9.0.2/24", "10.9.0.1", at],
      ["fd09::2/64", "fd09::1", at],
    ],
  );
  const [link] = trial.host.ipJson("addr show dev eth0", netns);
  const held = link.addr_info
    .filter(({ scope }: Reply) => scope === "global")
    .map(({ local, prefixlen }: Reply) => `${local}/${prefixlen}`);
  deepEqual(held.sort(), ["10.9.0.2/24", "fd09::2/64"]);
}

function hasItsRoutes(trial: Trial, result: Reply, netns: string): void {
  deepEqual(
    result.routes.map(({ dst }: Reply) => dst),
    ["0.0.0.0/0", "10.77.0.0/16", "::/0"],
  );
  const routes = [
    ...trial.host.ipJson("-4 route", netns),
    ...trial.host.ipJson("-6 route show default", netns),
  ];
  const through = (dst: string) =>
    routes.filter((route) => route.dst === dst).map((route) => route.gateway);
  deepEqual(through("10.77.0.0/16"), ["10.9.0.3"]);
  deepEqual(through("default"), ["10.9.0.1", "fd09::1"]);
}

export const cases: readonly Case[] = [
  ...caseOfAll({
    lines: ["DELEG-010", "OLD-032"],
    fact: "puts its delegate's addresses on its own interface",
    run(trial, delegation) {
      withoutDad(trial, delegation.netns);
      delegation.fake.answers("ADD", prints(dualStack));
      const result = trial.ok(delegation.call("ADD"));
      hasItsAddresses(trial, result, delegation.netns);
      deepEqual(JSON.stringify(result).includes("delegates0"), false);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-010"],
    fact: "makes its delegate's routes",
    run(trial, delegation) {
      withoutDad(trial, delegation.netns);
      delegation.fake.answers("ADD", prints(dualStack));
      const result = trial.ok(delegation.call("ADD"));
      hasItsRoutes(trial, result, delegation.netns);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-020"],
    fact: "keeps its delegate's stdout to itself",
    run(trial, delegation) {
      for (const command of ["CHECK", "DEL"]) {
        delegation.fake.answers(command, "echo a word");
      }
      const prevResult = trial.ok(delegation.call("ADD"));
      trial.ok(delegation.call("CHECK", { prevResult }));
      trial.ok(delegation.call("DEL"));
    },
  }),
];
