/**
 * vlan (checklist 6.7).
 * @module
 */
import { equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { attachesIn, linkCase, pool, refuses, versions } from "./link-network.ts";
import { makesLink, type OnMaster, onMasters, refusesMtus, runAt } from "./masters.ts";

function casesOf(of: OnMaster): Case[] {
  return [
    makesLink(of, "U-077", ["id", 1234], { mtu: 1500 }),
    linkCase(of, ["U-078"], "has its master's MTU", { ipam: pool }, (net) => {
      runAt(net, of.masterIn(net), "ip link set master0 mtu 1200");
      net.add();
      equal(net.link("eth0", net.netns).mtu, 1200);
    }),
    ...versions.map((each) => attachesIn(of, ["U-079"], each)),
    ...refusesMtus(of, "U-080", [1600, -100]),
    ...[-1, 4095].map((vlanId) =>
      refuses(of, "U-081", `VLAN ${vlanId}`, { vlanId }, new RegExp(`invalid VLAN ID ${vlanId}`)),
    ),
    refuses(of, "U-081", "a configuration without master", { master: undefined }, /master/),
  ];
}

export const cases: readonly Case[] = onMasters("vlan", "vlan", { vlanId: 1234 }).flatMap(casesOf);
