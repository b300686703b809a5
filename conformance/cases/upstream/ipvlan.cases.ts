/**
 * ipvlan (checklist 6.6).
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { attachesIn, detachesNothing, linkCase, pool, refuses, versions } from "./link-network.ts";
import { findsMaster, isOnMaster, makesLink, type OnMaster, onMasters } from "./masters.ts";

function casesOf(of: OnMaster): Case[] {
  return [
    makesLink(of, "U-071", ["mode", "l2"], { mtu: 1500 }),
    linkCase(of, ["U-072"], "has its master's MAC address", { ipam: pool }, (net) => {
      net.add();
      const { address } = net.link("eth0", net.netns);
      equal(address, net.link("master0", of.masterIn(net)).address);
    }),
    ...versions.map((each) => attachesIn(of, ["U-072"], each)),
    detachesNothing(of, "U-074"),
    findsMaster(of, "U-075"),
    refuses(of, "U-076", "a mode that is none", { mode: "l9" }, /unknown ipvlan mode: "?l9"?/),
  ];
}

const sides = onMasters("ipvlan", "ipvlan", { mode: "l2" });

export const cases: readonly Case[] = [
  ...sides.flatMap(casesOf),
  ...sides.slice(0, 1).map((of) => ({
    ...linkCase(
      of,
      ["U-073"],
      "in a chain takes link and addresses of the program before",
      { master: undefined },
      (net) => {
        const ips = [{ address: "10.1.2.2/24", interface: 0 }];
        const prevResult = { cniVersion: net.trial.newest, interfaces: [{ name: "master0" }], ips };
        net.add({ prevResult });
        isOnMaster(of, net);
        deepEqual(net.addresses("eth0", net.netns), ["10.1.2.2/24"]);
      },
    ),
    version: "1.0.0",
  })),
];
