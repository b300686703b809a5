/**
 * macvlan (checklist 6.5).
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import {
  attachesIn,
  detachesNothing,
  inNewVersions,
  linkCase,
  pool,
  refuses,
  tellsOfLink,
  versions,
} from "./link-network.ts";
import {
  findsMaster,
  isOnMaster,
  makesLink,
  type OnMaster,
  onMasters,
  refusesMtus,
} from "./masters.ts";

const macs: [line: string, from: string, keys: object, args: string | undefined, mac: string][] = [
  ["U-067", "of CNI_ARGS", {}, "IgnoreUnknown=true;MAC=c2:11:22:33:44:66", "c2:11:22:33:44:66"],
  [
    "U-068",
    "that the runtime wants",
    { capabilities: { mac: true }, runtimeConfig: { mac: "c2:11:22:33:44:55" } },
    undefined,
    "c2:11:22:33:44:55",
  ],
];

function withMac(of: OnMaster): Case[] {
  return macs.map(([line, from, keys, args, mac]) => ({
    ...linkCase(of, [line], `has the MAC address ${from}`, keys, (net) => {
      const result = net.add({}, args === undefined ? {} : { args });
      equal(tellsOfLink(net, result).address, mac);
    }),
    version: "0.3.0",
  }));
}

function casesOf(of: OnMaster): Case[] {
  return [
    makesLink(of, "U-061", ["mode", "bridge"], { mtu: 1400 }),
    ...versions.map((each) => attachesIn(of, ["U-062", "U-065"], each)),
    detachesNothing(of, "U-063"),
    ...inNewVersions(of, ["U-064"], "does without addresses", { ipam: {} }, (net, result, del) => {
      deepEqual(result.ips ?? [], []);
      tellsOfLink(net, result);
      del();
      equal(net.link("eth0", net.netns), undefined);
    }),
    findsMaster(of, "U-066"),
    ...withMac(of),
    refuses(of, "U-070", "a mode that is none", { mode: "x" }, /unknown macvlan mode: "x"/),
    ...refusesMtus(of, "U-070", [-100, 9000]),
  ];
}

const sides = onMasters("macvlan", "macvlan", { mode: "bridge" });

export const cases: readonly Case[] = [
  ...sides.flatMap(casesOf),
  ...sides.slice(0, 1).map((of) =>
    linkCase(
      of,
      ["U-069"],
      "takes linkInContainer false",
      { linkInContainer: false, ipam: pool },
      (net) => {
        net.add();
        isOnMaster(of, net);
      },
    ),
  ),
];
